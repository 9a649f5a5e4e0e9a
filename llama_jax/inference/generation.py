"""Generate items -> groups that are generated behind shared prefixes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llama_jax.errors import InputError
from llama_jax.inference.prefixes import Prefix, Row, choose_groups, split_groups
from llama_jax.inference.shapes import CALL_TOKENS, bucket, buckets
from llama_jax.inference.types import GenerateItem

# Slots of a cache that may still have to grow: attention over some empty ones costs less than
# compiling another size.
SMALLEST_CAPACITY = 256

# Prompts are fed in parts of batch_tokens / FEED_ROWS tokens at most, so that this many rows fit.
FEED_ROWS = 16

# A few prompts that take the places of ended ones are fed in arrays of fewer rows by this factor.
REFILL_PART = 8


@dataclass(frozen=True)
class GenerateGroup:
    """Items that are generated behind one prefix, some at a time: each takes the place of another.

    Attributes:
        prefix: index into `GeneratePlan.prefixes`, or None.
        depth: length of the prefix, 0 for none.
        items: their indices, the longest prompt first, equal prompts together.
        rows: B, how many are generated at a time.
        columns: C, tokens of a prompt that a row is fed at a time.
        feed_rows: R, ascending: the rows of the arrays that prompts are fed in.
    """

    prefix: int | None
    depth: int
    items: tuple[int, ...]
    rows: int
    columns: int
    feed_rows: tuple[int, ...]


@dataclass(frozen=True)
class GeneratePlan:
    """All groups of a list of items, and what their prompts cost.

    Attributes:
        prefixes: what prompts have in common.
        groups: in the order to run.
        limits: of each item, the most ids to generate.
        prefilled: prompt tokens to compute.
        saved: prompt tokens that sharing spares.
    """

    prefixes: tuple[Prefix, ...]
    groups: tuple[GenerateGroup, ...]
    limits: tuple[int, ...]
    prefilled: int
    saved: int


def plan_generation(
    items: Sequence[GenerateItem],
    *,
    context: int,
    vocab_size: int,
    batch_rows: int,
    batch_tokens: int,
    min_prefix: int = 32,
    call_tokens: int = CALL_TOKENS,
    row_multiple: int = 1,
) -> GeneratePlan:
    """Plans the generation of `items`.

    Args:
        items: what to continue.
        context: most tokens of prompt and continuation together.
        vocab_size: V; ids must be below it.
        batch_rows: most rows that are generated together.
        batch_tokens: padded prompt tokens that are fed at a time, at most, but one per row.
        min_prefix: least number of ids that a group of prompts shares.
        call_tokens: what one more call costs, in tokens; decides what sharing pays.
        row_multiple: groups of devices that rows are split over.

    Raises:
        InputError: an item does not fit the context, or has an id outside the vocabulary.
    """
    if batch_rows < 1 or batch_tokens < 1:
        raise InputError(f"batch_rows {batch_rows} and batch_tokens {batch_tokens} must be over 0")
    limits = [_limit(index, item, context, vocab_size) for index, item in enumerate(items)]
    rows = [
        Row(np.asarray(item.ids, np.int32), (index,), len(item.ids) - 1)
        for index, item in enumerate(items)
    ]
    # A group decodes by itself: at worst as many more steps as its longest row takes.
    group_cost = 2 * call_tokens + max(limits, default=0)
    rows, chosen = choose_groups(rows, min_prefix, group_cost)
    prefixes, parts = split_groups(rows, chosen, buckets(context))
    depths = [*(prefix.length for prefix in prefixes), 0]
    padded = [*(len(prefix.ids) for prefix in prefixes), 0]
    longest: dict[int, int] = {}  # of the groups whose prefixes are padded alike: one C for all
    for part, depth, size in zip(parts, depths, padded, strict=True):
        own = max((len(row.ids) for row in part), default=depth) - depth
        longest[size] = max(longest.get(size, 0), own)
    groups = [
        _group(
            part,
            None if index == len(prefixes) else index,
            depths[index],
            longest[padded[index]],
            batch_rows,
            batch_tokens,
            row_multiple,
        )
        for index, part in enumerate(parts)
        if part
    ]
    prefilled = sum(depths) + sum(
        sum(map(len, {item.ids[group.depth :] for item in map(items.__getitem__, group.items)}))
        for group in groups
    )
    saved = sum(len(item.ids) for item in items) - prefilled
    return GeneratePlan(tuple(prefixes), tuple(groups), tuple(limits), prefilled, saved)


def capacities(context: int) -> tuple[int, ...]:
    """Sizes of a cache in slots per row: doubling, the last one holds the whole context."""
    sizes = [SMALLEST_CAPACITY]
    while sizes[-1] < context:
        sizes.append(2 * sizes[-1])
    return (*(size for size in sizes if size < context), context)


def _limit(index: int, item: GenerateItem, context: int, vocab_size: int) -> int:
    if max(item.ids) >= vocab_size:
        raise InputError(
            f"item {index}: id {max(item.ids)} is outside the model's vocabulary of {vocab_size}; "
            f"use the tokenizer that belongs to the model"
        )
    room = context - len(item.ids)
    if room < (item.max_new_tokens or 1):
        asked = "at least 1" if item.max_new_tokens is None else item.max_new_tokens
        raise InputError(
            f"item {index}: a prompt of {len(item.ids)} ids and {asked} new tokens exceed the "
            f"model's context of {context}; shorten the prompt or ask for fewer tokens"
        )
    return room if item.max_new_tokens is None else item.max_new_tokens


def _slots(items: int) -> int:
    """Slots for `items` rows: few sizes, and few slots that stay empty, each of which costs."""
    return 1 << (items - 1).bit_length() if items <= 8 else _round_up(items, 4)


def _round_up(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def _group(
    part: list[Row],
    prefix: int | None,
    depth: int,
    longest: int,
    batch_rows: int,
    batch_tokens: int,
    multiple: int,
) -> GenerateGroup:
    """The rows of `part`, and the shapes that they are fed and generated in."""
    ordered = sorted(part, key=lambda row: (-len(row.ids), row.ids.tobytes(), row.items))
    rows = min(batch_rows, _round_up(_slots(len(part)), multiple))
    sizes = buckets(max(8, batch_tokens // FEED_ROWS))
    columns = bucket(min(longest, sizes[-1]), sizes)
    most = min(rows, 1 << (max(1, batch_tokens // columns).bit_length() - 1))
    items = tuple(row.items[0] for row in ordered)
    few = max(1, most // REFILL_PART)
    feed_rows = {min(rows, _round_up(size, multiple)) for size in (few, most)}
    return GenerateGroup(prefix, depth, items, rows, columns, tuple(sorted(feed_rows)))
