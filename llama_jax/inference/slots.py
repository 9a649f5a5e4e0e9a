"""The slots of one group on the device: rows that end give their place to waiting ones.

A call takes up to CHUNK_STEPS steps for all slots. The next call is under way while the host reads
the ids of the last one; so a row that a stop string ends runs for one call too long, and what it
got there is dropped.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np

from llama_jax.inference.decoding import Fed, Settings, SlotState
from llama_jax.inference.slot_calls import SlotCalls
from llama_jax.inference.text import Continuation
from llama_jax.inference.types import GenerateItem


class Job(NamedTuple):
    """An item and what it has got so far.

    Attributes:
        index: of the item.
        item: what is asked.
        row: its ids and its text.
        prompt: [n] int32, the ids to feed: behind the shared prefix, with what `row` has already.
        limit: most ids to come behind `prompt`.
    """

    index: int
    item: GenerateItem
    row: Continuation
    prompt: np.ndarray
    limit: int


class Call(NamedTuple):
    """A call that is under way: ids [CHUNK_STEPS, B] to come, who gets them, how many at most."""

    ids: jax.Array
    jobs: tuple[Job | None, ...]
    steps: int


class Slots:
    """Runs jobs in `count` slots.

    Args:
        calls: the compiled functions.
        jobs: in the order in which they get a slot.
        count: B.
        chunk: steps of a call, at most.
    """

    def __init__(self, calls: SlotCalls, jobs: Sequence[Job], count: int, chunk: int) -> None:
        self._calls = calls
        self._waiting = deque(jobs)
        self._jobs: list[Job | None] = [None] * count
        self._received = np.zeros(count, np.int64)
        self._chunk = chunk
        self._state: SlotState | None = None
        self._held: tuple[Fed | None, dict[bytes, int]] = None, {}

    @property
    def rows(self) -> Fed:
        """The slots as the last call leaves them, whether it has ended yet or not."""
        return self._state.fed

    def run(self) -> Iterator[tuple[Job, int]]:
        """(job, id) pairs, in order for each job, until all have ended.

        Whoever takes them pushes the ids to the jobs' rows: that is where a row ends.
        """
        under_way: Call | None = None
        while True:
            self._fill()
            started = self._start(0 if under_way is None else under_way.steps)
            if under_way is not None:
                yield from self._finish(under_way)
            elif started is None:
                return
            under_way = started

    def _start(self, steps_under_way: int) -> Call | None:
        """The next call; None if the one under way may give every row all that it may get."""
        least = np.array([0 if job is None else job.limit for job in self._jobs])
        lengths = np.array([0 if job is None else len(job.prompt) for job in self._jobs])
        reached = np.minimum(self._received + steps_under_way, least)
        steps = min(self._chunk, int(max(least - reached)))
        if not steps:
            return None
        self._make_room(int(max(lengths + np.minimum(reached + steps, least))))
        live = np.array([job is not None for job in self._jobs])
        # While others wait, a call ends when an eighth of the slots is free.
        count = len(self._jobs)
        leave_at = count - max(1, count // 8) if self._waiting else 0
        self._state, ids = self._calls.decode(self._state, live, steps, leave_at)
        return Call(ids, tuple(self._jobs), steps)

    def _finish(self, call: Call) -> Iterator[tuple[Job, int]]:
        """Reads the ids of a call and frees the slots of rows that have ended."""
        for slot, tokens in enumerate(self._calls.placement.read(call.ids).T.tolist()):
            job = call.jobs[slot]
            if job is None or self._jobs[slot] is not job:
                continue
            for token in tokens:
                if token >= 0 and job.row.remaining:
                    self._received[slot] += 1
                    yield job, token
            if not job.row.remaining:
                self._jobs[slot] = None

    def _fill(self) -> None:
        """Gives free slots to waiting jobs; a prompt that several have is fed once."""
        free = [slot for slot, job in enumerate(self._jobs) if job is None]
        places: dict[bytes, list[int]] = {}
        for slot in free[: len(self._waiting)]:
            job = self._jobs[slot] = self._waiting.popleft()
            self._received[slot] = 0
            places.setdefault(job.prompt.tobytes(), []).append(slot)
        if not places:
            return
        self._make_room(max(len(job.prompt) for job in self._jobs if job) + self._chunk)
        self._insert(places)
        keys = [key for key in places if key not in self._held[1]]
        while keys:
            fed, count = self._calls.feed([np.frombuffer(key, np.int32) for key in keys])
            # The last prompts are kept, for equal ones that wait.
            self._held = fed, {key: row for row, key in enumerate(keys[:count])}
            keys = keys[count:]
            self._insert(places)

    def _insert(self, places: dict[bytes, list[int]]) -> None:
        """Puts the rows of prompts that are held into the slots that `places` names."""
        fed, rows = self._held
        pairs = [(rows[key], slot) for key in places if key in rows for slot in places[key]]
        if not pairs:
            return
        count = len(self._jobs)
        sources, targets = np.zeros(count, np.int32), np.full(count, count, np.int32)
        sources[: len(pairs)], targets[: len(pairs)] = zip(*pairs, strict=True)
        jobs = [self._jobs[slot] for _, slot in pairs]
        remaining = np.zeros(count, np.int32)
        remaining[: len(jobs)] = [job.limit for job in jobs]
        settings = _settings([job.item for job in jobs], count)
        settings = self._calls.placement.replicated(settings)
        self._state = self._calls.insert(
            self._state, fed, sources, targets, np.int32(len(pairs)), remaining, settings
        )

    def _make_room(self, need: int) -> None:
        capacity = self._calls.capacity(need)
        if self._state is None:
            self._state = self._calls.empty(capacity)
        elif capacity > self._state.fed.cache.capacity:
            self._state = self._calls.grow(self._state, capacity)


def _settings(items: Sequence[GenerateItem], count: int) -> Settings:
    """How each row draws; unused rows are greedy."""
    every = [*items, *[GenerateItem((0,), 1)] * (count - len(items))]

    def values(name: str, dtype: type) -> jax.Array:
        return jax.device_put(np.array([getattr(item, name) for item in every], dtype))

    return Settings(
        seed=values("seed", np.uint32),
        temperature=values("temperature", np.float32),
        top_k=values("top_k", np.int32),
        top_p=values("top_p", np.float32),
    )
