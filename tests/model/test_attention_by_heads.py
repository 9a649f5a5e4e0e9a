"""The backward pass by hand; values and gradients against all heads at once: test_attention.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llama_jax.config import LlamaConfig
from llama_jax.model import decoder
from llama_jax.model.attention_by_heads import attend_by_heads
from llama_jax.model.segment import Segment

B, T, S, N, K, H = 2, 5, 6, 4, 2, 8


def arrays(dtype=np.float64):
    draw = np.random.default_rng(0).normal
    shapes = (B, T, N, H), (B, K, S, H), (B, K, S, H), (B, T, N, H)
    return [draw(size=shape).astype(dtype) for shape in shapes]


def by_hand(query, key, value, mask):
    """Float64 attention with loops; zeros for a query that may look nowhere."""
    out = np.zeros(query.shape)
    for b, t, n in np.ndindex(B, T, N):
        seen = np.flatnonzero(mask[b, t])
        if len(seen):
            scores = key[b, n // (N // K), seen] @ query[b, t, n] / np.sqrt(H)
            weights = np.exp(scores - scores.max())
            out[b, t, n] = weights / weights.sum() @ value[b, n // (N // K), seen]
    return out


@pytest.fixture
def mask():
    """Any pattern, and a query that may look nowhere."""
    mask = np.random.default_rng(1).random((B, T, S)) < 0.6
    mask[1, 2] = False
    return mask


def test_the_value_and_the_gradient_by_differences(mask):
    query, key, value, weights = arrays()

    def total(query, key, value):
        segment = Segment(jnp.asarray(key), jnp.asarray(value), jnp.asarray(mask))
        return jnp.sum(weights.astype(np.float32) * attend_by_heads(query, (segment,)))

    inputs = [jnp.asarray(a, jnp.float32) for a in (query, key, value)]
    np.testing.assert_allclose(
        total(*inputs), np.sum(weights * by_hand(query, key, value, mask)), rtol=1e-5
    )
    gradients = jax.grad(total, argnums=(0, 1, 2))(*inputs)
    step = 1e-5
    for which, gradient in enumerate(gradients):
        assert np.isfinite(gradient).all()
        for place in np.random.default_rng(2).integers(0, gradient.shape, (12, 4)):
            sums = []
            for sign in (1, -1):
                moved = [query.copy(), key.copy(), value.copy()]
                moved[which][*place] += sign * step
                sums.append(np.sum(weights * by_hand(*moved, mask)))
            expected = (sums[0] - sums[1]) / (2 * step)
            np.testing.assert_allclose(gradient[*place], expected, atol=2e-5)


def test_a_query_that_may_look_nowhere_gets_zeros_and_no_gradient(mask):
    query, key, value, _ = (jnp.asarray(a, jnp.float32) for a in arrays())

    def attended(query):
        return attend_by_heads(query, (Segment(key, value, jnp.asarray(mask)),))

    out, pull = jax.vjp(attended, query)
    np.testing.assert_array_equal(out[1, 2], 0)
    np.testing.assert_array_equal(pull(jnp.ones_like(out))[0][1, 2], 0)


def test_gradients_have_the_dtype_of_what_they_are_of(mask):
    query, key, value, _ = (jnp.asarray(a, jnp.bfloat16) for a in arrays())

    def total(query, segment):
        whole = segment._replace(mask=jnp.asarray(mask))
        return jnp.sum(attend_by_heads(query, (whole,)).astype(jnp.float32))

    to_query, to_segment = jax.grad(total, argnums=(0, 1))(query, Segment(key, value, None))
    assert {a.dtype for a in (to_query, to_segment.key, to_segment.value)} == {jnp.bfloat16.dtype}
    exact = jax.grad(total)(
        query.astype(jnp.float32), Segment(*(a.astype(jnp.float32) for a in (key, value)), None)
    )
    np.testing.assert_allclose(to_query.astype(np.float32), exact, atol=0.05)


@pytest.mark.parametrize("policy, softmaxes", [("none", 2), ("dots_no_batch", 2), ("full", 3)])
def test_no_layer_runs_its_attention_twice_forward(monkeypatch, policy, softmaxes):
    """The forward pass exponentiates scores, and so does the backward pass; "full" once more."""
    monkeypatch.setattr("llama_jax.model.attention.SCORES_IN_CACHE", 0)
    config = LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5)

    def loss(params):
        return jnp.sum(decoder.forward(params, config, jnp.ones((2, 7), int), remat=policy)[0])

    params = decoder.init(jax.random.key(0), config)
    text = jax.jit(jax.grad(loss)).lower(params).as_text()
    scores = "tensor<2x14x7xf32>"  # two query heads of seven tokens are the rows of one matrix
    found = [line for line in text.splitlines() if "exponential" in line and scores in line]
    assert len(found) == softmaxes
