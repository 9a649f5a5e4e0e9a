"""The decode layout: the same numbers, and the way back."""

import dataclasses

import jax
import numpy as np
import pytest

from llama_jax.config import TINY
from llama_jax.model import decoder
from llama_jax.model.layouts import stacked_arrays, unstack, unstacked
from llama_jax.weights import params_sha256
from llama_jax.weights.tree import flatten

CONFIGS = {
    "gqa": dataclasses.replace(TINY, layers=2),
    "mha": dataclasses.replace(TINY, layers=3, kv_heads=4),
    "tied": dataclasses.replace(TINY, layers=1, tied_embeddings=True),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_there_and_back_is_bitwise_the_same(name):
    config = CONFIGS[name]
    params = jax.tree.map(np.asarray, decoder.init(jax.random.key(1), config))
    back = dict(stacked_arrays(unstack(params), config))
    expected = flatten(params)
    assert back.keys() == expected.keys()
    for path, array in expected.items():
        np.testing.assert_array_equal(back[path], array, err_msg=path)
    assert params_sha256(stacked_arrays(unstack(params), config)) == params_sha256(params)


@pytest.mark.parametrize("name", CONFIGS)
def test_reading_layer_by_layer_gives_the_same_layout(name):
    config = CONFIGS[name]
    params = jax.tree.map(np.asarray, decoder.init(jax.random.key(1), config))
    arrays = flatten(params)

    def reader(path):
        return lambda layer: arrays[path] if layer is None else arrays[path][layer]

    one, other = unstacked(reader, config), unstack(params)
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for array, expected in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert isinstance(array, jax.Array)
        np.testing.assert_array_equal(array, expected)
