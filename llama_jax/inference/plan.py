"""Score items -> a prefix tree and batches of token arrays. Pure: no device, numpy at most.

    items     [1 5 6 7|8], [1 5 6 7|9 2], [1 5 6 4|3]          | stands before `start`
    prefix    [1 5 6]                                          computed once
    rows      [7 9], [4]                                       [7 9] answers for [7] as well
    slots     7 -> 8 and 9, 9 -> 2, 4 -> 3                     what the vocabulary is asked for

The last id of an item is never fed to the model: nothing is read off behind it.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llama_jax.errors import InputError
from llama_jax.inference.batches import TokenBatch, token_batch, widen
from llama_jax.inference.prefixes import Prefix, Row, choose_groups, merge_rows, split_groups
from llama_jax.inference.shapes import (
    CALL_TOKENS,
    Runs,
    Shape,
    bucket,
    buckets,
    choose_shapes,
    fill,
)
from llama_jax.inference.types import ScoreItem


@dataclass(frozen=True)
class Plan:
    """All calls that a list of items takes, and what they cost.

    Attributes:
        prefixes: the prefix tree, parents before children.
        batches: in the order to run: those of one prefix together, longest first.
        sizes: of every item that was asked, how many ids are fed and how many are scored.
    """

    prefixes: tuple[Prefix, ...]
    batches: tuple[TokenBatch, ...]
    sizes: tuple[tuple[int, int], ...]

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

    @property
    def used_prefixes(self) -> tuple[Prefix, ...]:
        """Prefixes that a batch stands behind."""
        used = {batch.prefix for batch in self.batches}
        return tuple(prefix for index, prefix in enumerate(self.prefixes) if index in used)

    @property
    def prefilled(self) -> int:
        """Real tokens that go through the model, prefixes included."""
        own = sum(int(batch.counts.sum()) for batch in self.batches)
        return own + sum(prefix.length for prefix in self.used_prefixes)

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
        return own + sum(len(prefix.ids) for prefix in self.used_prefixes) - self.prefilled

    def shape(self, batch: TokenBatch) -> tuple:
        """("score", P, B, T, N, K): batches with the same one share a compiled program."""
        prefix = 0 if batch.prefix is None else len(self.prefixes[batch.prefix].ids)
        return ("score", prefix, *batch.tokens.shape, *batch.targets.shape)

    @property
    def shapes(self) -> frozenset[tuple]:
        """What has to be compiled: ("prefix", P) and the shapes of the batches."""
        prefixes = {("prefix", len(prefix.ids)) for prefix in self.used_prefixes}
        return frozenset(prefixes | {self.shape(batch) for batch in self.batches})


def plan_scores(
    items: Sequence[ScoreItem],
    *,
    context: int,
    vocab_size: int,
    batch_tokens: int,
    min_prefix: int = 32,
    call_tokens: int = CALL_TOKENS,
) -> Plan:
    """Plans the scoring of `items`.

    Args:
        items: what to score; what they have in common is computed once.
        context: most tokens that the model can be fed.
        vocab_size: V; ids must be below it.
        batch_tokens: padded tokens per batch, at most; a longer row goes alone.
        min_prefix: least number of ids that a group of rows shares.
        call_tokens: what one more call costs, in tokens; decides what sharing and which shapes pay.

    Raises:
        InputError: an item is too long or has an id outside the vocabulary.
    """
    if batch_tokens < 1:
        raise InputError(f"batch_tokens {batch_tokens} is below 1")
    fed = [_checked(index, item, context, vocab_size) for index, item in enumerate(items)]
    rows = merge_rows(fed, [item.start - 1 for item in items])
    # A group brings two calls that would not be there: its prefill and a part-empty batch.
    rows, groups = choose_groups(rows, min_prefix, 2 * call_tokens)
    prefixes, parts = split_groups(rows, groups, buckets(context))
    layout = _layout(prefixes, parts, buckets(context), batch_tokens, call_tokens)
    batches = _same_widths([token_batch(items, *part) for part in layout], prefixes)
    sizes = [(len(ids), len(item.ids) - item.start) for ids, item in zip(fed, items, strict=True)]
    return Plan(tuple(prefixes), tuple(batches), tuple(sizes))


def describe(plan: Plan) -> str:
    """The plan in a few lines, for a dry run."""
    rows = sum(int(np.count_nonzero(batch.counts)) for batch in plan.batches)
    calls = Counter(plan.shape(batch) for batch in plan.batches)
    lines = [
        f"{len(plan.items)} items in {rows} rows, {len(plan.batches)} batches, "
        f"{len(plan.used_prefixes)} shared prefixes",
        f"tokens: {plan.prefilled} to prefill, {plan.saved} saved by sharing, "
        f"{plan.padding} of padding; {plan.scored} to score",
        f"shapes to compile: {len(plan.shapes)}",
    ]
    for shape, count in sorted(calls.items()):
        _, prefix, batch, length, _, _ = shape
        behind = f" behind a prefix of {prefix}" if prefix else ""
        lines.append(f"  {count} x [{batch}, {length}]{behind}")
    return "\n".join(lines)


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
    prefixes: list[Prefix],
    parts: list[list[Row]],
    sizes: tuple[int, ...],
    batch_tokens: int,
    call_tokens: int,
) -> Iterator[tuple[int | None, int, list[Row], Shape]]:
    """Prefix, its length, rows and shape of each batch, the part with the longest row first.

    Parts whose prefixes have the same padded length share their shapes.
    """
    parts = [sorted(part, key=lambda row: -len(row.ids)) for part in parts]
    order = sorted((i for i, part in enumerate(parts) if part), key=lambda i: -len(parts[i][0].ids))
    depths = [*(prefix.length for prefix in prefixes), 0]
    padded = [*(len(prefix.ids) for prefix in prefixes), 0]
    runs = {index: _runs(parts[index], depths[index], sizes) for index in order}
    menus = {
        size: choose_shapes(
            [runs[i] for i in order if padded[i] == size], batch_tokens, call_tokens
        )
        for size in {padded[index] for index in order}
    }
    for index in order:
        prefix = index if index < len(prefixes) else None
        done = 0
        for shape, count in fill(runs[index], menus[padded[index]]):
            for _ in range(count):
                yield prefix, depths[index], parts[index][done : done + shape.rows], shape
                done += shape.rows


def _same_widths(batches: list[TokenBatch], prefixes: list[Prefix]) -> list[TokenBatch]:
    """Gives batches that agree in P, B and T the same K, so that they share a program."""

    def sizes(batch: TokenBatch) -> tuple[int, ...]:
        padded = 0 if batch.prefix is None else len(prefixes[batch.prefix].ids)
        return (padded, *batch.tokens.shape)

    widths: dict[tuple[int, ...], int] = {}
    for batch in batches:
        widths[sizes(batch)] = max(widths.get(sizes(batch), 0), batch.targets.shape[1])
    return [widen(batch, widths[sizes(batch)]) for batch in batches]


def _runs(rows: list[Row], depth: int, sizes: tuple[int, ...]) -> Runs:
    """How many of the rows, longest first, fall in each bucket."""
    return tuple(Counter(bucket(len(row.ids) - depth, sizes) for row in rows).items())
