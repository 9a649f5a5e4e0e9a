"""The decode layout: the same numbers, and the way back."""

import dataclasses

import jax
import numpy as np
import pytest

from llama_jax.config import TINY
from llama_jax.model import decoder
from llama_jax.model.layouts import stacked_arrays, unstack, unstack_and_release
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
def test_releasing_gives_the_same_layout_and_leaves_nothing_behind(name):
    params = jax.tree.map(np.asarray, decoder.init(jax.random.key(1), CONFIGS[name]))
    expected = unstack(params)
    released = unstack_and_release(params)
    assert jax.tree.structure(released) == jax.tree.structure(expected)
    for one, other in zip(jax.tree.leaves(released), jax.tree.leaves(expected), strict=True):
        assert isinstance(one, jax.Array)
        np.testing.assert_array_equal(one, other)
    assert not jax.tree.leaves(params)
