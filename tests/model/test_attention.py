import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import numpy_llama

from llama_jax.model.attention import (
    Segment,
    attend,
    attention,
    attention_with_log_sum,
    causal_attention,
    causal_mask,
    combine,
    segment_mask,
    tree_mask,
)

B, T, S, H = 2, 5, 7, 8
HEADS = pytest.mark.parametrize("N, K", [(4, 4), (4, 2), (4, 1)], ids=["mha", "gqa", "mqa"])


def draw(*shape, seed=0):
    return jnp.asarray(np.random.default_rng([seed, *shape]).normal(size=shape), jnp.float32)


def reference(q, k, v, mask):
    q, k, v = (np.asarray(a, np.float64) for a in (q, k, v))
    mask = np.broadcast_to(mask, (q.shape[0], q.shape[1], k.shape[1]))
    rows = zip(q, k, v, mask, strict=True)
    return np.stack([numpy_llama.attention(*row) for row in rows])


def random_mask(seed=0):
    mask = np.random.default_rng(seed).random((B, T, S)) < 0.6
    mask[..., 0] = True  # no query is left without a key
    return mask


@HEADS
def test_equals_float64(N, K):
    q, k, v, mask = draw(B, T, N, H), draw(B, S, K, H), draw(B, S, K, H, seed=1), random_mask()
    out = jax.jit(attention)(q, k, v, jnp.asarray(mask))
    np.testing.assert_allclose(out, reference(q, k, v, mask), atol=2e-6)


@HEADS
def test_with_log_sum_equals_float64(N, K):
    q, k, v, mask = draw(B, T, N, H), draw(B, S, K, H), draw(B, S, K, H, seed=1), random_mask()
    out, log_sum = jax.jit(attention_with_log_sum)(q, Segment.of(k, v, jnp.asarray(mask)))
    np.testing.assert_allclose(out, reference(q, k, v, mask), atol=2e-6)
    wide = np.repeat(np.asarray(k, np.float64), N // K, axis=2)
    scores = np.einsum("btnh,bsnh->btns", np.asarray(q, np.float64), wide) / np.sqrt(H)
    scores = np.where(mask[:, :, None], scores, -np.inf)
    np.testing.assert_allclose(log_sum, np.log(np.exp(scores).sum(-1)), atol=2e-6)


@HEADS
@pytest.mark.parametrize("shared", [False, True])
def test_one_query_equals_float64(N, K, shared):
    q, k, v = draw(1, 1, N, H), draw(1, S, K, H), draw(1, S, K, H, seed=1)
    mask = random_mask()[:1, :1]
    segment = Segment.of(k, v, jnp.asarray(mask))
    if shared:
        segment = Segment(segment.key[0], segment.value[0], segment.mask)
    out, log_sum = jax.jit(attention_with_log_sum)(q, segment)
    np.testing.assert_allclose(out, reference(q, k, v, mask), atol=2e-6)
    every, log_sums = attention_with_log_sum(jnp.repeat(q, 2, axis=1), segment)
    np.testing.assert_allclose(log_sum, log_sums[:, :1], atol=2e-6)
    np.testing.assert_allclose(out, every[:, :1], atol=2e-6)


@HEADS
@pytest.mark.parametrize("cuts", [[], [1], [3, 6], [1, 2, 5]], ids=str)
def test_segments_combine_to_one_softmax(N, K, cuts):
    q, k, v = draw(B, T, N, H), draw(B, S, K, H), draw(B, S, K, H, seed=1)
    mask = random_mask()
    bounds = [0, *cuts, S]
    parts = [
        Segment.of(k[:, a:b], v[:, a:b], jnp.asarray(mask[:, :, a:b]))
        for a, b in zip(bounds, bounds[1:], strict=False)
    ]
    np.testing.assert_allclose(jax.jit(attend)(q, parts), reference(q, k, v, mask), atol=2e-6)


@HEADS
def test_a_segment_without_batch_equals_one_repeated_for_every_row(N, K):
    q, own_k, own_v = draw(B, T, N, H), draw(B, T, K, H), draw(B, T, K, H, seed=1)
    k, v = draw(S, K, H), draw(S, K, H, seed=1)
    causal = np.tril(np.ones((T, T), bool))[None]
    shared = Segment.of(k, v, jnp.ones((1, 1, S), bool))
    out = jax.jit(attend)(q, [shared, Segment.of(own_k, own_v, jnp.asarray(causal))])
    k, v = (np.concatenate([np.stack([a] * B), b], 1) for a, b in ((k, own_k), (v, own_v)))
    mask = np.concatenate([np.ones((1, T, S), bool), causal], axis=2)
    np.testing.assert_allclose(out, reference(q, k, v, mask), atol=2e-6)


def test_a_segment_in_which_nothing_may_be_seen_weighs_nothing():
    q, k, v, mask = draw(B, T, 4, H), draw(B, S, 2, H), draw(B, S, 2, H, seed=1), random_mask()
    seen = Segment.of(k, v, jnp.asarray(mask))
    unseen = Segment.of(k[0], 1e30 * v[0], jnp.zeros((1, 1, S), bool))
    out = jax.jit(attend)(q, [unseen, seen])
    np.testing.assert_allclose(out, reference(q, k, v, mask), atol=2e-6)
    outputs, log_sums = zip(*(attention_with_log_sum(q, s) for s in (unseen, unseen)), strict=True)
    assert np.all(np.asarray(log_sums[0]) == -np.inf)
    assert np.all(np.asarray(combine(outputs, log_sums)) == 0)


def test_large_scores_neither_overflow_nor_lose_their_order():
    q = jnp.full((1, 1, 1, 2), 100.0)
    k = jnp.array([[100.0, 100.0], [99.0, 99.0]]).reshape(1, 2, 1, 2)
    v = jnp.array([[1.0, 0.0], [0.0, 1.0]]).reshape(1, 2, 1, 2)
    out = jax.jit(attend)(
        q, [Segment.of(k[:, i : i + 1], v[:, i : i + 1], jnp.ones((1, 1, 1), bool)) for i in (0, 1)]
    )
    np.testing.assert_allclose(out[0, 0, 0], [1.0, 0.0], atol=1e-6)


def test_gradients_flow_through_the_combination():
    q, k, v, mask = draw(B, T, 4, H), draw(B, S, 2, H), draw(B, S, 2, H, seed=1), random_mask()
    mask = jnp.asarray(mask)

    def whole(q, k, v):
        return jnp.sum(jnp.sin(attention(q, k, v, mask)))

    def parts(q, k, v):
        segments = [Segment.of(k[:, s], v[:, s], mask[:, :, s]) for s in (slice(0, 3), slice(3, S))]
        return jnp.sum(jnp.sin(attend(q, segments)))

    for ours, expected in zip(
        *(jax.jit(jax.grad(f, (0, 1, 2)))(q, k, v) for f in (parts, whole)), strict=True
    ):
        np.testing.assert_allclose(ours, expected, atol=5e-6)


def test_masks_drawn_by_hand():
    t, f = True, False
    np.testing.assert_array_equal(
        causal_mask(jnp.array([1, 2]), jnp.array([0, 1, 2, 3])), [[t, t, f, f], [t, t, t, f]]
    )
    np.testing.assert_array_equal(
        segment_mask(jnp.array([[1, 2, 0]]), jnp.array([[1, 1, 2, 0]]))[0],
        [[t, t, f, f], [f, f, t, f], [f, f, f, t]],
    )


def test_bfloat16_comes_back_as_bfloat16():
    q, k, v = (draw(B, T, 4, H).astype(jnp.bfloat16) for _ in "qkv")
    mask = causal_mask(jnp.arange(T), jnp.arange(T))[None]
    one = jax.jit(attend)(q, [Segment.of(k, v, mask)])
    two = jax.jit(attend)(
        q,
        [
            Segment.of(k[:, :2], v[:, :2], mask[..., :2]),
            Segment.of(k[:, 2:], v[:, 2:], mask[..., 2:]),
        ],
    )
    assert one.dtype == two.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(one, np.float32), np.asarray(two, np.float32), atol=0.03)


