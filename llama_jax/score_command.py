"""`llama-jax score`: saved outputs, or verdicts on them, against a benchmark's gold answers."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from llama_jax.data.manifest import MANIFEST
from llama_jax.errors import InputError


def score(
    task: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TASK[/SUBTASK]")],
    /,
    *,
    predictions: Path | None = None,
    outcomes: Path | None = None,
    data_dir: Annotated[Path | None, tyro.conf.arg(name="data")] = None,
    answer_format: str | None = None,
    references: Annotated[str, tyro.conf.arg(metavar="NAME,...")] = "",
    missing: Literal["error", "wrong", "skip"] = "error",
    out: Path | None = None,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Score saved outputs against a benchmark's gold answers; no model is needed.

    Args:
        task: the benchmark, or one subtask of it.
        predictions: a JSON line for each example: {"id": ID, "completions": [TEXT, ...]}.
        outcomes: for tasks whose outputs are programs: {ID: [true, false, ...], ...}.
        data_dir: DIR of DIR/TASK/file; default LLAMA_JAX_DATA, else the samples inside the package.
        answer_format: how answers are found and compared; default: the benchmark's first.
        references: compare with these reference texts only.
        missing: what becomes of examples that the file leaves out.
        out: where results.json and samples/TASK.jsonl are written.
        json_output: print results.json instead of the table.
    """
    from llama_jax.evals.benchmarks import benchmark
    from llama_jax.evals.score_saved import score_saved

    if data_dir is None and os.environ.get("LLAMA_JAX_DATA"):
        data_dir = Path(os.environ["LLAMA_JAX_DATA"])
    name, slash, subtask = task.partition("/")
    if slash and not subtask:
        raise InputError(f"{task!r} names no subtask; give TASK or TASK/SUBTASK")
    found = score_saved(
        benchmark(name),
        subtask=subtask,
        predictions=predictions,
        outcomes=outcomes,
        answer_format=answer_format,
        references=[one.strip() for one in references.split(",") if one.strip()],
        missing=missing,
        data_dir=data_dir,
        manifest=MANIFEST,
    )
    if out is not None:
        _write(out, found.summary, found.samples)
    if data_dir is None:
        print("data: the samples inside the package (no --data)", file=sys.stderr)
    if outcomes is None and benchmark(name).outcomes is not None:
        print(
            f"{name}: pass@k needs verdicts: run the programs (--out writes them) in a sandbox, "
            "then give --outcomes FILE",
            file=sys.stderr,
        )
    print(json.dumps(found.summary, indent=1) if json_output else table(found.summary))


def _write(out: Path, summary: dict[str, Any], samples: list[dict[str, Any]]) -> None:
    """Writes both files; what another command left in results.json is not overwritten."""
    from llama_jax.evals.results import write_json, write_jsonl

    path = out / "results.json"
    if path.exists():
        try:
            kind = json.loads(path.read_text(encoding="utf-8")).get("kind")
        except (OSError, ValueError, AttributeError, RecursionError):
            kind = None
        if kind != "score":
            raise InputError(f"{path} was not written by `score`; give another --out")
    try:
        write_jsonl(out / "samples" / f"{summary['task']}.jsonl", samples)
        write_json(path, summary)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from None


def table(summary: dict[str, Any]) -> str:
    """The metrics as aligned columns, below a line that says what was scored and how."""
    extracted = summary["metrics"].get("extracted")
    rows = [("metric", "value", "stderr", "n", "extracted")]
    for name, metric in summary["metrics"].items():
        if name == "extracted" and len(summary["metrics"]) > 1:
            continue
        error = "-" if metric["stderr"] is None else f"{metric['stderr']:.4f}"
        unit = "" if metric["unit"] == "fraction" else f" {metric['unit']}"
        found = "-" if extracted is None else f"{extracted['value']:.4f}"
        rows.append((name, f"{metric['value']:.4f}{unit}", error, str(summary["n"]), found))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([_head(summary), *lines])


def _head(summary: dict[str, Any]) -> str:
    name = "/".join(filter(None, (summary["task"], summary["subtask"])))
    how = summary["answer_format"] or "outcomes"
    head = f"{name}: {how}, {summary['n']} of {summary['of']} examples ({summary['data']} data)"
    if summary["completions"] > 1:
        head += f", {summary['completions']} completions each"
    if references := summary.get("references"):
        head += f", references {', '.join(references)}"
    if count := summary["missing"]["count"]:
        what = {"wrong": "counted as wrong", "skip": "left out"}[summary["missing"]["policy"]]
        head += f"; {count} without a prediction {what}"
    return head
