import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llama_jax.config import LlamaConfig
from llama_jax.model import decoder
from llama_jax.model.cache import KVCache
from llama_jax.model.quantization import (
    product,
    product_of_rows,
    quantize,
    quantize_matrix,
    rows,
)

GQA = LlamaConfig(61, 32, 2, 4, 2, 48, 64, 1e-5)
TIED = LlamaConfig(61, 32, 2, 4, 4, 48, 64, 1e-5, tied_embeddings=True)
forward = jax.jit(decoder.forward, static_argnames="config")
apply = jax.jit(decoder.apply, static_argnames="config")


def ids(*shape):
    return jnp.asarray(np.random.default_rng(0).integers(0, 61, shape), jnp.int32)


def test_a_matrix_by_hand():
    matrix = quantize_matrix(jnp.array([[1.27, -0.5, 0.0], [-0.635, 0.25, 0.0]]), outputs=1)
    # Largest 1.27, 0.5, 0 (which has no scale): steps of 0.01 and 0.5 / 127; 63.5 goes to the even.
    np.testing.assert_allclose(matrix.scale, [0.01, 0.5 / 127, 1 / 127], rtol=1e-6)
    assert matrix.int8.tolist()[0] == [127, -127, 0]
    assert matrix.int8.tolist()[1][1:] == [64, 0]
    x = jnp.array([[1.0, 0.0]])
    np.testing.assert_allclose(product(x, matrix), [[1.27, -0.5, 0.0]], rtol=1e-6)


def test_an_embedding_has_a_scale_per_row():
    embedding = quantize_matrix(jnp.array([[2.54, 0.02], [0.0, -1.27]]), outputs=0)
    assert embedding.int8.tolist() == [[127, 1], [0, -127]]
    np.testing.assert_allclose(rows(embedding, jnp.array([1, 0])), [[0, -1.27], [2.54, 0.02]])
    x = jnp.array([1.0, 1.0])
    np.testing.assert_allclose(product_of_rows(x, embedding), [2.56, -1.27], rtol=1e-6)


@pytest.mark.parametrize("config", [GQA, TIED], ids=["gqa", "tied"])
def test_fused_equals_stacked(config):
    params = decoder.init(jax.random.key(0), config)
    for fused in (True, False):
        other = decoder.unstack(params, fused=fused)
        assert ("gate_up" in other["layers"][0]["feed_forward"]) == fused
        ours = apply(other, config, ids(2, 9))
        np.testing.assert_allclose(ours, apply(params, config, ids(2, 9)), atol=1e-6)


@pytest.mark.parametrize("config", [GQA, TIED], ids=["gqa", "tied"])
def test_int8_is_what_its_dequantised_weights_compute(config):
    params = decoder.unstack(decoder.init(jax.random.key(0), config))
    small = quantize(params)

    def dense(path, leaf):
        if leaf.ndim != 2:
            return leaf
        axis = 0 if path[0].key == "embedding" else 1
        q = quantize_matrix(leaf, axis)
        return q.int8 * (q.scale[:, None] if axis == 0 else q.scale)

    expected = apply(jax.tree_util.tree_map_with_path(dense, params), config, ids(2, 9))
    ours = apply(small, config, ids(2, 9))
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    np.testing.assert_allclose(ours, apply(params, config, ids(2, 9)), atol=0.02)
    assert jax.tree.structure(quantize(small)) == jax.tree.structure(small)


def test_int8_takes_at_most_0_28_of_the_bytes():
    config = LlamaConfig(512, 256, 2, 4, 4, 512, 64, 1e-5)
    params = decoder.unstack(decoder.init(jax.random.key(0), config))
    small = quantize(params)
    sizes = [
        sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
        for tree in (small, params)
    ]
    assert sizes[0] <= 0.28 * sizes[1]


def test_bfloat16_weights_and_cache_are_close_to_float32():
    params = decoder.unstack(decoder.init(jax.random.key(0), GQA))
    half = jax.tree.map(lambda a: a.astype(jnp.bfloat16), params)
    for small in (half, quantize(half)):
        cache = KVCache.empty(GQA, 2, 16, jnp.bfloat16, stacked=False)
        hidden, cache = forward(small, GQA, ids(2, 9), cache=cache)
        assert hidden.dtype == cache.key[0].dtype == jnp.bfloat16
        expected = forward(params, GQA, ids(2, 9))[0]
        np.testing.assert_allclose(np.asarray(hidden, np.float32), expected, atol=0.1)


@pytest.mark.parametrize("shape", [(8,), (3, 8), (2, 3, 8), (0, 8), (2, 0, 8)])
def test_a_product_has_the_batch_of_its_rows(shape):
    x, weight = np.ones(shape, np.float32), np.arange(40, dtype=np.float32).reshape(8, 5)
    found = product(jnp.asarray(x), jnp.asarray(weight))
    assert found.shape == (*shape[:-1], 5)
    np.testing.assert_allclose(found, x @ weight, rtol=1e-6)
