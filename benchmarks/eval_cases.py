"""The cases of eval_speed.py: which questions, as requests that both sides are given.

Prompts are those of protocol "lm-eval", whose texts are the harness's own, and questions are chosen
as its --limit does: the first so many of each subtask.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_jax.data.manifest import MANIFEST
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import benchmark, protocol
from llama_jax.evals.plan import read_examples
from llama_jax.evals.types import Choices, Generate, Request


@dataclass(frozen=True)
class Case:
    """A set of questions.

    Attributes:
        task: the benchmark.
        limit: the first so many of each subtask.
        subtasks: only these; () for all.
        batches: batch sizes of the peer; the fastest counts.
        new_tokens: instead of the protocol's own bound.
    """

    task: str
    limit: int
    subtasks: tuple[str, ...] = ()
    batches: tuple[int, ...] = (1,)
    new_tokens: int | None = None


SUBJECTS = (
    *("abstract_algebra", "astronomy", "college_computer_science", "econometrics"),
    *("global_facts", "high_school_geography", "professional_medicine", "sociology"),
)
CASES = {
    "mmlu-8x25": Case("mmlu", 25, SUBJECTS),
    "mmlu-2x100": Case("mmlu", 100, ("high_school_geography", "sociology")),
    "hellaswag-200": Case("hellaswag", 200, batches=(8,)),
    "gsm8k-20": Case("gsm8k", 20, batches=(1, 8), new_tokens=128),
}


def requests_of(
    case: Case, data_dir: Path | None, limit: int | None = None
) -> list[dict[str, Any]]:
    """Returns the requests of a case, in the order of its questions.

    Each has "question", the number of its question, and "context"; those to score "continuation",
    those to generate "until" and "max_gen_toks".

    Raises:
        InputError: the data are not there, or hold nothing of a subtask.
    """
    task = benchmark(case.task)
    way = protocol(task, "lm-eval")
    _, examples = read_examples(task.name, task.examples, data_dir, "examples", MANIFEST)
    shots, pool = way.shots[0], ()
    if shots and task.shots is not None:
        _, pool = read_examples(task.name, task.shots, data_dir, "shots", MANIFEST)
    rows, seen = [], dict.fromkeys(case.subtasks or {e.subtask for e in examples}, 0)
    for example in examples:
        if example.subtask not in seen or seen[example.subtask] == (limit or case.limit):
            continue
        question = sum(seen.values())
        seen[example.subtask] += 1
        chosen = way.pick_shots(example, pool, shots) if shots else ()
        request = way.prompt(example, chosen)
        rows += [{"question": question, **row} for row in _rows(request, case.new_tokens)]
    absent = [subtask for subtask, count in seen.items() if count == 0]
    if absent:
        raise InputError(f"{case.task}: {data_dir or 'the samples'} holds no {', '.join(absent)}")
    return rows


def _rows(request: Request, new_tokens: int | None) -> list[dict[str, Any]]:
    match request:
        case Choices(choices=choices):
            pairs = [choice.given for choice in choices]
            return [{"context": p.context, "continuation": p.continuation} for p in pairs]
        case Generate():
            bound = new_tokens or request.max_new_tokens
            until = list(request.stop)
            return [{"context": request.prompt, "until": until, "max_gen_toks": bound}]
    raise TypeError(type(request).__name__)


def prefix_tree_nodes(sequences: Iterable[Sequence[int]]) -> int:
    """How many different prefixes the sequences have: the fewest tokens that answer all of them.

    Of sorted neighbours each has the prefixes that the one before it has not.
    """
    nodes, before = 0, ()
    for ids in sorted(map(tuple, sequences)):
        same = next((i for i, (a, b) in enumerate(zip(before, ids, strict=False)) if a != b), None)
        nodes += len(ids) - (min(len(before), len(ids)) if same is None else same)
        before = ids
    return nodes
