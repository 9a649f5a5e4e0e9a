"""Everything that can be known, and refused, before a device works: a task's examples and items."""

import dataclasses
import functools
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from llama_jax.data.load import load_rows
from llama_jax.data.manifest import MANIFEST, KnownSet
from llama_jax.errors import InputError
from llama_jax.evals.journal import item_key
from llama_jax.evals.protocol import Benchmark, Protocol, Source
from llama_jax.evals.requests import Encoded, Item, encode
from llama_jax.evals.tasks import task_name
from llama_jax.evals.types import Example, Request
from llama_jax.inference.types import GenerateItem
from llama_jax.tokenizer import Tokenizer

OVERFLOW = ("error", "drop-shots")


@dataclass(frozen=True)
class TaskPlan:
    """One task, ready to run.

    Attributes:
        benchmark: the benchmark.
        protocol: how it is run.
        known: the files that the examples come from.
        shots_known: the files that the shots come from, or None.
        shots: few-shot examples in a prompt.
        limit: how many examples of each subtask were asked for, or None.
        overflow: "policy", "examples" that lost shots and "shots" dropped in all.
        examples: the questions, in the order of the files.
        requests: one for each example.
        items: what the engine is asked, each different item once.
        places: for each example the positions of its items in `items`.
        spans: items with a token across the border of context and continuation.
    """

    benchmark: Benchmark
    protocol: Protocol
    known: KnownSet
    shots_known: KnownSet | None
    shots: int
    limit: int | None
    overflow: dict[str, str | int]
    examples: tuple[Example, ...]
    requests: tuple[Request, ...]
    items: tuple[Item, ...]
    places: tuple[tuple[int, ...], ...]
    spans: int

    @property
    def name(self) -> str:
        """The task in results.json, samples/ and journal/."""
        return task_name(self.benchmark, self.protocol, self.shots)

    @functools.cached_property
    def keys(self) -> tuple[str, ...]:
        """The key of every item in a journal."""
        return tuple(map(item_key, self.items))

    @functools.cached_property
    def prompts_sha256(self) -> str:
        """Digest of every request, as JSON lines in the order of the examples."""
        digest = hashlib.sha256()
        for request in self.requests:
            text = json.dumps(dataclasses.asdict(request), ensure_ascii=False)
            digest.update(f"{type(request).__name__} {text}\n".encode())
        return digest.hexdigest()


def plan_task(
    benchmark: Benchmark,
    protocol: Protocol,
    tokenizer: Tokenizer,
    context: int,
    *,
    data_dir: Path | None,
    shots: int | None = None,
    limit: int | None = None,
    on_overflow: str = "error",
    manifest: Path = MANIFEST,
    on_example: Callable[[], object] = lambda: None,
) -> TaskPlan:
    """Reads, prompts and encodes one task.

    Args:
        benchmark: what to run.
        protocol: one of its protocols.
        tokenizer: the model's.
        context: longest sequence of inputs, in tokens, that the model accepts.
        data_dir: the folder of task folders; None for the samples inside the package.
        shots: few-shot examples; None for the protocol's own number.
        limit: only the first so many examples of each subtask.
        on_overflow: "error", or "drop-shots" to drop whole shots, from the end, where a prompt is
            too long; a protocol that fixes this wins.
        manifest: the list of known files.
        on_example: called after each example is encoded.

    Raises:
        InputError: data, shots or limit are not what the task needs, or an example is too long.
    """
    shots = protocol.shots[0] if shots is None else shots
    policy = protocol.on_overflow or on_overflow
    _check_arguments(benchmark, protocol, shots, limit, policy)
    known, examples = read_examples(
        benchmark.name, benchmark.examples, data_dir, "examples", manifest
    )
    shots_known, pool = None, ()
    if shots and benchmark.shots is not None:
        shots_known, pool = read_examples(
            benchmark.name, benchmark.shots, data_dir, "shots", manifest
        )
    examples = _first(examples, limit)
    requests, encoded, dropped = [], [], []
    for example in examples:
        chosen = _choose(benchmark, protocol, example, pool, shots)
        request, found, lost = _fit(
            benchmark, protocol, example, chosen, tokenizer, context, policy
        )
        requests.append(request)
        encoded.append(found)
        dropped.append(lost)
        on_example()
    items = tuple(dict.fromkeys(item for found in encoded for item in found.items))
    place = {item: position for position, item in enumerate(items)}
    return TaskPlan(
        benchmark=benchmark,
        protocol=protocol,
        known=known,
        shots_known=shots_known,
        shots=shots,
        limit=limit,
        overflow={"policy": policy, "examples": sum(map(bool, dropped)), "shots": sum(dropped)},
        examples=examples,
        requests=tuple(requests),
        items=items,
        places=tuple(tuple(place[item] for item in found.items) for found in encoded),
        spans=sum(found.spans for found in encoded),
    )


