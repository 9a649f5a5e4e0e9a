import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.data.mixture import LLAMA_1_MIX, integer_shares, turns
from llama_jax.errors import InputError


def test_weights_are_a_proportion_of_whole_numbers():
    assert integer_shares([1.0]) == (1,)
    assert integer_shares([0.5, 0.25, 0.25]) == (2, 1, 1)
    assert integer_shares([1 / 3, 2 / 3]) == (1, 2)
    assert integer_shares([3, 3]) == (1, 1)


def test_the_mixture_of_the_paper():
    assert integer_shares(list(LLAMA_1_MIX.values())) == (134, 30, 9, 9, 9, 5, 4)
    assert sum(LLAMA_1_MIX.values()) == pytest.approx(1)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_each_source_is_within_one_row_of_its_share_at_every_moment(shares):
    turn = turns(shares)
    period = sum(shares)
    places = np.arange(1, period + 1)
    for k, share in enumerate(shares):
        had = np.cumsum(turn == k)
        # Integers: |had - n * share / period| < 1.
        assert (abs(had * period - places * share) < period).all()
        assert had[-1] == share


@pytest.mark.parametrize("weights", [[], [1, 0], [1, -1], [float("nan")], [float("inf"), 1]])
def test_weights_must_be_positive(weights):
    with pytest.raises(InputError, match="all must be above 0 and finite"):
        integer_shares(weights)


def test_unwieldy_weights_are_refused():
    with pytest.raises(InputError, match="sum up to 100000; round them"):
        integer_shares([123456789, 1])
    with pytest.raises(InputError, match="round them"):
        integer_shares([2**0.5, 3**0.5])
