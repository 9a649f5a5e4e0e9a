"""The training stream: batch t as a pure function of (seed, t, batch size).

It has no state: a run goes on at any step, on any number of hosts, from the step's number alone.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64

from llama_jax.data.mixture import integer_shares, turns
from llama_jax.data.packed import PackedRows
from llama_jax.data.packing import Rows
from llama_jax.data.shuffle import derived_seed, shuffled
from llama_jax.errors import InputError

_ORDER = 1  # of rows, given seed and sources: another number when that ever changes


class Weighted(NamedTuple):
    """One source of a mixture: `weight` of all rows, relative to the other weights, are its."""

    name: str
    packed: PackedRows
    weight: float


@dataclass(frozen=True, eq=False)
class Stream:
    """An endless sequence of batches; `make_stream` checks what goes in.

    The rows of the run stand in one sequence, of which batch t is the rows t * B to t * B + B - 1.
    Places go round the sources by their weights (`mixture.turns`). A source gives all its rows in a
    shuffled order, then all of them in another one: its epochs are its own.

    Attributes:
        sources: where rows come from.
        seed: of the order of the rows, from 0 to 2**64 - 1.
        batch_size: B, rows of all hosts together.
    """

    sources: tuple[Weighted, ...]
    seed: int
    batch_size: int

    @property
    def length(self) -> int:
        """T, tokens in a row."""
        return self.sources[0].packed.length

    @property
    def row_count(self) -> int:
        """Different rows of all sources."""
        return int(self._bases[-1])

    def example_ids(self, step: int) -> Int64[np.ndarray, "B"]:
        """The rows of batch `step` (from 0), numbered through all sources in their order."""
        if step < 0:
            raise InputError(f"batch {step}: steps count from 0")
        place = step * self.batch_size + np.arange(self.batch_size)
        turn, rank = self._turns
        period, within = np.divmod(place, len(turn))
        source = turn[within]
        ids = np.empty(self.batch_size, np.int64)
        for k in np.unique(source).tolist():
            mine = source == k
            drawn = period[mine] * self._shares[k] + rank[within[mine]]
            ids[mine] = self._bases[k] + self._order(k, drawn)
        return ids

    def rows(self, ids: Int64[np.ndarray, "R"]) -> Rows:
        """The rows with these example ids."""
        source = np.searchsorted(self._bases, ids, side="right") - 1
        found = Rows(*(np.zeros((len(ids), self.length), np.int32) for _ in Rows._fields))
        for k in np.unique(source).tolist():
            mine = source == k
            rows = self.sources[k].packed.rows(ids[mine] - self._bases[k])
            if mine.all():
                return rows
            for array, part in zip(found, rows, strict=True):
                array[mine] = part
        return found

    def batch(self, step: int) -> Rows:
        """Batch `step` (from 0) of all hosts: [B, T]."""
        return self.rows(self.example_ids(step))

    def local_batch(self, step: int, process_index: int, process_count: int) -> Rows:
        """The part of batch `step` that host `process_index` of `process_count` feeds.

        The parts of all hosts, one below the other, are `batch(step)`.

        Raises:
            InputError: the batch does not divide over the hosts.
        """
        if not 0 <= process_index < process_count:
            raise InputError(f"host {process_index} of {process_count}: hosts count from 0")
        size, rest = divmod(self.batch_size, process_count)
        if rest:
            least = process_count * max(size, 1)
            raise InputError(
                f"a batch of {self.batch_size} rows does not divide over {process_count} hosts; "
                f"{least} or {least + process_count} rows would"
            )
        ids = self.example_ids(step)
        return self.rows(ids[process_index * size : (process_index + 1) * size])

    def check_vocabulary(self, vocab_size: int) -> None:
        """Refuses a model whose embedding is too small for the ids of a source."""
        for name, packed, _ in self.sources:
            if packed.largest_id >= vocab_size:
                raise InputError(
                    f"source {name}: token ids up to {packed.largest_id}, but the model has 0 to "
                    f"{vocab_size - 1}; tokenizer and vocab_size do not belong together"
                )

    def epochs(self, step: int) -> dict[str, float]:
        """How often each source has been gone through before batch `step`, for the log."""
        period, within = divmod(step * self.batch_size, len(self._turns[0]))
        begun = np.bincount(self._turns[0][:within], minlength=len(self.sources))
        return {
            source.name: (period * share + int(more)) / len(source.packed)
            for source, share, more in zip(self.sources, self._shares, begun, strict=True)
        }

    def identity(self) -> dict[str, Any]:
        """What must be equal for a run to go on with the same batches, as JSON values."""
        return {
            "order": _ORDER,
            "seed": self.seed,
            "batch_size": self.batch_size,
            "sources": {
                source.name: {"share": share, "rows": len(source.packed)} | source.packed.identity()
                for source, share in zip(self.sources, self._shares, strict=True)
            },
        }

    @functools.cached_property
    def _shares(self) -> tuple[int, ...]:
        return integer_shares([source.weight for source in self.sources])

    @functools.cached_property
    def _bases(self) -> Int64[np.ndarray, "_"]:
        """The id of the first row of each source, and the number of rows at the end."""
        return np.cumsum([0, *(len(source.packed) for source in self.sources)])

    @functools.cached_property
    def _turns(self) -> tuple[Int64[np.ndarray, "_"], Int64[np.ndarray, "_"]]:
        """(source, how many turns it had before in the period) of each place of a period."""
        turn = turns(self._shares)
        rank = np.empty_like(turn)
        for k in range(len(self.sources)):
            rank[turn == k] = np.arange((turn == k).sum())
        return turn, rank

    def _order(self, k: int, drawn: Int64[np.ndarray, "_"]) -> Int64[np.ndarray, "_"]:
        """The rows of source k that come as its rows number `drawn`."""
        count = len(self.sources[k].packed)
        epoch, place = np.divmod(drawn, count)
        rows = np.empty_like(place)
        for number in np.unique(epoch).tolist():
            mine = epoch == number
            seed = derived_seed(self.seed, "rows", self.sources[k].name, number)
            rows[mine] = shuffled(place[mine], count, seed)
        return rows


def make_stream(rows: PackedRows | Sequence[Weighted], *, seed: int, batch_size: int) -> Stream:
    """A stream over one packing, or over a mixture of several.

    Args:
        rows: a packing, or the sources of a mixture with their weights.
        seed: of the order of the rows.
        batch_size: B, rows of all hosts together.

    Raises:
        InputError: numbers out of range, weights that make no mixture, two sources of one name,
            rows of different lengths, or a source without rows.
    """
    sources = tuple(rows) if isinstance(rows, Sequence) else (Weighted("text", rows, 1.0),)
    if not sources:
        raise InputError("a mixture of no sources")
    if batch_size < 1 or not 0 <= seed < 2**64:
        raise InputError(
            f"batches of {batch_size} rows with seed {seed}: the batch size must be at least 1, "
            "the seed from 0 to 2**64 - 1"
        )
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise InputError(f"sources {', '.join(names)}: each needs a name of its own")
    lengths = {source.name: source.packed.length for source in sources}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(f"rows of one length are needed; there are: {told}")
    if empty := [source.name for source in sources if not len(source.packed)]:
        raise InputError(f"source {empty[0]}: no rows")
    integer_shares([source.weight for source in sources])
    return Stream(sources, seed, batch_size)
