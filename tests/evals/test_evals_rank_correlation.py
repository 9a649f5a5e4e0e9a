import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.evals.rank_correlation import average_ranks, spearman


def test_ties_share_the_mean_of_their_ranks():
    assert average_ranks([10, 30, 10, 20]) == [1.5, 4, 1.5, 3]
    assert average_ranks([2, 2, 2]) == [2, 2, 2]
    assert average_ranks([]) == []


def test_worked_by_hand():
    assert spearman([1, 2, 3], [10, 20, 15]) == 0.5  # 1 - 6 (0 + 1 + 1) / (3 * 8)
    assert spearman([1, 2, 3], [3, 2, 1]) == -1
    assert spearman([1, 2, 3], [1, 10, 1000]) == 1  # the order alone counts
    # Ranks 1, 2.5, 2.5, 4 and 1 to 4: 4.5 / sqrt(4.5 * 5).
    assert spearman([1, 2, 2, 4], [5, 6, 7, 8]) == pytest.approx(4.5 / math.sqrt(22.5))


@pytest.mark.parametrize("constant", [[3, 3, 3], [0.1, 0.1, 0.1]])
def test_a_constant_side_has_no_correlation(constant):
    assert spearman(constant, [1, 2, 3]) is None
    assert spearman([1, 2, 3], constant) is None
    assert spearman(constant, constant) is None
    assert spearman([1], [2]) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=2, max_size=30))
def test_as_scipy(pairs):
    from scipy import stats

    first, second = (list(side) for side in zip(*pairs, strict=True))
    assert average_ranks(first) == list(stats.rankdata(first))
    found = spearman(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)


def test_as_scipy_on_many_values():
    from scipy import stats

    draw = np.random.default_rng(0)
    first, second = draw.normal(size=500), draw.integers(0, 20, 500).astype(float)
    expected = stats.spearmanr(first, second).statistic
    assert spearman(first.tolist(), second.tolist()) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("first", "second"), [([], []), ([1], [1, 2]), ([1, math.nan], [1, 2])])
def test_what_cannot_be_ranked_is_refused(first, second):
    with pytest.raises(ValueError, match="values; expected as many|NaN"):
        spearman(first, second)
