import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.data.shuffle import derived_seed, mix, shuffled


def test_mix_is_splitmix64():
    """The first outputs of the published generator with seed 1234567."""
    states = np.uint64(1234567) + np.arange(3, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert mix(states).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
def test_every_number_comes_once(count, seed):
    assert sorted(shuffled(np.arange(count), count, seed)) == list(range(count))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2**40), st.integers(0, 2**64 - 1), st.data())
def test_a_place_alone_is_as_in_any_company(count, seed, data):
    places = np.array(data.draw(st.lists(st.integers(0, count - 1), max_size=9)), np.int64)
    together = shuffled(places, count, seed)
    alone = [int(shuffled(places[i : i + 1], count, seed)[0]) for i in range(len(places))]
    assert together.tolist() == alone
    assert ((together >= 0) & (together < count)).all()
    assert len(set(alone)) == len(set(places.tolist()))


def test_the_order_is_fixed_for_good():
    """A changed order would break the resumption of every run: these values may never change."""
    assert shuffled(np.arange(8), 8, 0).tolist() == ORDER_8_0
    assert shuffled(np.arange(3), 10**9, 2**64 - 1).tolist() == ORDER_BILLION
    assert derived_seed(0, "rows", "text", 1) == SEED


ORDER_8_0 = [0, 1, 2, 3, 4, 6, 5, 7]
ORDER_BILLION = [551111046, 816965411, 220440329]
SEED = 15571497820814947499


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_orders_look_uniform(count):
    """Each number stands in each place equally often: chi-square over 2000 orders."""
    counts = np.zeros((count, count))
    for seed in range(2000):
        counts[np.arange(count), shuffled(np.arange(count), count, derived_seed(seed))] += 1
    statistic = ((counts - 2000 / count) ** 2 / (2000 / count)).sum()
    quantile = {2: 10.83, 3: 18.47, 5: 39.25, 8: 85.35}[count]  # 99.9 %, (count - 1)**2 degrees
    assert statistic < quantile


def test_neighbours_are_torn_apart():
    """The correlation of place and number, and of neighbours' numbers, is that of chance."""
    count = 20_000
    order = shuffled(np.arange(count), count, 5)
    for lag, other in ((0, np.arange(count)), (1, order)):
        first, second = order[: count - lag], other[lag:]
        assert abs(np.corrcoef(first, second)[0, 1]) < 4 / count**0.5
    assert abs(np.diff(order)).mean() == pytest.approx(count / 3, rel=0.03)


def test_what_is_out_of_range_is_refused():
    for places, count, seed in (([4], 4, 0), ([-1], 4, 0), ([0], 0, 0), ([0], 4, -1)):
        with pytest.raises(ValueError, match="seed|places"):
            shuffled(np.array(places), count, seed)
