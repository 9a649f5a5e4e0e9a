import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import numpy_llama

from llama_jax.config import LlamaConfig, RopeScaling
from llama_jax.model.rope import apply_rope, rope_angles, rope_frequencies

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5)


def test_hand_worked_quarter_turn():
    # One pair, angle pi/2: (1, 0) becomes (0, 1), (0, 1) becomes (-1, 0).
    sin, cos = rope_angles(jnp.array([1]), np.array([np.pi / 2], np.float32))
    x = jnp.array([[[1.0, 0.0], [0.0, 1.0]]])  # T = 1, two heads, H = 2
    np.testing.assert_allclose(apply_rope(x, sin, cos), [[[0.0, 1.0], [-1.0, 0.0]]], atol=1e-6)


def test_equals_complex_multiplication_of_neighbouring_pairs():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 4, 8))
    positions = np.array([0, 1, 2, 5, 8, 13, 100, 1000, 4000])
    sin, cos = rope_angles(jnp.asarray(positions), rope_frequencies(CONFIG))
    ours = apply_rope(jnp.asarray(x, jnp.float32), sin, cos)
    freqs = numpy_llama.frequencies(CONFIG)
    theirs = numpy_llama.rotate_neighbours(numpy_llama.interleave(x), positions, freqs)
    np.testing.assert_allclose(numpy_llama.interleave(np.asarray(ours)), theirs, atol=2e-4)
    np.testing.assert_allclose(numpy_llama.interleave(np.asarray(ours))[:6], theirs[:6], atol=2e-6)


@pytest.mark.parametrize("scaling", [RopeScaling(8, 1, 4, 8192), RopeScaling(32, 1, 4, 8192)])
def test_llama31_scaling_equals_the_piecewise_definition(scaling):
    config = LlamaConfig(64, 512, 2, 4, 2, 48, 64, 1e-5, 500000.0, scaling)
    np.testing.assert_allclose(rope_frequencies(config), numpy_llama.frequencies(config), rtol=1e-6)
    unscaled = numpy_llama.frequencies(dataclasses.replace(config, rope_scaling=None))
    kept = np.isclose(rope_frequencies(config), unscaled, rtol=1e-6)
    slowed = np.isclose(rope_frequencies(config), unscaled / scaling.factor, rtol=1e-6)
    assert kept.any() and slowed.any() and not (kept | slowed).all()  # all three cases occur


@settings(deadline=None, max_examples=30)
@given(shift=st.integers(0, 500), gap=st.integers(0, 50))
def test_scores_depend_on_the_distance_only(shift, gap):
    rng = np.random.default_rng(gap)
    q, k = (jnp.asarray(rng.normal(size=(1, 1, 8)), jnp.float32) for _ in "qk")
    freqs = rope_frequencies(CONFIG)

    def score(q_position, k_position):
        turned_q = apply_rope(q, *rope_angles(jnp.array([q_position]), freqs))
        turned_k = apply_rope(k, *rope_angles(jnp.array([k_position]), freqs))
        return float(jnp.vdot(turned_q, turned_k))

    assert score(gap + shift, shift) == pytest.approx(score(gap, 0), abs=2e-3)


def test_angles_are_float32_whatever_the_activations():
    sin, _ = rope_angles(jnp.array([257]), np.ones(1, np.float32))
    assert sin.dtype == jnp.float32
    assert float(sin[0, 0]) == pytest.approx(np.sin(257.0), abs=1e-6)
    assert abs(np.sin(257.0) - np.sin(256.0)) > 0.4  # what bfloat16 positions would give
    x = jnp.ones((1, 1, 2), jnp.bfloat16)
    assert apply_rope(x, sin, sin).dtype == jnp.bfloat16
