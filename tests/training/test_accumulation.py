import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.config import LlamaConfig
from llama_jax.data.packing import Rows
from llama_jax.errors import InputError
from llama_jax.training.accumulation import microbatches, summed_gradients
from llama_jax.training.optimizer import OptimizerConfig, make_optimizer
from llama_jax.training.options import StepOptions
from llama_jax.training.step import compile_train_step, init_state

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5)
# A small clip, so that gradients are scaled; in the warm-up, so that the rate changes.
OPTIMIZER = make_optimizer(
    OptimizerConfig(1e-2, steps=50, warmup_steps=5, clip_norm=0.05, eps=1e-3)
)
STEPS = 3


def batch(seed, rows=8, length=12):
    """Row i has about i / 8 of its targets: microbatches differ in their token counts."""
    rng = np.random.default_rng(seed)
    tokens, targets = rng.integers(3, 64, size=(2, rows, length), dtype=np.int32)
    mask = (rng.random((rows, length)) < np.arange(rows)[:, None] / rows).astype(np.int32)
    positions = np.broadcast_to(np.arange(length, dtype=np.int32), (rows, length))
    return Rows(tokens, targets, np.ones_like(tokens), positions, mask)


def trained(accumulation):
    step = compile_train_step(CONFIG, OPTIMIZER, StepOptions(accumulation=accumulation))
    state = init_state(jax.random.key(0), CONFIG, OPTIMIZER)
    for seed in range(STEPS):
        state, metrics = step(state, batch(seed))
    return state, metrics


@pytest.fixture(scope="module")
def whole():
    return trained(1)


@pytest.mark.parametrize("accumulation", [2, 4, 8])
def test_the_update_does_not_depend_on_the_microbatches(whole, accumulation):
    """Clipping and schedule included; the first microbatch of eight has no target at all."""
    assert whole[1]["gradient_norm"] > 0.05
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(trained(accumulation)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_a_mean_of_means_would_be_another_update():
    """What the sums guard against: parts of 1 and 3 targets whose means differ."""

    def loss(params, rows, index):
        return jnp.sum(params["w"] * rows.targets * rows.loss_mask), jnp.sum(1.0 * rows.loss_mask)

    targets = np.array([[2, 0, 0], [4, 4, 4]], np.int32)
    rows = Rows(*[targets] * 4, (targets > 0).astype(np.int32))
    total, count, gradient = summed_gradients(loss, {"w": jnp.float32(1)}, rows, 2)
    assert (total, count, gradient["w"]) == (14, 4, 14)
    assert gradient["w"] / count != (2 + 4) / 2


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5))
def test_microbatches_hold_every_row_once(count, rows, length):
    tokens = np.arange(count * rows * length).reshape(count * rows, length)
    parts = microbatches(Rows(*[jnp.array(tokens)] * 5), count).tokens
    assert parts.shape == (count, rows, length)
    for index, part in enumerate(np.asarray(parts)):
        np.testing.assert_array_equal(part, tokens[index::count])


def test_a_batch_that_does_not_divide_is_refused_with_what_would():
    with pytest.raises(InputError, match=r"6 rows .* into 4 microbatches.* 1, 2, 3, 6"):
        microbatches(Rows(*[jnp.zeros((6, 2))] * 5), 4)
