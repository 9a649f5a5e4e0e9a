"""Gold and wrong answers through every benchmark's whole path: 100 % and 0 %, no model needed."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from llama_jax import samples
from llama_jax.evals.benchmarks import BENCHMARKS
from llama_jax.evals.protocol import Benchmark
from llama_jax.evals.self_check import SelfCheck, self_check
from llama_jax.evals.self_check_saved import judged_check, outcomes_check, references_check
from llama_jax.tokenizer import Tokenizer, load_tokenizer

NO_RIGHT_ANSWER = {
    "bold": "a sentiment has no right answer",
    "simlex999": "a correlation has no right answer",
    "wordsim353": "a correlation has no right answer",
}


def checks(
    task: Benchmark, tokenizer: Tokenizer, data: Path | None, limit: int | None
) -> Iterator[SelfCheck]:
    """Every way in which a task is scored."""
    for way in task.protocols:
        if way.judged is not None:
            yield judged_check(task, way, data, limit)
        elif "pass" not in way.name:  # the same prompts and texts, with more samples of each
            yield self_check(task, way, tokenizer, data, limit)
    if task.outcomes is not None:
        yield outcomes_check(task, data, limit)
    if not task.protocols:
        yield references_check(task, data, limit)


def line(row: SelfCheck) -> str:
    """A line of the table."""
    return (
        f"{row.task:16} {row.protocol:12} {row.n:6} {100 * row.gold:7.2f} {100 * row.wrong:7.2f}"
        f"  {len(row.unreachable)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("LLAMA_JAX_DATA"))
    parser.add_argument("--tasks", nargs="+", default=[task.name for task in BENCHMARKS])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--tokenizer", type=Path, default=samples.TOKENIZER)
    arguments = parser.parse_args()
    tokenizer = load_tokenizer(arguments.tokenizer)
    print(f"{'task':16} {'protocol':12} {'n':>6} {'gold':>7} {'wrong':>7}  unreachable")
    for task in BENCHMARKS:
        if task.name in arguments.tasks:
            if task.name in NO_RIGHT_ANSWER:
                print(f"{task.name:16} not checked: {NO_RIGHT_ANSWER[task.name]}")
                continue
            for row in checks(task, tokenizer, arguments.data, arguments.limit):
                print(line(row), flush=True)


if __name__ == "__main__":
    main()
