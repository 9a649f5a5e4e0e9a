"""The compiled functions of one group of generations: every shape is decided here, and named."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.inference import decoding
from llama_jax.inference.decoding import Fed, Settings, SlotState
from llama_jax.inference.kept import Kept
from llama_jax.inference.placement import Placement
from llama_jax.inference.shapes import bucket, buckets
from llama_jax.inference.slot_sizes import Sizes
from llama_jax.model.cache import SharedPrefix


class Served(NamedTuple):
    """What generates, for all groups alike.

    Attributes:
        params: of the model, in the decode layout.
        config: what `params` were built from.
        stop_ids: the ids that end a row.
        vocab_size: ids below this can be drawn.
        call_tokens: what one more call costs, in tokens.
        compiled_shapes: what is compiled for is added here: a name and sizes for each program.
        placement: where arrays are put.
    """

    params: dict
    config: LlamaConfig
    stop_ids: tuple[int, ...]
    vocab_size: int
    call_tokens: int
    compiled_shapes: set[tuple]
    placement: Placement


class SlotCalls:
    """What `Slots` asks of the device.

    Args:
        served: the model.
        prefix: keys and values that stand before every row.
        sizes: of the group.
        kept: what a single row may go on from.
    """

    def __init__(
        self,
        served: Served,
        prefix: tuple[SharedPrefix, ...],
        sizes: Sizes,
        kept: Kept | None = None,
    ) -> None:
        self._served = served
        self._prefix = prefix
        self._sizes = sizes
        self._kept = kept

    @property
    def placement(self) -> Placement:
        """Where arrays are put."""
        return self._served.placement

    def capacity(self, need: int) -> int:
        """Tokens per row, in few sizes, that hold `need`; no more than any row can come to."""
        return self._sizes.capacity(need)

    def empty(self, capacity: int) -> SlotState:
        """Slots that hold nothing."""
        served, count = self._served, self._sizes.count
        self._note("slots", count, capacity)
        slots = decoding.empty_slots(served.params, served.config, count, capacity)
        return self.placement.rows(slots)

    def feed(self, prompts: Sequence[np.ndarray]) -> tuple[Fed, int]:
        """The rows of distinct prompts, and how many of the prompts were fed."""
        columns = self._sizes.columns
        if self._kept is not None:
            begun = self._kept.take(prompts[0].tolist(), self._room_for_kept)
            if begun is not None:
                new = prompts[0][self._kept.reused :]
                columns = bucket(min(len(new), columns), buckets(columns))
                return self._feed([new], columns, begun), 1
        served, sizes = self._served, self._sizes
        rows = sizes.rows_to_feed(len(prompts), served.call_tokens)
        self._note("rows", rows, sizes.prompt_capacity)
        fed = decoding.empty(served.params, served.config, rows, sizes.prompt_capacity)
        fitting = prompts[:rows]
        return self._feed(fitting, columns, fed), len(fitting)

    def insert(
        self,
        state: SlotState,
        fed: Fed,
        sources: np.ndarray,
        targets: np.ndarray,
        count: np.int32,
        remaining: np.ndarray,
        settings: Settings,
    ) -> SlotState:
        """See `decoding.insert`."""
        sizes = state.fed.cache.capacity, len(fed.hidden), fed.cache.capacity
        self._note("insert", self._sizes.count, *sizes)
        return decoding.insert(state, fed, sources, targets, count, remaining, settings)

    def grow(self, state: SlotState, capacity: int) -> SlotState:
        """See `decoding.grow`."""
        self._note("grow", self._sizes.count, state.fed.cache.capacity, capacity)
        return decoding.grow(state, capacity)

    def decode(
        self, state: SlotState, live: np.ndarray, steps: int, leave_at: int
    ) -> tuple[SlotState, jax.Array]:
        """See `decoding.decode`."""
        served = self._served
        sizes = self._sizes.count, state.fed.cache.capacity
        self._note("decode", self._prefix_slots, *sizes)
        return decoding.decode(
            served.params,
            served.config,
            self._prefix,
            state,
            self.placement.rows(live),
            np.int32(steps),
            np.int32(leave_at),
            np.array(served.stop_ids, np.int32),
            np.int32(served.vocab_size),
        )

    def _feed(self, prompts: Sequence[np.ndarray], columns: int, fed: Fed) -> Fed:
        """Feeds the prompts, `columns` tokens at a time."""
        served, rows = self._served, len(fed.hidden)
        self._note("feed", self._prefix_slots, rows, columns, fed.cache.capacity)
        fed = self.placement.rows(fed)
        for start in range(0, max(map(len, prompts)), columns):
            tokens = np.zeros((rows, columns), np.int32)
            counts = np.zeros(rows, np.int32)
            for row, prompt in enumerate(prompts):
                part = prompt[start : start + columns]
                tokens[row, : len(part)] = part
                counts[row] = len(part)
            arrays = self.placement.rows((tokens, counts))
            fed = decoding.feed(served.params, served.config, self._prefix, fed, *arrays)
        return fed

    def _room_for_kept(self, held: int) -> int:
        capacity = max(held, self._sizes.prompt_capacity)
        self._note("rewind", held, capacity)
        return capacity

    @property
    def _prefix_slots(self) -> int:
        return self._prefix[0].capacity if self._prefix else 0

    def _note(self, function: str, *sizes: int) -> None:
        self._served.compiled_shapes.add((function, *sizes))
