"""What an evaluation writes: results.json, samples/TASK.jsonl and run.json below one folder.

results.json and the samples are the same bytes for the same inputs; run.json has what differs from
run to run. What is left after an interruption is batched anew, so a log-probability in the samples
may then differ in its last digits, as it may between batch sizes (float32: 1e-6 of the sum).
Files appear whole or not at all: written beside their place, then renamed.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_jax.errors import InputError
from llama_jax.evals.journal import refuse_other
from llama_jax.evals.plan import TaskPlan
from llama_jax.evals.protocol import Benchmark, Metric
from llama_jax.evals.tasks import paper_column
from llama_jax.evals.types import Example, ModelInfo, Score
from llama_jax.paper import published

SCHEMA = 1


@dataclass(frozen=True)
class Results:
    """What an evaluation gives back.

    Attributes:
        summary: what results.json holds.
        samples: for each task of this run the lines of samples/TASK.jsonl.
        run: what run.json holds.
    """

    summary: dict[str, Any]
    samples: dict[str, list[dict[str, Any]]]
    run: dict[str, Any]


def task_result(plan: TaskPlan, scores: Sequence[Score], tokenizer_sha256: str) -> dict[str, Any]:
    """Returns a task's entry in results.json: protocol, counts, metrics, digests, the paper's row.

    `of` is the size of the official split; `data` is "official", "partial" (a known part of it),
    "samples" (the package's own few rows) or "hub" (the Hugging Face hub's files: rows and their
    number are checked, their bytes are in no list). `judge` is there where one labelled the
    generations.
    """
    known = plan.known
    metrics = metric_values(plan.protocol.metrics, plan.examples, scores)
    result = {
        "protocol": plan.protocol.name,
        "protocol_version": plan.protocol.version,
        "shots": plan.shots,
        "split": known.split,
        "n": len(plan.examples),
        "of": known.official_rows,
        "limit": plan.limit,
        "overflow": plan.overflow,
        "primary": _primary(plan.protocol.primary, metrics),
        "metrics": metrics,
        "hashes": {
            "data": known.sha256,
            "prompts": plan.prompts_sha256,
            "tokenizer": tokenizer_sha256,
        },
        "data": known.kind,
        "data_files": [file.path for file in known.files],
        "chance": plan.benchmark.chance,
        "paper": paper_numbers(plan.benchmark, plan.name),
    }
    if result["primary"] != plan.protocol.primary:
        result["chance"] = None  # it is the undefined metric's
    if plan.benchmark.judge:
        result["judge"] = plan.benchmark.judge
    if plan.benchmark.outcomes is not None:
        # The programs have not been run: nothing here can be set beside the paper's pass@k.
        result |= {"paper": None, "needs_outcomes": True}
    if plan.shots_known is not None:
        result["hashes"]["shots"] = plan.shots_known.sha256
    if any(example.subtask for example in plan.examples):
        result["subtasks"] = subtask_values(plan.protocol.metrics, plan.examples, scores)
    return result


def _primary(wanted: str, metrics: dict[str, dict[str, Any]]) -> str:
    """The protocol's primary metric, or the first there is where that one is undefined.

    A correlation is, over one example: the others must still be there to be read.
    """
    return wanted if wanted in metrics else next(iter(metrics), wanted)


def metric_values(
    metrics: Iterable[Metric], examples: Sequence[Example], scores: Sequence[Score]
) -> dict[str, dict[str, Any]]:
    """Returns value, standard error and unit of every metric that has to do with the examples."""
    found = {}
    for metric in metrics:
        value = metric.of(examples, scores)
        if value is not None:
            numbers = {"value": value.value, "stderr": value.stderr, "unit": metric.unit}
            found[metric.name] = numbers
    return found


def subtask_values(
    metrics: Sequence[Metric], examples: Sequence[Example], scores: Sequence[Score]
) -> dict[str, dict[str, Any]]:
    """Returns the number of examples and the metrics of each subtask, in the examples' order."""
    groups: dict[str, list[int]] = {}
    for i, example in enumerate(examples):
        groups.setdefault(example.subtask, []).append(i)
    found = {}
    for name, places in groups.items():
        part = [examples[i] for i in places], [scores[i] for i in places]
        found[name] = {"n": len(places), "metrics": metric_values(metrics, *part)}
    return found


def paper_numbers(benchmark: Benchmark, task: str = "") -> dict[str, Any] | None:
    """Returns the printed column that a task fills, row by row in percent; None without one.

    `task` is its name in the results, which has its shots where they are not the protocol's own.

    It stands beside every protocol's scores; that it was measured by the `paper` protocol's rules,
    as far as they are known, is for the reader of the result to tell from its "protocol".
    """
    column = paper_column(benchmark, task)
    if column is None:
        return None

    return {
        "table": column.table,
        "column": column.column,
        "metric": column.metric,
        "rows": published(column.table, column.column),
    }


def notes(results: Results, out_dir: Path | None) -> list[str]:
    """Returns what a person should know of a run beside its scores, a line each."""
    lines = []
    for task, facts in results.run["tasks"].items():
        if facts["known_before"] == facts["items"]:
            lines.append(f"{task}: complete in {out_dir}; the model had nothing to do")
        if left_out := facts.get("without_judge"):
            metrics = ", ".join(left_out)
            lines.append(f"{task}: no --judge; {metrics}: left out, generations made")
        if results.summary["tasks"][task].get("needs_outcomes"):
            lines.append(
                f"{task}: pass@k needs outcomes: run the programs of its sample file (extracted) "
                f"in a sandbox, then `llama-jax score {task} --outcomes FILE`"
            )
    return lines


def summary(model: ModelInfo, tasks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Returns the content of results.json; tasks are sorted by name."""
    return {
        "schema": SCHEMA,
        "model": {
            "path": model.path,
            "params_sha256": model.params_sha256,
            "parameters": model.parameters,
            "dtype": model.dtype,
        },
        "tasks": dict(sorted(tasks.items())),
    }


def earlier_tasks(out_dir: Path, owner: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the tasks that results.json already holds; they stay in it.

    Raises:
        InputError: they are another model's, tokenizer's or dtype's, or the file is not ours.
    """
    path = out_dir / "results.json"
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        refuse_other(path, {"schema": found["schema"]}, {"schema": SCHEMA})
        for result in found["tasks"].values():
            mine = {
                "schema": found["schema"],
                "params_sha256": found["model"]["params_sha256"],
                "tokenizer_sha256": result["hashes"]["tokenizer"],
                "dtype": found["model"]["dtype"],
            }
            refuse_other(path, mine, owner)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is not a results file ({error}); give another --out") from error
    return found["tasks"]


def write_json(path: Path, content: Any) -> None:
    """Writes indented JSON, whole or not at all."""
    _write(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_jsonl(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Writes one JSON object a line, whole or not at all."""
    texts = (json.dumps(line, ensure_ascii=False, allow_nan=False) for line in lines)
    _write(path, "".join(f"{text}\n" for text in texts))


def require_folder(out_dir: Path) -> None:
    """Refuses an output folder that is a file or lies below one, before anything is computed."""
    for path in (out_dir, *out_dir.parents):
        if path.exists():
            if not path.is_dir():
                raise InputError(f"--out {out_dir}: {path} is a file, not a folder; give another")
            return


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.write_text(text, encoding="utf-8", newline="\n")
    os.replace(beside, path)