def test_tree_mask_by_hand():
    # a, its children b and c, b's child d, in the order a b d c; then a root of its own.
    mask = tree_mask(jnp.array([[4, 3, 3, 4, 5]]))
    assert mask[0].astype(int).tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 0, 0, 1, 0],
        [0, 0, 0, 0, 1],
    ]


@pytest.mark.parametrize("heads", [4, 2, 1])
@pytest.mark.parametrize("shared", [True, False])
def test_one_head_at_a_time_gives_the_same_values_and_gradients(monkeypatch, heads, shared):
    draw = np.random.default_rng(heads).normal
    query, own = (jnp.asarray(draw(size=(2, 5, n, 8)), jnp.float32) for n in (4, heads))
    shape = (heads, 6, 8) if shared else (2, heads, 6, 8)
    prefix = jnp.asarray(draw(size=shape), jnp.float32)
    seen = jnp.arange(6) < 4

    def attended(query, own, prefix):
        causal = causal_mask(jnp.arange(5)[None], jnp.arange(5)[None])
        before = Segment(prefix, 2 * prefix, seen[None, None])
        both = attend(query, [before, Segment.of(own, -own, causal)])
        return jnp.sin(both + attention(query, own, -own, causal)).sum(), both

    def run():
        return jax.value_and_grad(attended, argnums=(0, 1, 2), has_aux=True)(query, own, prefix)

    at_once = run()
    monkeypatch.setattr("llama_jax.model.attention.SCORES_IN_CACHE", 0)
    for one, other in zip(jax.tree.leaves(run()), jax.tree.leaves(at_once), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize("length", [7, 8])
def test_half_of_the_keys_is_not_met_by_half_of_the_queries(monkeypatch, length):
    """Values and gradients of a packed row: as of attention to all keys under the same mask."""
    draw = np.random.default_rng(length).normal
    query, key = (jnp.asarray(draw(size=(2, length, n, 8)), jnp.float32) for n in (4, 2))
    positions = jnp.arange(length)[None]
    documents = jnp.asarray(np.repeat([[1, 2], [1, 1]], [3, length - 3], axis=1))
    mask = causal_mask(positions, positions) & segment_mask(documents, documents)

    def run(attend):
        def total(query, key):
            return jnp.sin(attend(query, key, 2 * key, mask)).sum()

        return jax.value_and_grad(total, argnums=(0, 1))(query, key)

    whole = run(attention)
    monkeypatch.setattr("llama_jax.model.attention.SCORES_IN_CACHE", 0)
    for one, other in zip(
        jax.tree.leaves(run(causal_attention)), jax.tree.leaves(whole), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=2e-5)
