import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.data.batches import batch_at, padded_batches, permutation, row_indices
from llama_jax.data.packing import pack
from llama_jax.errors import InputError

many = settings(max_examples=60, deadline=None)


def some_rows(count, length=3):
    return pack([np.arange(1, count * length + 1, dtype=np.int32)], length)


@many
@given(st.integers(1, 20), st.integers(1, 7), st.integers(0, 2**64 - 1))
def test_every_row_comes_once_per_epoch(count, batch_size, seed):
    steps = -(-3 * count // batch_size)
    visited = np.concatenate([row_indices(count, seed, t, batch_size) for t in range(steps)])
    for epoch in range(3):
        assert sorted(visited[epoch * count : (epoch + 1) * count]) == list(range(count))


@many
@given(st.integers(1, 20), st.integers(1, 6), st.integers(0, 50), st.integers(1, 4))
def test_the_order_does_not_depend_on_how_it_is_cut_into_batches(count, size, step, parts):
    """A batch of parts * size rows is `parts` batches of `size` rows: hosts may share it out."""
    whole = row_indices(count, 7, step, size * parts)
    pieces = [row_indices(count, 7, step * parts + p, size) for p in range(parts)]
    assert whole.tolist() == np.concatenate(pieces).tolist()


def test_the_order_is_fixed_for_good():
    """A changed order would break the resumption of every run: these values may never change."""
    assert permutation(8, 0, 0).tolist() == PERMUTATION_8_0_0
    assert permutation(8, 0, 1).tolist() == PERMUTATION_8_0_1
    assert permutation(8, 1, 0).tolist() == PERMUTATION_8_1_0


PERMUTATION_8_0_0 = [0, 2, 1, 5, 4, 3, 6, 7]
PERMUTATION_8_0_1 = [5, 3, 7, 2, 4, 1, 0, 6]
PERMUTATION_8_1_0 = [3, 5, 2, 7, 0, 6, 1, 4]


def test_permutations_look_uniform():
    """Each row stands in each place equally often: chi-square over 2000 permutations of 5."""
    counts = np.zeros((5, 5))
    for seed in range(2000):
        counts[np.arange(5), permutation(5, seed, 3)] += 1
    statistic = ((counts - 400) ** 2 / 400).sum()
    assert statistic < 39.25  # 99.9 % quantile of chi-square with 16 degrees of freedom


def test_a_batch_holds_whole_rows():
    rows = some_rows(5)
    batch = batch_at(rows, seed=3, step=2, batch_size=4)
    index = row_indices(5, 3, 2, 4)
    for array, source in zip(batch, rows, strict=True):
        assert array.shape == (4, 3)
        assert array.tolist() == source[index].tolist()


@many
@given(st.integers(1, 9), st.integers(1, 5))
def test_padded_batches_hold_every_row_once(count, size):
    rows = some_rows(count)
    batches = padded_batches(rows, size)
    assert {batch.tokens.shape for batch in batches} == {(size, 3)}
    for field in rows._fields:
        joined = np.concatenate([getattr(batch, field) for batch in batches])
        assert joined[:count].tolist() == getattr(rows, field).tolist()
        assert not joined[count:].any()


def test_mistakes_are_named():
    with pytest.raises(InputError, match="no rows"):
        row_indices(0, 0, 0, 1)
    with pytest.raises(InputError, match="batch 0 of 0 rows with seed 0"):
        row_indices(4, 0, 0, 0)
    with pytest.raises(InputError, match="with seed -1: .* the seed from 0 to"):
        row_indices(4, -1, 0, 2)
