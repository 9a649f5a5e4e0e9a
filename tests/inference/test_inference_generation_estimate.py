"""What a dry run of generation says must hold for the run."""

import jax
import numpy as np
import pytest

from llama_jax.inference.engine import Engine
from llama_jax.inference.estimate import cache_bytes, call_bytes
from llama_jax.inference.generation import plan_generation
from llama_jax.inference.generation_estimate import generation_peak_bytes, possible_shapes
from llama_jax.inference.types import GenerateItem


def _items(seed, count, longest, new, header=0):
    rng = np.random.default_rng(seed)
    head = tuple(int(i) for i in rng.integers(3, 60, header))
    return [
        GenerateItem(
            (1, *head, *rng.integers(3, 60, rng.integers(1, longest)).tolist()),
            int(rng.integers(1, new)),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    "rows, tokens, items",
    [
        (1, 64, _items(0, 3, 20, 90)),
        (4, 32, _items(1, 9, 20, 30)),
        (8, 256, _items(2, 20, 20, 60)),
        (4, 128, _items(3, 9, 20, 30, header=40)),
        (16, 128, [GenerateItem((1, 5, 7), 40, seed=seed) for seed in range(30)]),
    ],
)
def test_a_run_compiles_nothing_but_the_possible_shapes(
    params, config, make_tokenizer, rows, tokens, items
):
    engine = Engine(params, config, make_tokenizer(), batch_rows=rows, batch_tokens=tokens)
    engine.generate(items)
    limits = engine._limits
    plan = plan_generation(items, batch_rows=rows, **limits)
    possible = possible_shapes(plan, items, config.context, limits["call_tokens"])
    assert engine.compiled_shapes <= possible
    assert f"shapes to compile: at most {len(possible)}\n" in engine.describe_generation(items)


def test_a_row_that_gets_all_it_may_get_needs_all_possible_shapes(params, config, make_tokenizer):
    items = [GenerateItem((1, 5), 100)]
    engine = Engine(params, config, make_tokenizer(eos_id=-1), batch_rows=4)
    engine.generate(items)
    plan = plan_generation(items, batch_rows=4, **engine._limits)
    possible = possible_shapes(plan, items, config.context, engine._limits["call_tokens"])
    assert engine.compiled_shapes == possible


def test_the_peak_is_that_of_the_largest_group(config):
    items = [GenerateItem((1, *range(5, 5 + n)), 50) for n in (3, 4, 5)]
    plan = plan_generation(
        items, context=128, vocab_size=64, batch_rows=4, batch_tokens=128, min_prefix=32
    )
    (group,) = plan.groups
    assert (group.rows, group.columns, group.feed_rows) == (4, 8, (1, 4))
    # 4 rows of 8 are fed; 4 slots have 64, since no row comes to more than 56.
    held = cache_bytes(config, 4 * 8 + 4 * 64, 4)
    step = call_bytes(config, 4, 1, 64, 4) + 2 * 4 * 4 * config.vocab_size
    feed = call_bytes(config, 4, 8, 0, 4)
    assert generation_peak_bytes(plan, items, config, 1000, 4) == 1000 + held + max(step, feed)


def test_a_dry_run_counts_both_layouts(params, config, make_tokenizer):
    items = [GenerateItem((1, 5), 4)]
    stacked = Engine(params, config, make_tokenizer())
    text = stacked.describe_generation(items)
    peak = int(text.split("peak memory: about ")[1].split()[0])
    both = stacked.weight_bytes + sum(leaf.nbytes for leaf in jax.tree.leaves(params["layers"]))
    assert peak >= both // 2**20
