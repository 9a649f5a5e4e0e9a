"""Rows of token ids -> the tree of their common beginnings, cut into what one call can hold. Pure.

    rows      1 5 6 7 | 1 5 6 8 9 | 1 5 6 8 4      sorted: what begins alike is together
    node      1 5 6                                computed once, its keys and values kept
    unit      7   8 9 4                            subtrees that are computed in one packed row

A packed row holds subtrees one behind the other, each id of the tree once, and a mask lets an id
see its ancestors only (`llama_jax.model.attention.tree_mask`). Only a beginning whose subtree is
larger than a row has to be kept apart: it becomes a node.
"""

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from llama_jax.inference.prefixes import Row, common_length, sort_key

# A beginning shorter than this part of its subtree is rather computed again in each packed row
# than allowed to hold the subtree together.
SMALL_PART = 1 / 16


@dataclass(frozen=True)
class Node:
    """Ids that stand before several packed rows.

    Attributes:
        ids: [n] int32, its own ids, those of `parent` excluded.
        depth: ids from the root of the tree to the end of the node.
        parent: index of the node that it continues; None at the root.
    """

    ids: np.ndarray
    depth: int
    parent: int | None


class Unit(NamedTuple):
    """Rows `start` to `stop` of the sorted list, to be computed behind `node` in one packed row."""

    node: int | None
    start: int
    stop: int
    size: int


class Bin(NamedTuple):
    """One packed row: what stands before it, and places in the sorted list, ascending."""

    node: int | None
    rows: tuple[int, ...]


class SortedRows:
    """Rows in an order where those that begin alike stand together.

    Attributes:
        rows: no row is the beginning of another one (see `merge_rows`).
        common: [n - 1], how many leading ids a row has in common with the next one.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = sorted(rows, key=lambda row: sort_key(row.ids))
        pairs = zip(self.rows, self.rows[1:], strict=False)
        self.common = np.array([common_length(a.ids, b.ids) for a, b in pairs], np.int64)
        self._lengths = np.array([len(row.ids) for row in self.rows], np.int64)
        self._shareable = np.array([row.shareable for row in self.rows], np.int64)
        self._length_sums = np.concatenate([[0], np.cumsum(self._lengths)])
        self._common_sums = np.concatenate([[0], np.cumsum(self.common)])

    def size(self, start: int, stop: int) -> int:
        """Nodes of the tree of rows `start` to `stop`."""
        lengths = self._length_sums[stop] - self._length_sums[start]
        return int(lengths - (self._common_sums[stop - 1] - self._common_sums[start]))

    def depth(self, start: int, stop: int) -> int:
        """How many leading ids rows `start` to `stop` have in common."""
        if stop - start == 1:
            return int(self._lengths[start])
        return int(self.common[start : stop - 1].min())

    def shareable(self, start: int, stop: int) -> int:
        """How many leading ids may be kept apart: what is read off stands behind them."""
        return int(self._shareable[start:stop].min())

    def parts(self, start: int, stop: int, depth: int) -> Iterator[tuple[int, int]]:
        """Subtrees of rows `start` to `stop`, which have `depth` ids in common and no more."""
        cuts = start + 1 + np.flatnonzero(self.common[start : stop - 1] == depth)
        edges = [start, *cuts.tolist(), stop]
        yield from zip(edges, edges[1:], strict=False)


def split(
    tree: SortedRows, *, row_tokens: int, min_prefix: int, node_cost: int
) -> tuple[list[Node], list[Unit]]:
    """Nodes to compute once and units to compute behind them; parents before children.

    A beginning of d ids whose subtree fills n packed rows would be computed n times; it becomes a
    node where that is more than computing it once and `node_cost`.

    Args:
        tree: the rows.
        row_tokens: most ids that a packed row should hold.
        min_prefix: least number of ids of a node.
        node_cost: what a node costs in tokens: calls of its own, and a part-empty packed row.
    """
    nodes: list[Node] = []
    units: list[Unit] = []
    todo: list[tuple[int, int, int | None]] = [(0, len(tree.rows), None)] if tree.rows else []
    while todo:
        start, stop, parent = todo.pop()
        held = 0 if parent is None else nodes[parent].depth
        depth, size = tree.depth(start, stop), tree.size(start, stop) - held
        shared = min(depth, tree.shareable(start, stop)) - held
        packed_rows = -(-size // row_tokens)
        if stop - start == 1:
            units.append(Unit(parent, start, stop, size))
        elif shared >= min_prefix and shared * (packed_rows - 1) > node_cost:
            if size <= 2 * row_tokens:  # one long packed row computes everything once, too
                units.append(Unit(parent, start, stop, size))
                continue
            ids = tree.rows[start].ids[held : held + shared]
            nodes.append(Node(ids, held + shared, parent))
            todo.append((start, stop, len(nodes) - 1))
        elif size <= row_tokens and depth - held > SMALL_PART * size:
            units.append(Unit(parent, start, stop, size))
        else:
            todo += [(*part, parent) for part in tree.parts(start, stop, depth)]
    return nodes, units


def pack_units(tree: SortedRows, units: Sequence[Unit], row_tokens: int) -> list[Bin]:
    """Packed rows, the units of one node together: best fit, the largest units first.

    A unit larger than `row_tokens` gets a packed row of its own.
    """
    by_node: dict[int | None, list[Unit]] = {}
    for unit in units:
        by_node.setdefault(unit.node, []).append(unit)
    return [
        Bin(node, tuple(sorted(row for unit in members for row in range(unit.start, unit.stop))))
        for node, mine in by_node.items()
        for members in _best_fit(mine, row_tokens)
    ]


def _best_fit(units: Sequence[Unit], row_tokens: int) -> list[list[Unit]]:
    """Each unit to the fullest row that still has room for it."""
    rows: list[list[Unit]] = []
    room: list[tuple[int, int]] = []  # (ids that fit, row), ascending
    for unit in sorted(units, key=lambda unit: (-unit.size, unit.start)):
        place = bisect.bisect_left(room, (unit.size, -1))
        if place < len(room):
            left, row = room.pop(place)
            rows[row].append(unit)
        else:
            left, row = max(row_tokens, unit.size), len(rows)
            rows.append([unit])
        bisect.insort(room, (left - unit.size, row))
    return rows
