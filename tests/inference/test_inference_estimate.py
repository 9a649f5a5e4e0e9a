import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llama_jax.config import LLAMA2_7B
from llama_jax.errors import InputError
from llama_jax.inference import scoring
from llama_jax.inference.estimate import batch_tokens_within, cache_bytes, call_bytes, peak_bytes
from llama_jax.inference.plan import plan_scores
from llama_jax.inference.types import ScoreItem
from llama_jax.model import decoder
from llama_jax.model.cache import SharedPrefix


def test_the_cache_of_llama_2_7b():
    # Two of 32 layers of 4,096 numbers in two bytes: half a MiB a token.
    assert cache_bytes(LLAMA2_7B, 1, 2) == 2 * 32 * 4096 * 2 == 524_288
    assert cache_bytes(LLAMA2_7B, 4096, 2) == 2 * 2**30


def test_a_call_needs_about_what_the_compiler_says(config):
    config = dataclasses.replace(config, vocab_size=2000, dim=128, ffn_size=352)
    B, T, P = 4, 256, 512
    params = decoder.abstract_params(config)
    buffer = (config.layers, config.kv_heads, P, config.head_size)

    def score(params, key, value, length, *rest):
        prefix = (SharedPrefix(key, value, length),)
        return scoring.score_batch(params, config, prefix, *rest)

    cache = [jax.ShapeDtypeStruct(buffer, jnp.float32)] * 2
    shapes = ((), *[(B, T)] * 3, (B * T,), (), (B * T, 4))
    rest = [jax.ShapeDtypeStruct(shape, jnp.int32) for shape in shapes]
    lowered = jax.jit(score).lower(params, *cache, *rest)
    real = lowered.compile().memory_analysis().temp_size_in_bytes
    assert 0.5 * real < call_bytes(config, B, T, P, 4) < 2 * real


def test_the_peak_of_a_plan_by_hand(config):
    shots = tuple(np.random.default_rng(0).integers(3, 60, 60).tolist())
    items = [ScoreItem((1, *shots, *[n] * 30, 3), 91) for n in range(4, 24)]
    plan = plan_scores(items, context=128, vocab_size=64, batch_tokens=64)
    assert [plan.capacity(node) for node in plan.used_nodes] == [64]
    shapes = {batch.tokens.shape for batch in plan.batches}
    calls = [call_bytes(config, *shape, 64, 4) for shape in {*shapes, (1, 64)}]
    assert peak_bytes(plan, config, 1000, 4) == 1000 + cache_bytes(config, 64, 4) + max(calls)


def test_tokens_within_a_budget(config):
    assert batch_tokens_within(2**40, config, 0, 4, 4096) == 4096
    less = batch_tokens_within(8 * 2**20, config, 0, 4, 4096)
    assert 64 <= less < 4096
    with pytest.raises(InputError, match="memory 1000 bytes: the parameters take 500, and"):
        batch_tokens_within(1000, config, 500, 4, 4096)
