r"""BIG-Bench Hard: 27 tasks of BIG-bench on which models of 2022 were worse than people.

Paper     Suzgun et al. 2022, "Challenging BIG-Bench Tasks and Whether Chain-of-Thought Can Solve
          Them", arXiv 2210.09261
Raw files bbh/TASK.json, 6511 rows of input and target; some texts occur twice (so rows are named),
          two of causal_judgement with opposite targets. The shots of a task are the three worked
          examples of cot-prompts/TASK.txt below its description; the direct answers are what
          their reasoning ends with.
Fills     Llama 2, Table 3, column BBH, 3-shot.

`paper` asks for the answer itself: the printed scores are those of direct answers, below what Meta
reports for chain of thought. `paper-cot` shows the reasoning and takes what follows the last
"answer is". `lm-eval` is bbh_fewshot of lm-evaluation-harness.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_jax.data.rows import Row
from llama_jax.data.schema import Record, Text
from llama_jax.errors import InputError
from llama_jax.evals.answer_formats import after_answer_is, verbatim
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.metrics import mean, standard_error
from llama_jax.evals.protocol import (
    AnswerFormat,
    Benchmark,
    Metric,
    PaperColumn,
    Protocol,
    Rule,
    Source,
)
from llama_jax.evals.types import Example, Generate, Generated, Score, Value

SCHEMA = Record({"input": Text(), "target": Text()})
SHOT_SCHEMA = Record({"description": Text(), "input": Text(), "reasoning": Text()})
STEPS = "Let's think step by step."


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (entry from 1, row) of one task's file."""
    try:
        entries = json.loads(path.read_bytes())["examples"]
    except (ValueError, KeyError, TypeError):
        entries = None
    if not isinstance(entries, list):
        raise InputError(f'{path}: no JSON object with a list "examples"')
    yield from enumerate(entries, start=1)


