"""Row orders and axes, against hand-written ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import weight_files

from llama_jax.weights.layout import (
    from_stored,
    interleaved_to_split_half,
    split_half_to_interleaved,
    stored_shape,
)


def test_rows_of_two_heads_of_size_eight():
    rows = np.arange(16)[:, None] * np.ones(3)
    found = interleaved_to_split_half(rows, 2)
    assert found[:, 1].tolist() == [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15]


@given(heads=st.integers(1, 4), half=st.integers(1, 4), columns=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_inverses_of_each_other_and_of_a_row_by_row_writer(heads, half, columns):
    rows = heads * half * 2
    matrix = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    there = split_half_to_interleaved(matrix, heads)
    np.testing.assert_array_equal(there, weight_files.interleaved(matrix, heads))
    np.testing.assert_array_equal(interleaved_to_split_half(there, heads), matrix)


def test_rotation_is_the_same_in_both_orders():
    """Rotating pairs of interleaved rows is rotating halves of the permuted ones."""
    angles, size = np.array([0.3, 1.1, 2.0]), 6
    matrix = np.random.default_rng(0).standard_normal((size, 5))
    turned = np.empty_like(matrix)
    for i, angle in enumerate(angles):
        a, b = matrix[2 * i], matrix[2 * i + 1]
        turned[2 * i] = a * np.cos(angle) - b * np.sin(angle)
        turned[2 * i + 1] = a * np.sin(angle) + b * np.cos(angle)
    split = interleaved_to_split_half(matrix, 1)
    first, second = split[:3], split[3:]
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    halves = np.concatenate([first * cos - second * sin, first * sin + second * cos])
    np.testing.assert_allclose(halves, interleaved_to_split_half(turned, 1), atol=1e-12)


@pytest.mark.parametrize(
    ("path", "shape", "stored"),
    [
        ("layers/attention/query", (10, 4, 6), (24, 10)),
        ("layers/attention/output", (4, 6, 10), (10, 24)),
        ("layers/feed_forward/down", (7, 10), (10, 7)),
        ("output", (10, 30), (30, 10)),
        ("embedding", (30, 10), (30, 10)),
        ("layers/attention_norm/scale", (10,), (10,)),
    ],
)
def test_shapes(path, shape, stored):
    assert stored_shape(path, shape) == stored
    array = np.arange(np.prod(stored)).reshape(stored)
    found = from_stored(path, array, shape)
    assert found.shape == shape and np.shares_memory(found, array)


def test_axes_compute_the_same_product():
    """x @ W.T, as a linear layer of the file, is our einsum."""
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal(10), rng.standard_normal((24, 10))
    query = from_stored("layers/attention/query", weight, (10, 4, 6))
    np.testing.assert_allclose(np.einsum("D,DNH->NH", x, query).ravel(), weight @ x)
    y, weight = rng.standard_normal((4, 6)), rng.standard_normal((10, 24))
    output = from_stored("layers/attention/output", weight, (4, 6, 10))
    np.testing.assert_allclose(np.einsum("NH,NHD->D", y, output), weight @ y.ravel())
