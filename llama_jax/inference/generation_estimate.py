"""What a plan of generation takes at most, before it runs: tokens, shapes, bytes. Pure.

Rows may end early; nobody knows when. Everything here is for rows that get all that they may get.
"""

from collections.abc import Sequence
from itertools import pairwise

from llama_jax.config import LlamaConfig
from llama_jax.inference.decoding import CHUNK_STEPS
from llama_jax.inference.estimate import FLOAT32, cache_bytes, call_bytes
from llama_jax.inference.generation import GenerateGroup, GeneratePlan
from llama_jax.inference.slot_sizes import Sizes
from llama_jax.inference.types import GenerateItem


def possible_shapes(
    plan: GeneratePlan, items: Sequence[GenerateItem], context: int, call_tokens: int
) -> frozenset[tuple]:
    """All that `SlotCalls` may have to compile for a plan, by its names.

    Args:
        plan: of `plan_generation`.
        items: that were planned.
        context: most tokens of the model.
        call_tokens: what one more call costs, in tokens.
    """
    shapes: set[tuple] = set()
    for group in plan.groups:
        sizes, capacities = _sizes(plan, group, items, context)
        prompts = len({items[index].ids for index in group.items})
        most = min(prompts, sizes.count)
        fed = {sizes.rows_to_feed(number, call_tokens) for number in range(1, most + 1)}
        prefix, count, held = _prefix_slots(plan, group), sizes.count, sizes.prompt_capacity
        if prefix:
            shapes.add(("decode prefix", prefix))
        shapes.add(("slots", count, capacities[0]))
        shapes.update(("grow", count, *pair) for pair in pairwise(capacities))
        for rows in fed:
            shapes.add(("rows", rows, held))
            shapes.add(("feed", prefix, rows, sizes.columns, held))
            shapes.update(("insert", count, capacity, rows, held) for capacity in capacities)
        shapes.update(("decode", prefix, count, capacity) for capacity in capacities)
    return frozenset(shapes)


def generation_peak_bytes(
    plan: GeneratePlan,
    items: Sequence[GenerateItem],
    config: LlamaConfig,
    parameter_bytes: int,
    itemsize: int,
) -> int:
    """About the most that any group of a plan needs, parameters included.

    Args:
        plan: of `plan_generation`.
        items: that were planned.
        config: of the model.
        parameter_bytes: of all parameters as they are kept, in every layout.
        itemsize: bytes of one number of the keys, values and activations.
    """
    most = 0
    for group in plan.groups:
        sizes, capacities = _sizes(plan, group, items, config.context)
        prefix, rows = _prefix_slots(plan, group), sizes.feed_rows[-1]
        held = rows * sizes.prompt_capacity + prefix
        # While the slots get more room, the old ones stand beside the new ones.
        slots = sizes.count * sum(capacities[-2:])
        before = prefix + sizes.prompt_capacity - sizes.columns
        feed = call_bytes(config, rows, sizes.columns, before, itemsize)
        step = call_bytes(config, sizes.count, 1, prefix + capacities[-1], itemsize)
        step += 2 * FLOAT32 * sizes.count * config.vocab_size
        most = max(most, cache_bytes(config, held + slots, itemsize) + max(feed, step))
    return parameter_bytes + most


def describe_generation(
    plan: GeneratePlan, items: Sequence[GenerateItem], context: int, call_tokens: int
) -> str:
    """The plan in a few lines, for a dry run."""
    shapes = possible_shapes(plan, items, context, call_tokens)
    return (
        f"{len(items)} items in {len(plan.groups)} groups, {len(plan.prefixes)} shared prefixes\n"
        f"tokens: {plan.prefilled} to prefill, {plan.saved} saved by sharing; at most "
        f"{sum(plan.limits)} to generate\n"
        f"shapes to compile: at most {len(shapes)}"
    )


def _prefix_slots(plan: GeneratePlan, group: GenerateGroup) -> int:
    return 0 if group.prefix is None else len(plan.prefixes[group.prefix].ids)


def _sizes(
    plan: GeneratePlan, group: GenerateGroup, items: Sequence[GenerateItem], context: int
) -> tuple[Sizes, list[int]]:
    """The sizes of a group, and the capacities that its slots go through."""
    rows = [(len(items[index].ids) - group.depth, plan.limits[index]) for index in group.items]
    sizes = Sizes.of(group, group.rows, rows, context)
    # The longest prompt comes first, and has room for a call.
    first = sizes.longest + CHUNK_STEPS
    needs = range(first, max(first, sizes.whole) + 1)
    return sizes, sorted({sizes.capacity(need) for need in needs})