def parse_shots(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (example from 1, row) of a prompt file: canary, "-----", description, examples."""
    _, rule, prompt = path.read_text(encoding="utf-8").partition("\n-----\n")
    description, *examples = prompt.split("\n\nQ: ")
    if not rule or not examples:
        raise InputError(f'{path}: no "-----" line with a description and examples below it')
    for number, example in enumerate(examples, start=1):
        question, found, reasoning = example.partition(f"\nA: {STEPS}")
        if not found or "answer is " not in reasoning:
            raise InputError(f'{path}: example {number} has no "A: {STEPS}" or no "answer is"')
        row = {"description": description, "input": question, "reasoning": reasoning}
        yield number, row


def read(row: Row) -> Example:
    """Names the example bbh/TASK:ROW; a sample's file has its task's name and "_sample"."""
    task = Path(row.file).stem.removesuffix("_sample")
    return Example(f"bbh/{task}:{row.index}", row.fields, task)


def target(shot: Example) -> str | None:
    """The direct answer of a worked example."""
    return after_answer_is(shot.row["reasoning"])


def context(example: Example, shots: Sequence[Example], reasoned: bool = False) -> str:
    """The description, the answered examples and the question; the description is the shots'."""
    parts = [f"{shots[0].row['description']}\n\n"] if shots else []
    for shot in shots:
        answer = f"{STEPS}{shot.row['reasoning']}" if reasoned else target(shot)
        parts.append(f"Q: {shot.row['input']}\nA: {answer}\n\n")
    return f"{''.join(parts)}Q: {example.row['input']}\nA:{f' {STEPS}' if reasoned else ''}"


def prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """The answer, until the line ends; the longest target has 56 tokens."""
    return Generate(context(example, shots), 64, stop=("\n",))


def reasoned_prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """The reasoning and the answer, until an empty line; the longest shot has 789 tokens."""
    return Generate(context(example, shots, reasoned=True), 1024, stop=("\n\n",))


def harness_prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """lm-evaluation-harness, tasks/bbh/fewshot: 256 new tokens is its backend's default."""
    return Generate(context(example, shots), 256, stop=("</s>", "Q", "\n\n"))


def line(text: str) -> str | None:
    """The text without blanks around it."""
    return text.strip() or None


def unspaced(text: str) -> str | None:
    """The text without the one blank that Llama's tokenizer drops when a text is decoded alone."""
    return text.removeprefix(" ") or None


def reasoned_answer(text: str) -> str | None:
    """What follows the last "answer is "; None without the phrase."""
    return after_answer_is(text) if "answer is " in text else None


def _scored(example: Example, response: Generated, extract) -> Score:
    gold = example.row["target"]
    return extracted_score(gold, response, extract, {EXACT: lambda text: extract(text) == gold})


def score(example: Example, response: Generated) -> Score:
    """Scores the whole line."""
    return _scored(example, response, line)


def reasoned_score(example: Example, response: Generated) -> Score:
    """Scores what follows the last "answer is "."""
    return _scored(example, response, reasoned_answer)


def harness_score(example: Example, response: Generated) -> Score:
    """Scores the text as it is."""
    return _scored(example, response, unspaced)


def gold_texts(example: Example) -> list[str]:
    """The target; the tokenizer puts a blank before it."""
    return [example.row["target"]]


def reasoned_gold_texts(example: Example) -> list[str]:
    """The last sentence of a reasoning."""
    return [f"\nSo the answer is {example.row['target']}."]


def _by_task(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
    """The plain mean of the tasks' exact_match, its error from theirs; None for one task."""
    tasks: dict[str, list[float]] = {}
    for example, one in zip(examples, scores, strict=True):
        tasks.setdefault(example.subtask, []).append(one.values["exact_match"])
    if len(tasks) == 1:
        return None
    value = mean([mean(values) for values in tasks.values()])
    errors = [standard_error(values) for values in tasks.values()]
    if None in errors:
        return Value(value, None)
    return Value(value, sum(error**2 for error in errors) ** 0.5 / len(errors))


EXACT = Metric("exact_match", "The extracted answer is the target, letter by letter.")
BY_TASK = Metric("exact_match_by_task", "The plain mean of the tasks.", aggregate=_by_task)
METRICS = (EXACT, BY_TASK, EXTRACTED)
SHOTS = (3, 1, 2)

PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="exact_match",
    shots=SHOTS,
    gold_texts=gold_texts,
    rules=(
        Rule("3-shot", "Llama 2, section 2.3"),
        Rule("direct answers", "Table 3 is below Meta's chain-of-thought scores", guess=True),
        Rule("description, Q and A", "BIG-Bench Hard, cot-prompts without the reasoning"),
        Rule("exact match of the stripped line", "not stated", guess=True),
        Rule("every question weighs the same", "not stated", guess=True),
    ),
)

REASONED = replace(
    PAPER,
    name="paper-cot",
    prompt=reasoned_prompt,
    score=reasoned_score,
    gold_texts=reasoned_gold_texts,
    rules=(
        Rule("3-shot chain of thought, exact match", "Llama 3, eval_details.md"),
        Rule('the text after the last "answer is"', "BIG-Bench Hard, published outputs"),
        Rule("1024 new tokens, until an empty line", "not stated", guess=True),
        Rule("every question weighs the same", "not stated", guess=True),
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    prompt=harness_prompt,
    score=harness_score,
    rules=(Rule("prompt, stops, exact match, weights", "lm-evaluation-harness, bbh_fewshot"),),
)


FORMATS = (
    AnswerFormat(
        "verbatim",
        "The completion, as it is, is the target.",
        lambda example, response: _scored(example, response, verbatim),
        METRICS,
    ),
    AnswerFormat(
        "answer-is",
        'What follows the last "answer is ", stripped, without one final full stop, is the target; '
        "without the phrase the whole completion is taken so (Suzgun et al. 2022).",
        lambda example, response: _scored(example, response, after_answer_is),
        METRICS,
    ),
)

BENCHMARK = Benchmark(
    name="bbh",
    title="BIG-Bench Hard",
    citation='Suzgun et al. 2022, "Challenging BIG-Bench Tasks and Whether Chain-of-Thought Can '
    'Solve Them"',
    examples=Source(SCHEMA, read, parse),
    protocols=(PAPER, LM_EVAL, REASONED),
    paper=PaperColumn("3", "BBH", "exact_match"),
    shots=Source(SHOT_SCHEMA, read, parse_shots),
    answer_formats=FORMATS,
)
