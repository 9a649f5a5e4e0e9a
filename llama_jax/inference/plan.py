"""Score items -> a tree of token ids and batches of packed rows. Pure: no device, numpy at most.

    items     [1 5 6 7|8], [1 5 6 7|9 2], [1 5 6 4|3]          | stands before `start`
    node      [1 5 6]                                          computed once, where that pays
    packed    [7 9 4]                                          the rest of the tree, each id once
    slots     7 -> 8 and 9, 9 -> 2, 4 -> 3                     what the vocabulary is asked for

The last id of an item is never fed to the model: nothing is read off behind it.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llama_jax.errors import InputError
from llama_jax.inference.batches import PackedRow, TokenBatch, pack_row, token_batch, widen
from llama_jax.inference.prefixes import merge_rows, pad
from llama_jax.inference.shapes import (
    CALL_TOKENS,
    SHAPE_TOKENS,
    Runs,
    Shape,
    bucket,
    buckets,
    choose_shapes,
    fill,
)
from llama_jax.inference.tree import Node, SortedRows, pack_units, split
from llama_jax.inference.types import ScoreItem

# Ids of a packed row, at most (a longer item goes alone): enough to waste little at the end of a
# row, few enough that the masked part of the attention stays small.
ROW_TOKENS = 256

# A node's last ids are padded to this at least: fewer take as long as reading the weights does.
SMALLEST_CHUNK = 64


@dataclass(frozen=True)
class Plan:
    """All calls that a list of items takes, and what they cost.

    Attributes:
        nodes: what is computed once for several packed rows, parents before children.
        batches: in the order to run: those of one node together, behind those of its parents.
        sizes: of every item that was asked, how many ids are fed and how many are scored.
        lengths: sizes that arrays may have, ascending.
        chunk: most ids of a node that are computed in one call; a power of two.
    """

    nodes: tuple[Node, ...]
    batches: tuple[TokenBatch, ...]
    sizes: tuple[tuple[int, int], ...]
    lengths: tuple[int, ...]
    chunk: int

    def without(self, known: Collection[int]) -> "Plan":
        """The plan without the batches that hold known items only.

        The batches that are left are what they were, so that what an interrupted run still has to
        compute is computed bit for bit as it would have been.
        """
        known = frozenset(known)
        left = (b for b in self.batches if any(read.item not in known for read in b.reads))
        return replace(self, batches=tuple(left))

    @property
    def items(self) -> frozenset[int]:
        """Items that the batches answer."""
        return frozenset(read.item for batch in self.batches for read in batch.reads)

    def path(self, node: int | None) -> tuple[int, ...]:
        """A node and its parents, outermost first."""
        path = []
        while node is not None:
            path.append(node)
            node = self.nodes[node].parent
        return tuple(reversed(path))

    @property
    def used_nodes(self) -> tuple[int, ...]:
        """Nodes that a batch stands behind, and their parents."""
        return tuple(sorted({node for batch in self.batches for node in self.path(batch.node)}))

    def capacity(self, node: int) -> int:
        """P, slots of the keys and values of a node and its parents."""
        return bucket(self.nodes[node].depth, self.lengths)

    def chunks(self, node: int) -> Iterator[tuple[np.ndarray, int]]:
        """The calls that compute a node: ids, padded to [C], and how many of them are real.

        Full chunks first, the rest in ever smaller ones: little is padded, in few shapes.
        """
        ids, size = self.nodes[node].ids, self.chunk
        while len(ids):
            while size > max(SMALLEST_CHUNK, len(ids)):
                size //= 2
            yield pad(ids[:size], size), len(ids[:size])
            ids = ids[size:]

    @property
    def prefilled(self) -> int:
        """Real tokens that go through the model, nodes included."""
        own = sum(int(batch.counts.sum()) for batch in self.batches)
        return own + sum(len(self.nodes[node].ids) for node in self.used_nodes)

    @property
    def saved(self) -> int:
        """Tokens that sharing spares: those to feed item by item, less `prefilled`."""
        return sum(self.sizes[item][0] for item in self.items) - self.prefilled

    @property
    def scored(self) -> int:
        """Scored ids of all items."""
        return sum(self.sizes[item][1] for item in self.items)

    @property
    def padding(self) -> int:
        """Positions that are computed and hold nothing."""
        own = sum(batch.tokens.size for batch in self.batches)
        fed = sum(len(ids) for node in self.used_nodes for ids, _ in self.chunks(node))
        return own + fed - self.prefilled

    def shape(self, batch: TokenBatch) -> tuple:
        """("score", P, B, T, N, K): batches with the same one share a compiled program."""
        behind = 0 if batch.node is None else self.capacity(batch.node)
        return ("score", behind, *batch.tokens.shape, *batch.targets.shape)

    @property
    def shapes(self) -> frozenset[tuple]:
        """What has to be compiled: for the nodes and for the batches."""
        batches = {self.shape(batch) for batch in self.batches}
        return frozenset(batches.union(*(self.node_shapes(node) for node in self.used_nodes)))

    def node_shapes(self, node: int) -> frozenset[tuple]:
        """("room", P, P of the parent) and, for each size of chunk, ("prefix", P, C)."""
        parent, capacity = self.nodes[node].parent, self.capacity(node)
        room = ("room", capacity, 0 if parent is None else self.capacity(parent))
        return frozenset({room, *(("prefix", capacity, len(ids)) for ids, _ in self.chunks(node))})


def plan_scores(
    items: Sequence[ScoreItem],
    *,
    context: int,
    vocab_size: int,
    batch_tokens: int,
    min_prefix: int = 32,
    call_tokens: int = CALL_TOKENS,
    shape_tokens: int = SHAPE_TOKENS,
    row_tokens: int = ROW_TOKENS,
) -> Plan:
    """Plans the scoring of `items`.

    Args:
        items: what to score; what they have in common is computed once.
        context: most tokens that the model can be fed.
        vocab_size: V; ids must be below it.
        batch_tokens: padded tokens per batch, at most; a longer row goes alone.
        min_prefix: least number of ids of a node.
        call_tokens: what one more call costs, in tokens; decides what sharing and which shapes pay.
        shape_tokens: what one more compiled shape costs, in tokens.
        row_tokens: ids of a packed row; a longer item goes alone, and twice as many stay together
            where that spares a node.

    Raises:
        InputError: an item is too long or has an id outside the vocabulary.
    """
    if batch_tokens < 1:
        raise InputError(f"batch_tokens {batch_tokens} is below 1")
    row_tokens = min(row_tokens, batch_tokens)
    lengths = buckets(max(context, 2 * row_tokens))
    fed = [_checked(index, item, context, vocab_size) for index, item in enumerate(items)]
    tree = SortedRows(merge_rows(fed, [item.start - 1 for item in items]))
    # A node brings calls of its own, and a packed row that is half empty on average.
    node_cost = 2 * call_tokens + row_tokens // 2
    nodes, units = split(tree, row_tokens=row_tokens, min_prefix=min_prefix, node_cost=node_cost)
    groups: dict[int | None, list[PackedRow]] = {}
    for node, places in pack_units(tree, units, row_tokens):
        depth = 0 if node is None else nodes[node].depth
        packed = pack_row([tree.rows[place] for place in places], depth)
        groups.setdefault(node, []).append(packed)
    layout = _layout(nodes, groups, lengths, batch_tokens, (call_tokens, shape_tokens))
    batches = [token_batch(items, *part) for part in layout]
    sizes = [(len(ids), len(item.ids) - item.start) for ids, item in zip(fed, items, strict=True)]
    chunk = 1 << (min(batch_tokens, max(row_tokens, 8 * call_tokens)).bit_length() - 1)
    plan = Plan(tuple(nodes), (), tuple(sizes), lengths, chunk)
    return replace(plan, batches=tuple(_same_widths(plan, batches)))


def _checked(index: int, item: ScoreItem, context: int, vocab_size: int) -> np.ndarray:
    """The ids to feed."""
    fed = len(item.ids) - 1
    if fed > context:
        raise InputError(
            f"item {index}: {len(item.ids)} ids, {fed} of them to feed, exceed the model's context "
            f"of {context} tokens; shorten the item"
        )
    if max(item.ids) >= vocab_size:
        raise InputError(
            f"item {index}: id {max(item.ids)} is outside the model's vocabulary of {vocab_size}; "
            f"use the tokenizer that belongs to the model"
        )
    return np.asarray(item.ids[:-1], np.int32)


def _layout(
    nodes: Sequence[Node],
    groups: dict[int | None, list[PackedRow]],
    sizes: tuple[int, ...],
    batch_tokens: int,
    costs: tuple[int, int],
) -> Iterator[tuple[int | None, int, list[PackedRow], Shape]]:
    """Node, its depth, packed rows and shape of each batch.

    What stands behind no node comes first; within a group the longest packed rows. Groups whose
    nodes have the same padded length share their shapes.
    """
    order = sorted(groups, key=lambda node: -1 if node is None else node)
    depth = {node: 0 if node is None else nodes[node].depth for node in order}
    padded = {node: bucket(depth[node], sizes) if depth[node] else 0 for node in order}
    bins = {node: sorted(groups[node], key=lambda row: -len(row.tokens)) for node in order}
    runs: dict[int | None, Runs] = {
        node: tuple(Counter(bucket(len(row.tokens), sizes) for row in bins[node]).items())
        for node in order
    }
    menus = {
        size: choose_shapes(
            [runs[node] for node in order if padded[node] == size], batch_tokens, *costs
        )
        for size in set(padded.values())
    }
    for node in order:
        done = 0
        for shape, count in fill(runs[node], menus[padded[node]]):
            for _ in range(count):
                yield node, depth[node], bins[node][done : done + shape.rows], shape
                done += shape.rows


def _same_widths(plan: Plan, batches: list[TokenBatch]) -> Iterator[TokenBatch]:
    """Gives batches that agree in P, B and T the same K, so that they share a program."""
    widths: dict[tuple, int] = {}
    for batch in batches:
        sizes = plan.shape(batch)[:4]
        widths[sizes] = max(widths.get(sizes, 0), batch.targets.shape[1])
    for batch in batches:
        yield widen(batch, widths[plan.shape(batch)[:4]])
