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
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import tyro
from eval_cases import CASES, prefix_tree_nodes, requests_of
from eval_compare import compare
from eval_worker import read_rows, write_rows

from llama_jax.errors import InputError

HERE = Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")
BUSY = 0.05  # part of the machine that others may use before a run is called disturbed
WARM_UP = 4  # requests


class Side:
    """A worker process that answers one command at a time."""

    def __init__(self, name: str, command: Sequence[str], **environment: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.about = self._answer()

    def ask(self, requests: Path, out: Path, **more: Any) -> dict[str, Any]:
        """Runs the requests; the report, with what other processes took of the machine."""
        busy, own, begun = _busy(), self._own(), time.perf_counter()
        command = {"requests": str(requests), "out": str(out), **more}
        print(json.dumps(command), file=self._process.stdin, flush=True)
        report = self._answer()
        seconds = (time.perf_counter() - begun) * os.cpu_count()
        others = max(0.0, (_busy() - busy) - (self._own() - own)) / seconds
        if others > BUSY:
            print(f"{self.name}: others used {others:.0%} of the CPU", file=sys.stderr)
        return {**report, "others": round(others, 3), "out": str(out)}

    def close(self) -> None:
        """Lets the process end."""
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self.name}: the worker ended with status {self._process.wait()}")
        return json.loads(line)

    def _own(self) -> float:
        return _cpu_seconds(self._process.pid) + _cpu_seconds(os.getpid())


def _busy() -> float:
    """CPU seconds that the machine has worked, time taken by its host included."""
    user, nice, system, _, _, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICK


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def measure(
    ours: Side, peer: Side, requests: Path, batches: Sequence[int], repeats: int
) -> dict[str, Any]:
    """Runs both sides in turn and holds their answers against each other."""
    folder = requests.parent
    few = folder / "few.jsonl"
    write_rows(few, read_rows(requests)[:WARM_UP])
    first = ours.ask(requests, folder / "ours.jsonl")
    peer.ask(few, folder / "few-answers.jsonl", batch=batches[0])
    runs: dict[str, list[dict[str, Any]]] = {}
    for _ in range(repeats):
        runs.setdefault("ours", []).append(ours.ask(requests, folder / "ours.jsonl"))
        for batch in batches:
            report = peer.ask(requests, folder / f"peer{batch}.jsonl", batch=batch)
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
        "runs": {"ours first": [first], **runs},
    }


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


def machine() -> dict[str, Any]:
    """The CPU and its cores."""
    lines = Path("/proc/cpuinfo").read_text().split("\n")
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {"cpu": names[0] if names else "unknown", "cores": os.cpu_count()}


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
        OMP_NUM_THREADS=str(threads),
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
