"""How long an evaluation takes: our engine against lm-evaluation-harness on the same requests.

    python benchmarks/eval_speed.py MODEL_DIR --data DIR --peer-python PYTHON --case mmlu-8x25

Each side loads the model once, in a process of its own, and they answer in turn. Our first run
compiles and is reported apart, the peer warms up with a few requests; medians of the other runs
count, tokenization included. The bound of a case is the tokens that the peer feeds, over the
different prefixes of all requests: the ratio that sharing every prefix would give if a token cost
the same on both sides. Its share is the measured ratio over that bound.
"""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import tyro
from eval_cases import CASES, prefix_tree_nodes, requests_of
from eval_compare import compare
from eval_worker import read_rows, write_rows
from sides import Side, machine, peer_environment

from llama_jax.errors import InputError

HERE = Path(__file__).resolve().parent
WARM_UP = 4  # requests


def measure(
    ours: Side, peer: Side, requests: Path, batches: Sequence[int], repeats: int
) -> dict[str, Any]:
    """Runs both sides in turn and holds their answers against each other."""
    folder = requests.parent
    few = folder / "few.jsonl"
    write_rows(few, read_rows(requests)[:WARM_UP])
    first = _ask(ours, requests, folder / "ours.jsonl")
    _ask(peer, few, folder / "few-answers.jsonl", batch=batches[0])
    runs: dict[str, list[dict[str, Any]]] = {}
    for _ in range(repeats):
        runs.setdefault("ours", []).append(_ask(ours, requests, folder / "ours.jsonl"))
        for batch in batches:
            report = _ask(peer, requests, folder / f"peer{batch}.jsonl", batch=batch)
            runs.setdefault(f"peer batch {batch}", []).append(report)
    medians = {n: statistics.median(r["seconds"] for r in found) for n, found in runs.items()}
    best = min((name for name in runs if name != "ours"), key=medians.get)
    mine, theirs = runs["ours"], runs[best]
    answers = [read_rows(Path(found[-1]["out"])) for found in (mine, theirs)]
    nodes = prefix_tree_nodes(row["fed"] for row in answers[0])
    ratio, bound = medians[best] / medians["ours"], theirs[-1]["fed"] / nodes
    return {
        "ours_seconds": medians["ours"],
        "ours_first_seconds": first["seconds"],
        "compile_seconds": first["compile_seconds"],
        "compiled_shapes": mine[-1]["compiled_shapes"],
        "peer": best,
        "peer_seconds": medians[best],
        "ratio": ratio,
        "prefix_tree_tokens": nodes,
        "peer_tokens": theirs[-1]["fed"],
        "bound": bound,
        "share": ratio / bound,
        "counts": mine[-1]["counts"],
        "peak_mib": {"ours": mine[-1]["peak_mib"], "peer": theirs[-1]["peak_mib"]},
        "others": max(run["others"] for run in mine + theirs),
        "comparison": compare(read_rows(requests), *answers),
        "runs": {
            name: [{key: value for key, value in run.items() if key != "out"} for run in found]
            for name, found in {"ours first": [first], **runs}.items()
        },
    }


def _ask(side: Side, requests: Path, out: Path, **more: Any) -> dict[str, Any]:
    return {**side.ask(requests=str(requests), out=str(out), **more), "out": str(out)}


def table(found: dict[str, dict[str, Any]]) -> str:
    """The figures of every case, in one Markdown table."""
    head = ("case", "ours s", "first s", "peer s", "ratio", "bound", "share")
    head += ("ours MiB", "peer MiB", "largest diff", "same answers", "others' CPU")
    rows = [head, ("---",) * len(head)]
    for name, case in found.items():
        same = case["comparison"]
        diff, outside = same.get("largest_difference"), same.get("outside_tolerance")
        seconds = (case["ours_seconds"], case["ours_first_seconds"], case["peer_seconds"])
        rows.append(
            (
                f"{name} ({case['peer']})",
                *(f"{s:.2f}" for s in seconds),
                *(f"{case['ratio']:.2f}", f"{case['bound']:.2f}", f"{case['share']:.2f}"),
                *(f"{case['peak_mib'][side]:.0f}" for side in ("ours", "peer")),
                "-" if diff is None else f"{diff:.1e}" + (f" ({len(outside)} out)" * bool(outside)),
                f"{same['questions'] - len(same['different'])}/{same['questions']}",
                f"{case['others']:.0%}",
            )
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main(
    model: tyro.conf.Positional[Path],
    data: Path,
    peer_python: Path,
    case: tuple[Literal[*CASES], ...] = (),
    limit: int | None = None,
    peer_batch: tuple[int, ...] = (),
    repeats: int = 3,
    threads: int = os.cpu_count() or 1,
    out: Path | None = None,
) -> None:
    """Measures cases.

    Args:
        model: a Hugging Face directory.
        data: DIR of DIR/TASK/file.
        peer_python: a python that has lm_eval, torch and transformers.
        case: which cases; all of them where none is named.
        limit: questions of each subtask, instead of the case's own number (for a try).
        peer_batch: batch sizes of the peer, instead of the case's own; the fastest counts.
        repeats: runs that count, after the first.
        threads: of the peer.
        out: a JSON file for all figures.
    """
    found: dict[str, Any] = {}
    asked = {name: requests_of(CASES[name], data, limit) for name in case or CASES}
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)  # compile time is to be seen
    ours = Side("ours", [sys.executable, str(HERE / "eval_worker_ours.py"), str(model)])
    peer = Side(
        "peer",
        [str(peer_python), str(HERE / "eval_worker_peer.py"), str(model)],
        **peer_environment(threads),
    )
    about = {"machine": machine(), "ours": ours.about, "peer": peer.about, "threads": threads}
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in asked.items():
            requests = Path(folder) / "requests.jsonl"
            write_rows(requests, rows)
            batches = peer_batch or CASES[name].batches
            found[name] = measure(ours, peer, requests, batches, repeats)
            print(f"{name}: {found[name]['ratio']:.2f}", file=sys.stderr)
            if out is not None:
                report = {"model": str(model), "limit": limit, **about, "cases": found}
                out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    ours.close()
    peer.close()
    print(table(found))


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except InputError as error:
        sys.exit(f"error: {error}")