def _check_arguments(
    benchmark: Benchmark, protocol: Protocol, shots: int, limit: int | None, policy: str
) -> None:
    if shots not in protocol.shots:
        raise InputError(
            f"{benchmark.name}: {shots} shots; protocol {protocol.name} is defined for "
            f"{', '.join(map(str, protocol.shots))}"
        )
    if limit is not None and limit < 1:
        raise InputError(f"limit {limit}: it must be at least 1, or absent for all examples")
    if policy not in OVERFLOW:
        raise InputError(f"on_overflow {policy!r} is not one of {', '.join(OVERFLOW)}")


def read_examples(
    task: str, source: Source, data_dir: Path | None, role: str, manifest: Path
) -> tuple[KnownSet, tuple[Example, ...]]:
    """Reads a task's examples or shots; an id that occurs twice is an InputError."""
    found = load_rows(task, source.parse, source.schema, data_dir, role, manifest, source.hub)
    examples = tuple(source.read(row) for row in found.rows)
    counts = Counter(example.id for example in examples)
    twice, count = counts.most_common(1)[0]
    if count > 1:
        raise InputError(f"{task}: {count} {role} have the id {twice!r}; ids must be unique")
    return found.known, examples


def _first(examples: Sequence[Example], limit: int | None) -> tuple[Example, ...]:
    """The first `limit` of each subtask, as lm-evaluation-harness counts its limit."""
    seen: Counter[str] = Counter()
    kept = []
    for example in examples:
        seen[example.subtask] += 1
        if limit is None or seen[example.subtask] <= limit:
            kept.append(example)
    return tuple(kept)


def _choose(
    benchmark: Benchmark,
    protocol: Protocol,
    example: Example,
    pool: Sequence[Example],
    shots: int,
) -> tuple[Example, ...]:
    chosen = protocol.pick_shots(example, pool, shots) if shots else ()
    if len(chosen) != shots and not (protocol.fewer_shots and chosen):
        raise InputError(
            f"{benchmark.name} example {example.id}: {len(chosen)} shots where {shots} are wanted; "
            f"the pool holds {len(pool)} in all: ask for fewer with --shots, or give a larger file"
        )
    return chosen


def _fit(
    benchmark: Benchmark,
    protocol: Protocol,
    example: Example,
    chosen: Sequence[Example],
    tokenizer: Tokenizer,
    context: int,
    policy: str,
) -> tuple[Request, Encoded, int]:
    """The request with as many shots as fit, its items, and how many shots were dropped."""
    name = f"{benchmark.name} example {example.id}"
    fewest = len(chosen) if policy == "error" else 0
    for kept in range(len(chosen), fewest - 1, -1):
        request = protocol.prompt(example, chosen[:kept])
        try:
            found = encode(request, tokenizer, context, f"{benchmark.name}/{example.id}")
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
        too_long = next((item for item in found.items if _fed(item) > context), None)
        if too_long is None:
            return request, found, len(chosen) - kept
    remedy = "use a model with a longer context"
    if fewest:
        remedy += ", fewer shots, or --on-overflow drop-shots"
    raise InputError(f"{name}: {_lengths(too_long)}, the model's context is {context}; {remedy}")


def _fed(item: Item) -> int:
    """Positions of the model's context that an item takes; the last scored id is never fed."""
    if isinstance(item, GenerateItem):
        return len(item.ids) + item.max_new_tokens
    return len(item.ids) - 1


def _lengths(item: Item) -> str:
    if isinstance(item, GenerateItem):
        return f"the prompt has {len(item.ids)} tokens and {item.max_new_tokens} may follow"
    return f"context {item.start} + continuation {len(item.ids) - item.start} tokens"
