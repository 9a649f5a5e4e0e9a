"""Scores of outputs that somebody saved: no model, no prompt, only a benchmark's answer format.

    predictions --match--> Example, Generated --AnswerFormat.score--> Score --Metric--> result
    outcomes ----match--> Example, verdicts --OutcomeRule.score-----> Score --Metric--> result

The result and the sample lines are the same bytes for the same files.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_jax.data.manifest import MANIFEST
from llama_jax.errors import InputError
from llama_jax.evals.plan import read_examples
from llama_jax.evals.predictions import (
    MISSING,
    Saved,
    agree,
    match,
    read_outcomes,
    read_predictions,
)
from llama_jax.evals.protocol import AnswerFormat, Benchmark, Metric, OutcomeRule
from llama_jax.evals.results import SCHEMA, metric_values, paper_numbers, subtask_values
from llama_jax.evals.samples import output_lines
from llama_jax.evals.types import Example, Generated, Output, Score

SAVED = "saved"  # the stop reason of a saved text: nobody knows why it ended


@dataclass(frozen=True)
class Scored:
    """The result, as results.json holds it, and the lines of samples/TASK.jsonl."""

    summary: dict[str, Any]
    samples: list[dict[str, Any]]


def score_saved(
    benchmark: Benchmark,
    *,
    subtask: str = "",
    predictions: Path | None = None,
    outcomes: Path | None = None,
    answer_format: str | None = None,
    references: Sequence[str] = (),
    missing: str = "error",
    data_dir: Path | None = None,
    manifest: Path = MANIFEST,
) -> Scored:
    """Scores saved outputs, or saved verdicts on them.

    Args:
        benchmark: the task.
        subtask: only this part of it; "" for all.
        predictions: file of the outputs; may be absent where outcomes are given.
        outcomes: file of verdicts, for tasks whose outputs are programs.
        answer_format: one of the benchmark's; None for its first.
        references: names of the reference texts to compare with; empty for the benchmark's choice.
        missing: what becomes of examples without an entry: "error", "wrong" or "skip".
        data_dir: the folder of task folders; None for the samples inside the package.
        manifest: the list of known files.

    Raises:
        InputError: anything in the input is not as it must be.
    """
    if missing not in MISSING:
        raise InputError(f"missing {missing!r} is not one of {', '.join(MISSING)}")
    if outcomes is None:
        rule: AnswerFormat | OutcomeRule = _format(benchmark, answer_format)
    else:
        rule = _outcome_rule(benchmark, answer_format)
    texts, verdicts = _read(benchmark.name, predictions, outcomes)
    files = {"predictions": texts, "outcomes": verdicts}
    known, examples = read_examples(
        benchmark.name, benchmark.examples, data_dir, "examples", manifest
    )
    total = known.official_rows
    if subtask:
        examples = _only(benchmark.name, subtask, examples)
        total = len(examples)
    examples = _with_references(benchmark.name, examples, references)
    saved = texts if verdicts is None else verdicts
    name = f"{benchmark.name}/{subtask}" if subtask else benchmark.name
    absent = match(saved, examples, missing, f"{name} ({known.kind} data)")
    if missing == "skip":
        gone = {example.id for example in absent}
        examples = tuple(example for example in examples if example.id not in gone)
    scores = [_score(rule, example, saved) for example in examples]
    return Scored(
        {
            "schema": SCHEMA,
            "kind": "score",
            "task": benchmark.name,
            "subtask": subtask or None,
            **_how(rule, references),
            "split": known.split,
            "n": len(examples),
            "of": total,
            "completions": saved.count,
            "missing": {"policy": missing, "count": len(absent)},
            "metrics": metric_values(rule.metrics, examples, scores),
            **_subtasks(rule.metrics, examples, scores, subtask),
            "data": known.kind,
            "data_files": [file.path for file in known.files],
            "hashes": {
                "data": known.sha256,
                **{name: one.sha256 for name, one in files.items() if one is not None},
            },
            "paper": None if subtask else paper_numbers(benchmark),
        },
        [_sample(*pair, texts, verdicts) for pair in zip(examples, scores, strict=True)],
    )


def _read(
    task: str, predictions: Path | None, outcomes: Path | None
) -> tuple[Saved[str] | None, Saved[bool] | None]:
    """The files that are given, at least one; both must have the same ids."""
    if predictions is None and outcomes is None:
        raise InputError(f"{task}: nothing to score; give --predictions FILE")
    texts = None if predictions is None else read_predictions(predictions)
    verdicts = None if outcomes is None else read_outcomes(outcomes)
    if texts is not None and verdicts is not None:
        agree(texts, verdicts)
    return texts, verdicts


def _format(benchmark: Benchmark, name: str | None) -> AnswerFormat:
    known = {answer_format.name: answer_format for answer_format in benchmark.answer_formats}
    if not known:
        remedy = "; it takes verdicts: --outcomes FILE" if benchmark.outcomes is not None else ""
        raise InputError(f"{benchmark.name} has no answer format for saved outputs{remedy}")
    if name is not None and name not in known:
        raise InputError(f"{benchmark.name} has no answer format {name!r}; it has: {_list(known)}")
    return next(iter(known.values())) if name is None else known[name]


def _outcome_rule(benchmark: Benchmark, answer_format: str | None) -> OutcomeRule:
    if benchmark.outcomes is None:
        raise InputError(
            f"{benchmark.name}: --outcomes is for tasks whose outputs are programs; "
            "give --predictions FILE alone"
        )
    if answer_format is not None:
        raise InputError(
            f"{benchmark.name}: --answer-format {answer_format} has no part in --outcomes, "
            "which are judged already; give one of the two"
        )
    return benchmark.outcomes


def _only(task: str, subtask: str, examples: Sequence[Example]) -> tuple[Example, ...]:
    chosen = tuple(example for example in examples if example.subtask == subtask)
    if not chosen:
        there = sorted({example.subtask for example in examples} - {""})
        has = f"it has: {_list(there)}" if there else "it has none"
        raise InputError(f"{task} has no subtask {subtask!r}; {has}")
    return chosen


def _with_references(
    task: str, examples: Sequence[Example], names: Sequence[str]
) -> tuple[Example, ...]:
    """The examples with only the named references, in the order in which they are named."""
    if not names:
        return tuple(examples)
    if len(set(names)) < len(names):
        raise InputError(f"{task}: --references {','.join(names)} names one of them twice")
    kept = []
    for example in examples:
        there = example.row.get("references")
        if not isinstance(there, dict):
            raise InputError(f"{task}: --references: its examples have no references to choose of")
        if strangers := [name for name in names if name not in there]:
            raise InputError(f"{task} has no reference {strangers[0]!r}; it has: {_list(there)}")
        row = {**example.row, "references": {name: there[name] for name in names}}
        kept.append(dataclasses.replace(example, row=row))
    return tuple(kept)


def _score(rule: AnswerFormat | OutcomeRule, example: Example, saved: Saved) -> Score:
    """The score of one example; without an entry every metric that is a plain mean is 0.

    A metric over all texts together (BLEU) sees an empty text, which is scored as such.
    """
    ask: Callable[[Example, Any], Score] = rule.score
    entries = saved.of.get(example.id)
    if entries is not None:
        return ask(example, entries if saved.what == "outcomes" else _generated(entries))
    if saved.what == "outcomes":
        blank = ask(example, (False,) * saved.count)
    else:
        blank = ask(example, _generated(("",) * saved.count))
    zeros = {metric.name: 0.0 for metric in rule.metrics if metric.aggregate is None}
    outputs = tuple({**one, **dict.fromkeys(one, 0.0)} for one in blank.output_values)
    return dataclasses.replace(blank, values={**blank.values, **zeros}, output_values=outputs)


def _generated(texts: Sequence[str]) -> Generated:
    return Generated(tuple(Output(text, SAVED) for text in texts))


def _how(rule: AnswerFormat | OutcomeRule, references: Sequence[str]) -> dict[str, Any]:
    how: dict[str, Any] = {"answer_format": None}
    if isinstance(rule, AnswerFormat):
        how = {"answer_format": rule.name, "definition": rule.definition}
    return how | ({"references": list(references)} if references else {})


def _subtasks(
    metrics: Sequence[Metric], examples: Sequence[Example], scores: Sequence[Score], subtask: str
) -> dict[str, Any]:
    if subtask or not any(example.subtask for example in examples):
        return {}
    return {"subtasks": subtask_values(metrics, examples, scores)}


def _sample(
    example: Example, score: Score, texts: Saved[str] | None, verdicts: Saved[bool] | None
) -> dict[str, Any]:
    """One line: what was saved, what was found in it, how it was scored."""
    line: dict[str, Any] = {"id": example.id}
    if example.subtask:
        line["subtask"] = example.subtask
    found = [saved.of.get(example.id) for saved in (texts, verdicts) if saved is not None]
    if None in found:
        line["missing"] = True
    else:
        line["outputs"] = [{} for _ in found[0]]
        if texts is not None:
            line["outputs"] = output_lines(_generated(texts.of[example.id]), score)
        if verdicts is not None:
            passed = verdicts.of[example.id]
            line["outputs"] = [
                {**output, "passed": one}
                for output, one in zip(line["outputs"], passed, strict=True)
            ]
    return {**line, "gold": score.gold, "scores": dict(score.values)}


def _list(names: Any) -> str:
    return ", ".join(names)
