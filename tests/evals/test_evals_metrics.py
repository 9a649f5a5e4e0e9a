import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.evals import metrics

# Five answers, and the rule that prefers each (worked by hand):
#   text           ln p   chars bytes tokens  ln p(a)   /char  /byte  /token  - ln p(a)
#   "no"           -2.0     2     2     1      -1.5     -1.00  -1.00  -2.00    -0.5   raw
#   "absolutely"   -5.0    10    10     2      -6.0     -0.50  -0.50  -2.50    +1.0   characters
#   5 x 3 bytes    -6.0     5    15     3      -7.0     -1.20  -0.40  -2.00    +1.0   bytes
#   "indeed"       -4.5     6     6     6      -5.0     -0.75  -0.75  -0.75    +0.5   tokens
#   "oui"          -3.0     3     3     1      -9.0     -1.00  -1.00  -3.00    +6.0   normaliser
TEXTS = ("no", "absolutely", "はいはいは", "indeed", "oui")
LOGPROBS = (-2.0, -5.0, -6.0, -4.5, -3.0)
TOKENS = (1, 2, 3, 6, 1)
UNCONDITIONAL = (-1.5, -6.0, -7.0, -5.0, -9.0)


def test_the_five_rules_pick_five_different_answers():
    assert metrics.choose_raw(LOGPROBS) == 0
    assert metrics.choose_per_character(LOGPROBS, TEXTS) == 1
    assert metrics.choose_per_byte(LOGPROBS, TEXTS) == 2
    assert metrics.choose_per_token(LOGPROBS, TOKENS) == 3
    assert metrics.choose_unconditional(LOGPROBS, UNCONDITIONAL) == 4


def test_the_docstrings_example():
    texts = ("no", "not at all", "never")
    assert metrics.choose_raw((-2.0, -5.5, -3.0)) == 0
    assert metrics.choose_per_character((-2.0, -5.5, -3.0), texts) == 1


def test_a_tie_goes_to_the_first():
    assert metrics.choose_raw((-3.0, -1.0, -1.0)) == 1
    assert metrics.choose_per_character((-1.0, -2.0), ("a", "bb")) == 0


@pytest.mark.parametrize("scores", [(), (float("nan"), -1.0), (-1.0, float("nan"))])
def test_nothing_to_choose_among_is_an_error(scores):
    with pytest.raises(ValueError, match="cannot choose among"):
        metrics.choose(scores)


def test_an_empty_answer_has_no_length_to_divide_by():
    with pytest.raises(ValueError, match="length 0"):
        metrics.choose_per_character((-1.0, -2.0), ("", "b"))


finite = st.floats(-100, 0, allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(finite, min_size=1, max_size=8))
def test_choose_is_numpys_argmax(scores):
    assert metrics.choose(scores) == int(np.argmax(scores))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-64, 0), min_size=1, max_size=8), st.integers(-64, 64))
def test_a_constant_does_not_change_the_raw_choice(scores, constant):
    assert metrics.choose_raw(scores) == metrics.choose_raw([s + constant for s in scores])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(finite, st.text(min_size=1, max_size=9)), min_size=1, max_size=8))
def test_ascii_characters_are_bytes(answers):
    logprobs = [logprob for logprob, _ in answers]
    texts = [text.encode("ascii", "replace").decode() for _, text in answers]
    by_character = metrics.choose_per_character(logprobs, texts)
    assert by_character == metrics.choose_per_byte(logprobs, texts)


def test_accuracy_counts_equal_places():
    assert metrics.accuracy([0, 1, 2, 3], [0, 1, 1, 3]) == 0.75


def test_standard_error_by_hand():
    # 1 1 1 0: mean 3/4, squares 3 * 1/16 + 9/16 = 3/4, variance 1/4, error sqrt(1/16)
    assert metrics.standard_error([1.0, 1.0, 1.0, 0.0]) == 0.25
    assert metrics.standard_error([1.0]) is None


def test_no_values_have_no_mean():
    with pytest.raises(ValueError, match="mean of no values"):
        metrics.mean([])


@settings(max_examples=100, deadline=None)
@given(st.lists(finite, min_size=2, max_size=50), st.randoms())
def test_mean_and_error_against_numpy_and_in_any_order(values, rng: random.Random):
    shuffled = rng.sample(values, len(values))
    assert metrics.mean(values) == metrics.mean(shuffled)
    assert metrics.standard_error(values) == metrics.standard_error(shuffled)
    assert metrics.mean(values) == pytest.approx(np.mean(np.float64(values)), abs=1e-12)
    expected = np.std(np.float64(values), ddof=1) / math.sqrt(len(values))
    assert metrics.standard_error(values) == pytest.approx(expected, rel=1e-9, abs=1e-12)
