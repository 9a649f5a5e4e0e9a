"""Rows of token ids -> the arrays of one call of the model. Pure."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from llama_jax.inference.prefixes import Row, pad
from llama_jax.inference.shapes import Shape
from llama_jax.inference.types import ScoreItem

# Hidden states that are projected onto the vocabulary at a time: [128, V] float32 logits.
SLOT_CHUNK = 128


class Read(NamedTuple):
    """Where the answers to one item stand: per scored id an index into N and one into K."""

    item: int
    slots: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True)
class TokenBatch:
    """One call of the model: rows behind one prefix, and what is read off them.

    Attributes:
        prefix: index of the prefix in the plan, or None.
        tokens: [B, T] int32, the rows' own ids, right-padded with 0; unused rows are all padding.
        counts: [B] int32, real ids of each row.
        positions: [N] int32, where hidden states are read off, as row * T + column; the first
            `slots` are real. N is B * T, rounded up to SLOT_CHUNK.
        slots: how many positions are read off.
        targets: [N, K] int32, ids whose log-probability is wanted there, padded with 0. K is 1, 4,
            16, ..., as many as the position with most targets needs.
        reads: for each item where its answers are.
    """

    prefix: int | None
    tokens: np.ndarray
    counts: np.ndarray
    positions: np.ndarray
    slots: int
    targets: np.ndarray
    reads: tuple[Read, ...]


def token_batch(
    items: Sequence[ScoreItem], prefix: int | None, depth: int, rows: Sequence[Row], shape: Shape
) -> TokenBatch:
    """Lays `rows` out in `shape`, without the `depth` ids that the prefix holds.

    Items that ask for the same id at the same position of a row share the answer.
    """
    tokens = np.zeros(shape, np.int32)
    counts = np.zeros(shape.rows, np.int32)
    wanted: dict[int, dict[int, int]] = {}  # position -> target -> which of its targets
    slot_of: dict[int, int] = {}
    reads = []
    for index, row in enumerate(rows):
        counts[index] = len(row.ids) - depth
        tokens[index, : counts[index]] = row.ids[depth:]
        before = index * shape.length - depth - 1  # the state before an id predicts it
        for item in row.items:
            start = items[item].start
            slots, columns = [], []
            for position, target in enumerate(items[item].ids[start:], before + start):
                slots.append(slot_of.setdefault(position, len(slot_of)))
                targets = wanted.setdefault(position, {})
                columns.append(targets.setdefault(target, len(targets)))
            reads.append(Read(item, np.array(slots, np.int32), np.array(columns, np.int32)))
    width = _width(max((len(targets) for targets in wanted.values()), default=1))
    targets = np.zeros((_slot_capacity(shape.rows * shape.length), width), np.int32)
    for slot, ids in enumerate(wanted.values()):
        targets[slot, : len(ids)] = list(ids)
    positions = pad(np.fromiter(wanted, np.int32), len(targets))
    return TokenBatch(prefix, tokens, counts, positions, len(wanted), targets, tuple(reads))


def widen(batch: TokenBatch, width: int) -> TokenBatch:
    """The same batch with K = `width`."""
    more = width - batch.targets.shape[1]
    return dataclasses.replace(batch, targets=np.pad(batch.targets, ((0, 0), (0, more))))


def halve(batch: TokenBatch) -> tuple[TokenBatch, TokenBatch]:
    """The same work as two batches of half the rows, for when memory does not suffice."""
    rows, length = batch.tokens.shape
    middle = rows // 2
    first = batch.positions[: batch.slots] < middle * length
    return _part(batch, 0, middle, first), _part(batch, middle, rows, ~first)


def _part(batch: TokenBatch, start: int, stop: int, keep: np.ndarray) -> TokenBatch:
    """Rows `start` to `stop`; `keep` says which slots are theirs."""
    rows, length = stop - start, batch.tokens.shape[1]
    width = batch.targets.shape[1]
    capacity = _slot_capacity(rows * length)
    new_slot = np.cumsum(keep) - 1
    chosen = np.flatnonzero(keep)
    targets = np.zeros((capacity, width), np.int32)
    targets[: len(chosen)] = batch.targets[chosen]
    reads = tuple(
        Read(item, new_slot[slots], columns)
        for item, slots, columns in batch.reads
        if keep[slots[0]]  # an item's slots are all in one row
    )
    return TokenBatch(
        prefix=batch.prefix,
        tokens=batch.tokens[start:stop],
        counts=batch.counts[start:stop],
        positions=pad(batch.positions[chosen] - start * length, capacity),
        slots=len(chosen),
        targets=targets,
        reads=reads,
    )


def _slot_capacity(positions: int) -> int:
    return -(-positions // SLOT_CHUNK) * SLOT_CHUNK


def _width(targets: int) -> int:
    width = 1
    while width < targets:
        width *= 4
    return width
