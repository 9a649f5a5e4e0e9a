"""Digests depend on name, dtype, shape and values, and on nothing else."""

import hashlib

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from llama_jax.weights import array_digest, params_sha256
from llama_jax.weights.tree import flatten, unflatten

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_is_the_sha256_of_dtype_shape_and_bytes():
    data = b"".join(np.float32(i).tobytes() for i in range(6))
    assert array_digest(ARRAY) == hashlib.sha256(b"float32[2,3]" + data).hexdigest()


def test_layout_in_memory_does_not_count():
    wide = np.zeros((4, 3), np.float32)
    wide[::2] = ARRAY
    same = [
        np.asfortranarray(ARRAY),
        wide[::2],
        ARRAY.astype(">f4"),
        jnp.asarray(ARRAY),
    ]
    assert {array_digest(array) for array in same} == {array_digest(ARRAY)}


def test_everything_else_counts():
    changed = ARRAY.copy()
    changed[1, 2] = np.nextafter(changed[1, 2], np.float32(9))
    different = [
        ARRAY,
        changed,
        ARRAY.T.copy(),
        ARRAY.reshape(3, 2),
        ARRAY.reshape(-1),
        ARRAY.astype(np.float16),
        ARRAY.astype(ml_dtypes.bfloat16),
        ARRAY.view(np.int32),
    ]
    assert len({array_digest(array) for array in different}) == len(different)


def test_scalars_and_empty_arrays_have_digests():
    assert array_digest(np.int32(3)) == hashlib.sha256(b"int32[]\3\0\0\0").hexdigest()
    assert array_digest(np.zeros((0, 2), np.float32)) != array_digest(np.zeros(0, np.float32))


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_params_depend_on_names_and_values_and_not_on_order(dtype):
    a, b = ARRAY.astype(dtype), (ARRAY + 1).astype(dtype)
    one = {"x": {"y": a}, "z": b}
    expected = hashlib.sha256(f"x/y {array_digest(a)}\nz {array_digest(b)}\n".encode()).hexdigest()
    assert params_sha256(one) == params_sha256({"z": b, "x": {"y": jnp.asarray(a)}}) == expected
    assert params_sha256({"x": {"y": b}, "z": a}) != expected
    assert params_sha256({"x": {"w": a}, "z": b}) != expected


def test_paths_of_trees():
    tree = {"b": {"c": 1}, "a": 2}
    assert flatten(tree) == {"a": 2, "b/c": 1}
    assert unflatten(flatten(tree)) == tree
    assert flatten({"a": (1, [2])}) == {"a/0": 1, "a/1/0": 2}
