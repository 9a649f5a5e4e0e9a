"""Packed rows of a tree of token ids -> the arrays of one call of the model. Pure."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from llama_jax.inference.prefixes import Row, common_length, pad
from llama_jax.inference.shapes import Shape
from llama_jax.inference.types import ScoreItem

# Hidden states that are projected onto the vocabulary at a time: [128, V] float32 logits.
SLOT_CHUNK = 128


class Read(NamedTuple):
    """Where the answers to one item stand: per scored id an index into N and one into K."""

    item: int
    slots: np.ndarray
    columns: np.ndarray


class PackedRow(NamedTuple):
    """Subtrees behind a node, laid out one behind the other, each id once.

    Attributes:
        tokens: [n] int32, ids in the order of the tree, a parent before its children.
        depths: [n] int32, how many ids stand before each on its path: its position.
        ends: [n] int32, where the subtree of each ends: ids before that are its descendants.
        rows: what was laid out.
        paths: for each of the rows, where in `tokens` its own ids stand.
    """

    tokens: np.ndarray
    depths: np.ndarray
    ends: np.ndarray
    rows: tuple[Row, ...]
    paths: tuple[np.ndarray, ...]


def pack_row(rows: Sequence[Row], depth: int) -> PackedRow:
    """Lays out the tree of `rows` (sorted) below the `depth` ids that all have in common.

    rows   7 8 | 7 9 | 4        tokens  7 8 9 4    depths  0 1 1 0    ends  3 2 3 4
    """
    size, path = 0, np.zeros(0, np.int32)
    tokens, depths, paths = [], [], []
    ends = np.zeros(sum(len(row.ids) - depth for row in rows), np.int32)
    before = rows[0].ids[:0]
    for row in rows:
        own = row.ids[depth:]
        common = common_length(before, own)
        ends[path[common:]] = size
        new = np.arange(size, size + len(own) - common, dtype=np.int32)
        path, before = np.concatenate([path[:common], new]), own
        size += len(new)
        tokens.append(own[common:])
        depths.append(np.arange(depth + common, depth + len(own), dtype=np.int32))
        paths.append(path)
    ends[path] = size
    arrays = np.concatenate(tokens), np.concatenate(depths), ends[:size]
    return PackedRow(*arrays, tuple(rows), tuple(paths))


@dataclass(frozen=True)
class TokenBatch:
    """One call of the model: packed rows behind one node, and what is read off them.

    Attributes:
        node: index of the node in the plan, or None.
        tokens: [B, T] int32, the rows' own ids, right-padded with 0; unused rows are all padding.
        depths: [B, T] int32, each id's position on its path, the node's ids included.
        ends: [B, T] int32, where each id's subtree ends; padding is a subtree of its own.
        counts: [B] int32, real ids of each row.
        positions: [N] int32, where hidden states are read off, as row * T + column; the first
            `slots` are real. N is B * T, rounded up to SLOT_CHUNK.
        slots: how many positions are read off.
        targets: [N, K] int32, ids whose log-probability is wanted there, padded with 0. K is 1, 4,
            16, ..., as many as the position with most targets needs.
        reads: for each item where its answers are.
    """

    node: int | None
    tokens: np.ndarray
    depths: np.ndarray
    ends: np.ndarray
    counts: np.ndarray
    positions: np.ndarray
    slots: int
    targets: np.ndarray
    reads: tuple[Read, ...]


def token_batch(
    items: Sequence[ScoreItem],
    node: int | None,
    depth: int,
    packed_rows: Sequence[PackedRow],
    shape: Shape,
) -> TokenBatch:
    """The arrays of packed rows that stand behind a node of `depth` ids.

    Items that ask for the same id at the same place of the tree share the answer.
    """
    tokens, depths = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    ends = np.tile(np.arange(1, shape.length + 1, dtype=np.int32), (shape.rows, 1))
    counts = np.zeros(shape.rows, np.int32)
    wanted: dict[int, dict[int, int]] = {}  # position -> target -> which of its targets
    slot_of: dict[int, int] = {}
    reads = []
    for index, packed in enumerate(packed_rows):
        count = counts[index] = len(packed.tokens)
        tokens[index, :count], depths[index, :count] = packed.tokens, packed.depths
        ends[index, :count] = packed.ends
        for row, path in zip(packed.rows, packed.paths, strict=True):
            places = (index * shape.length + path).tolist()
            for item in row.items:
                start = items[item].start
                slots, columns = [], []
                # The state before an id predicts it.
                for position, target in zip(
                    places[start - 1 - depth :], items[item].ids[start:], strict=False
                ):
                    slots.append(slot_of.setdefault(position, len(slot_of)))
                    targets = wanted.setdefault(position, {})
                    columns.append(targets.setdefault(target, len(targets)))
                reads.append(Read(item, np.array(slots, np.int32), np.array(columns, np.int32)))
    width = _width(max((len(targets) for targets in wanted.values()), default=1))
    targets = np.zeros((_slot_capacity(shape.rows * shape.length), width), np.int32)
    for slot, ids in enumerate(wanted.values()):
        targets[slot, : len(ids)] = list(ids)
    positions = pad(np.fromiter(wanted, np.int32), len(targets))
    return TokenBatch(
        node, tokens, depths, ends, counts, positions, len(wanted), targets, tuple(reads)
    )


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
        node=batch.node,
        tokens=batch.tokens[start:stop],
        depths=batch.depths[start:stop],
        ends=batch.ends[start:stop],
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
