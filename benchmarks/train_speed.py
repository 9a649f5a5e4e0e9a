"""Training steps against plain PyTorch on the same shapes, alternating.

    python benchmarks/train_speed.py MODELS --peer PYTHON torch_train.py --out FILE

MODELS holds Hugging Face directories called m15 (24M parameters with its output) and m110 (134M);
`--peer` names a Python with torch and transformers, and a script that takes MODEL --batch --seq
--steps [--compile] [--fused] and prints a JSON line with `tokens_per_second` and `machine`. The
contestants take turns, each in a process of its own; rates are medians over turns. Everything is
float32: AdamW, gradients clipped at 1, a fresh batch of random tokens each step.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sides import machine, peer_environment

WORKER = Path(__file__).with_name("train_worker.py")


@dataclass(frozen=True)
class Shape:
    """What all contestants train.

    Attributes:
        model: directory below MODELS.
        batch: rows.
        length: tokens per row.
        ours: options of our step, for the worker.
    """

    model: str
    batch: int
    length: int
    ours: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.model}, {self.batch} x {self.length}"


SHAPES = (
    Shape("m15", 8, 256, ("--remat", "dots_no_batch", "--chunk", "32")),
    Shape("m110", 2, 512, ("--remat", "dots_no_batch", "--chunk", "128")),
    Shape("m110", 8, 512, ("--remat", "dots_no_batch", "--chunk", "64")),
)
PEERS = {
    "eager": (),
    "fused": ("--fused",),
    "compiled": ("--compile",),
    "compiled and fused": ("--compile", "--fused"),
}


def run(command: Sequence[str], threads: int) -> dict[str, Any]:
    """The last line of what a contestant prints."""
    environment = {**os.environ, **peer_environment(threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(shape: Shape, models: Path, steps: int, threads: int) -> dict[str, float]:
    """One turn of ours."""
    sizes = ("--batch", f"{shape.batch}", "--seq", f"{shape.length}", "--steps", f"{steps}")
    found = run(
        [sys.executable, str(WORKER), str(models / shape.model), *sizes, *shape.ours], threads
    )
    median = statistics.median(found["seconds"])
    return {"rate": shape.batch * shape.length / median, "peak_mib": found["peak_mib"]}


def peer(
    shape: Shape, models: Path, steps: int, threads: int, command: list[str], flags: Sequence[str]
) -> dict[str, float]:
    """One turn of a peer."""
    sizes = ("--batch", f"{shape.batch}", "--seq", f"{shape.length}", "--steps", f"{steps}")
    found = run([*command, str(models / shape.model), *sizes, *flags], threads)
    return {"rate": found["tokens_per_second"], "peak_mib": found["machine"]["peak_rss_mib"]}


def compare(
    shape: Shape, models: Path, command: list[str] | None, peers: Sequence[str], args
) -> dict[str, Any]:
    """Medians of every contestant, and ours over each."""
    turns: dict[str, list[dict[str, float]]] = {}
    for _ in range(args.turns):
        found = {"ours": ours(shape, models, args.steps, args.threads)}
        for name in peers if command else ():
            found[name] = peer(shape, models, args.steps, args.threads, command, PEERS[name])
        for name, turn in found.items():
            turns.setdefault(name, []).append(turn)
            print(f"{shape.name}: {name} {turn['rate']:.0f} tokens/s, {turn['peak_mib']:.0f} MiB")
    result = {
        name: {
            "tokens_per_second": round(statistics.median(t["rate"] for t in list_), 1),
            "peak_mib": round(statistics.median(t["peak_mib"] for t in list_)),
            "all": [round(t["rate"], 1) for t in list_],
        }
        for name, list_ in turns.items()
    }
    mine = result["ours"]
    ratios = {
        name: {
            "speed": round(mine["tokens_per_second"] / other["tokens_per_second"], 3),
            "memory": round(mine["peak_mib"] / other["peak_mib"], 3),
        }
        for name, other in result.items()
        if name != "ours"
    }
    return {**result, "ours over": ratios}


def main() -> None:
    """Prints and writes what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("models", type=Path)
    parser.add_argument("--peer", nargs=2, metavar=("PYTHON", "SCRIPT"))
    parser.add_argument("--peers", nargs="*", default=[*PEERS], choices=PEERS)
    parser.add_argument("--only", default="", help="shapes whose name begins so")
    parser.add_argument("--steps", type=int, default=5, help="timed steps of a turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    shapes = [shape for shape in SHAPES if shape.name.startswith(args.only)]
    result = {"machine": machine(), "steps": args.steps, "turns": args.turns}
    for shape in shapes:
        result[shape.name] = compare(shape, args.models, args.peer, args.peers, args)
        print(json.dumps({shape.name: result[shape.name]["ours over"]}), flush=True)
        if args.out:
            args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
