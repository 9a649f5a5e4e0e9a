"""Gold and wrong answers through every benchmark's whole path: 100 % and 0 %, no model needed."""

import argparse
import os
from pathlib import Path

from llama_jax import samples
from llama_jax.evals.benchmarks import BENCHMARKS
from llama_jax.evals.self_check import SelfCheck, self_check
from llama_jax.tokenizer import load_tokenizer


def table(rows: list[SelfCheck]) -> str:
    """One line for each task and protocol."""
    lines = [f"{'task':16} {'protocol':9} {'n':>6} {'gold':>7} {'wrong':>7}  unreachable"]
    for row in rows:
        lines.append(
            f"{row.task:16} {row.protocol:9} {row.n:6} {100 * row.gold:7.2f} {100 * row.wrong:7.2f}"
            f"  {len(row.unreachable)}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("LLAMA_JAX_DATA"))
    parser.add_argument("--tasks", nargs="+", default=[task.name for task in BENCHMARKS])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--tokenizer", type=Path, default=samples.TOKENIZER)
    arguments = parser.parse_args()
    tokenizer = load_tokenizer(arguments.tokenizer)
    rows = [
        self_check(task, protocol, tokenizer, arguments.data, arguments.limit)
        for task in BENCHMARKS
        if task.name in arguments.tasks
        for protocol in task.protocols
    ]
    print(table(rows))


if __name__ == "__main__":
    main()
