"""Token ids -> what sequences have in common. Pure.

Two kinds of sharing. A sequence that is the beginning of another one needs no computation of its
own, because attention is causal (`merge_rows`). Sequences that begin alike can attend to one copy
of their common beginning's keys and values (`choose_groups`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from llama_jax.inference.shapes import bucket


class Row(NamedTuple):
    """A sequence that goes through the model once, for one or more items.

    Attributes:
        ids: [n] int32, the ids to feed.
        items: indices of the items that it answers.
        shareable: how many leading ids may come from a shared prefix; what is read off (a scored
            position, a prompt's last token) stands behind them.
    """

    ids: np.ndarray
    items: tuple[int, ...]
    shareable: int


class Group(NamedTuple):
    """Rows `start` to `stop` of a sorted list begin with the same `depth` ids."""

    start: int
    stop: int
    depth: int


@dataclass(frozen=True)
class Prefix:
    """Ids that several rows have in common.

    Attributes:
        ids: [P] int32, right-padded with 0 to a bucket.
        length: how many of them are real.
    """

    ids: np.ndarray
    length: int


def merge_rows(fed: Sequence[np.ndarray], shareable: Sequence[int]) -> list[Row]:
    """Drops sequences that are the beginning of another one, which answers for them.

        fed   1 2 3 | 1 2 | 1 2 3 | 1 4        items of the rows   (1 2 3: 0, 1, 2), (1 4: 3)

    Args:
        fed: int32 ids of each item.
        shareable: of each item; a row gets the least of its items'.
    """
    keys = [sort_key(ids) for ids in fed]
    # In this order a sequence stands directly before those that it is the beginning of.
    order = sorted(range(len(fed)), key=lambda index: (keys[index], -index), reverse=True)
    merged: list[list[int]] = []
    for index in order:
        if merged and keys[merged[-1][0]].startswith(keys[index]):
            merged[-1].append(index)
        else:
            merged.append([index])
    return [
        Row(fed[items[0]], tuple(items), min(shareable[item] for item in items)) for items in merged
    ]


def choose_groups(
    rows: Sequence[Row], min_prefix: int, group_cost: int
) -> tuple[list[Row], list[Group]]:
    """Rows in an order where those that begin alike stand together, and the groups worth sharing.

    A group of n rows with a common beginning of d ids saves (n - 1) d - `group_cost` tokens. Groups
    do not overlap: of all choices in the tree of common beginnings, the one that saves most.

    Args:
        rows: any order.
        min_prefix: least number of ids that a group shares.
        group_cost: what a group costs in tokens: calls of its own, more padding.
    """
    ordered = sorted(rows, key=lambda row: (sort_key(row.ids[: row.shareable]), min(row.items)))
    common = [
        common_length(a.ids[: a.shareable], b.ids[: b.shareable])
        for a, b in zip(ordered, ordered[1:], strict=False)
    ]
    # Open nodes of the tree, outermost first: [depth, first row, what its parts save, their groups]
    stack: list[list] = [[0, 0, 0, []]]
    for row in range(1, len(ordered) + 1):
        depth = common[row - 1] if row < len(ordered) else 0
        first, saved, groups = row - 1, 0, []
        while stack[-1][0] > depth:
            node_depth, first, part_saved, parts = stack.pop()
            saved, groups = saved + part_saved, parts + groups
            own = (row - first - 1) * node_depth - group_cost
            if node_depth >= min_prefix and own > 0 and own >= saved:
                saved, groups = own, [Group(first, row, node_depth)]
        if stack[-1][0] < depth:
            stack.append([depth, first, saved, groups])
        else:
            stack[-1][2] += saved
            stack[-1][3] += groups
    return ordered, stack[0][3]


def split_groups(
    rows: Sequence[Row], groups: Sequence[Group], sizes: tuple[int, ...]
) -> tuple[list[Prefix], list[list[Row]]]:
    """Prefixes, and the rows behind each; one more list has the rows without a prefix.

    Args:
        rows: as `choose_groups` ordered them.
        groups: in the order of the rows.
        sizes: the lengths that prefixes are padded to.
    """
    prefixes, parts, loose, end = [], [], [], 0
    for start, stop, depth in groups:
        prefixes.append(Prefix(pad(rows[start].ids[:depth], bucket(depth, sizes)), depth))
        parts.append(list(rows[start:stop]))
        loose += rows[end:start]
        end = stop
    return prefixes, [*parts, [*loose, *rows[end:]]]


def pad(ids: np.ndarray, length: int) -> np.ndarray:
    """[n] int32 -> [length] int32, zeros behind."""
    padded = np.zeros(length, np.int32)
    padded[: len(ids)] = ids
    return padded


def sort_key(ids: np.ndarray) -> bytes:
    """Bytes that compare as the ids do: big-endian, so that comparing is one memcmp."""
    return ids.astype(">u4").tobytes()


def common_length(a: np.ndarray, b: np.ndarray) -> int:
    """How many leading ids two sequences have in common."""
    length = min(len(a), len(b))
    differ = np.flatnonzero(a[:length] != b[:length])
    return int(differ[0]) if len(differ) else length
