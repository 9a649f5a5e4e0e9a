"""Gold and wrong answers through every benchmark's whole path: 100 % and 0 %, no model needed."""

import argparse
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from llama_jax import samples
from llama_jax.errors import InputError
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


Check = Callable[[], SelfCheck]


def checks(
    task: Benchmark, tokenizer: Tokenizer, data: Path | None, limit: int | None
) -> Iterator[tuple[str, Check]]:
    """Every way in which a task is scored, by name."""
    for way in task.protocols:
        if way.judged is not None:
            yield way.name, partial(judged_check, task, way, data, limit)
        elif "pass" not in way.name:  # the same prompts and texts, with more samples of each
            yield way.name, partial(self_check, task, way, tokenizer, data, limit)
    if task.outcomes is not None:
        yield "outcomes", partial(outcomes_check, task, data, limit)
    if not task.protocols:
        yield "saved", partial(references_check, task, data, limit)


def line(row: SelfCheck) -> str:
    """A line of the table."""
    return (
        f"{row.task:16} {row.protocol:12} {row.n:6} {100 * row.gold:7.2f} {100 * row.wrong:7.2f}"
        f"  {len(row.unreachable)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("LLAMA_JAX_DATA") or None)
    parser.add_argument("--tasks", nargs="+", default=[task.name for task in BENCHMARKS])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--tokenizer", type=Path, default=samples.TOKENIZER)
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.tasks) - {task.name for task in BENCHMARKS})
    if unknown or (arguments.limit is not None and arguments.limit < 1):
        parser.error(f"unknown tasks {unknown}" if unknown else "--limit must be at least 1")
    tokenizer = load_tokenizer(arguments.tokenizer)
    print(f"{'task':16} {'protocol':12} {'n':>6} {'gold':>7} {'wrong':>7}  unreachable")
    status = 0
    for task in BENCHMARKS:
        if task.name not in arguments.tasks:
            continue
        if task.name in NO_RIGHT_ANSWER:
            print(f"{task.name:16} not checked: {NO_RIGHT_ANSWER[task.name]}")
            continue
        for name, check in checks(task, tokenizer, arguments.data, arguments.limit):
            try:
                print(line(check()), flush=True)
            except InputError as error:
                print(f"{task.name:16} {name:12} not checked: {error}", flush=True)
                status = 2
    raise SystemExit(status)


if __name__ == "__main__":
    main()
