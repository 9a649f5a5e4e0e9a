"""Generate items -> batches of rows behind shared prefixes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llama_jax.errors import InputError
from llama_jax.inference.prefixes import Prefix, Row, choose_groups, split_groups
from llama_jax.inference.shapes import CALL_TOKENS, bucket, buckets
from llama_jax.inference.types import GenerateItem

# Fewest slots of a cache: attention over some empty ones costs less than compiling another size.
SMALLEST_CAPACITY = 256


@dataclass(frozen=True)
class GenerateBatch:
    """Items that are generated together.

    Attributes:
        prefix: index into `GeneratePlan.prefixes`, or None.
        depth: length of the prefix, 0 for none.
        items: their indices, the longest prompt first; at most `rows`.
        rows: B, the rows of the arrays.
        columns: C, tokens of a prompt that a row is fed at a time.
    """

    prefix: int | None
    depth: int
    items: tuple[int, ...]
    rows: int
    columns: int


@dataclass(frozen=True)
class GeneratePlan:
    """All batches of a list of items, and what their prompts cost.

    Attributes:
        prefixes: what prompts have in common.
        batches: in the order to run, those of one prefix together.
        limits: of each item, the most ids to generate.
        prefilled: prompt tokens to compute.
        saved: prompt tokens that sharing spares.
    """

    prefixes: tuple[Prefix, ...]
    batches: tuple[GenerateBatch, ...]
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
    # A group decodes in batches of its own: at worst as many more steps as its longest row takes.
    group_cost = 2 * call_tokens + max(limits, default=0)
    rows, groups = choose_groups(rows, min_prefix, group_cost)
    prefixes, parts = split_groups(rows, groups, buckets(context))
    batches = []
    for index, part in enumerate(parts):
        prefix = index if index < len(prefixes) else None
        depth = 0 if prefix is None else prefixes[index].length
        batches += _batches(part, prefix, depth, batch_rows, batch_tokens)
    prompt_tokens = sum(len(item.ids) for item in items)
    saved = sum(p.length * (len(part) - 1) for p, part in zip(prefixes, parts, strict=False))
    return GeneratePlan(
        tuple(prefixes), tuple(batches), tuple(limits), prompt_tokens - saved, saved
    )


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


def _batches(
    part: list[Row], prefix: int | None, depth: int, batch_rows: int, batch_tokens: int
) -> list[GenerateBatch]:
    """Rows of similar length together; the last batch is padded to the shape of the others."""
    if not part:
        return []
    ordered = sorted(part, key=lambda row: -len(row.ids))
    rows = min(batch_rows, 1 << (len(part) - 1).bit_length())
    longest = len(ordered[0].ids) - depth
    sizes = buckets(max(8, batch_tokens // rows))
    columns = sizes[-1] if longest > sizes[-1] else bucket(longest, sizes)
    return [
        GenerateBatch(
            prefix,
            depth,
            tuple(row.items[0] for row in ordered[start : start + rows]),
            rows,
            columns,
        )
        for start in range(0, len(ordered), rows)
    ]
