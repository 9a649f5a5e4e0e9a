"""Classification metrics: worked by hand, and against an independent float64 computation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_jax.evals.classification import (
    Rates,
    accuracy,
    average_rates,
    binary_rates,
    calibration_error,
    confusion,
    labels_of,
    matthews,
    softmax,
)
from llama_jax.evals.classified import ECE, F1_MACRO, MCC, classification_score, f1_of
from llama_jax.evals.samples import response_of, sample
from llama_jax.evals.types import ChosenFrom, Example, Likelihood, shared_context

GOLD = ["cat", "cat", "cat", "dog", "dog", "cow"]
PREDICTED = ["cat", "cat", "dog", "cat", "dog", "dog"]


def test_the_table_of_the_docstring():
    """cat 2 of 3 predicted and of 3 gold; dog 1 of 3 predicted, of 2 gold; cow never predicted."""
    labels = ("cat", "dog", "cow")
    assert confusion(GOLD, PREDICTED, labels) == ((2, 1, 0), (1, 1, 0), (0, 1, 0))
    assert labels_of(GOLD, PREDICTED) == ("cat", "cow", "dog")
    assert accuracy(GOLD, PREDICTED) == 0.5
    assert binary_rates(GOLD, PREDICTED, "cat") == Rates(2 / 3, 2 / 3, 2 / 3)
    assert binary_rates(GOLD, PREDICTED, "dog") == Rates(1 / 3, 1 / 2, 2 / 5)
    assert binary_rates(GOLD, PREDICTED, "cow") == Rates(0, 0, 0)
    macro = average_rates(GOLD, PREDICTED, "macro")
    assert macro.precision == pytest.approx(1 / 3)
    assert macro.recall == pytest.approx(7 / 18)
    assert macro.f1 == pytest.approx(16 / 45)
    assert average_rates(GOLD, PREDICTED, "micro") == Rates(0.5, 0.5, 0.5)


def test_matthews_of_two_labels():
    """TP 3, TN 2, FP 1, FN 2: (3 x 2 - 1 x 2) / sqrt(4 x 5 x 3 x 4) = 4 / sqrt(240)."""
    gold = [1, 1, 1, 1, 1, 0, 0, 0]
    predicted = [1, 1, 1, 0, 0, 0, 0, 1]
    assert matthews(gold, predicted) == pytest.approx(4 / math.sqrt(240))
    assert matthews(gold, gold) == 1
    assert matthews(gold, [1 - g for g in gold]) == -1
    assert matthews(gold, [1] * 8) == 0  # one label only says nothing


def test_matthews_of_three_labels():
    """n 6, right 3, sum of products 3x3 + 2x3 + 1x0 = 15: (18 - 15) / sqrt((36-14) (36-18))."""
    assert matthews(GOLD, PREDICTED) == pytest.approx(3 / math.sqrt(22 * 18))


def test_calibration_error_by_hand():
    assert calibration_error([0.9, 0.8, 0.2], [True, False, False], bins=2) == pytest.approx(0.3)
    assert calibration_error([0.5], [True], bins=2) == 0.5
    # 0.5 lies in the lower bin, with 0.1: |0.5 - 0.3|; in the upper one with 0.9 it were another.
    assert calibration_error([0.1, 0.5], [False, True], bins=2) == pytest.approx(0.2)
    assert calibration_error([0.0, 1.0], [False, True]) == 0
    assert calibration_error([1.0, 1.0], [False, False]) == 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: accuracy([], []), "there are no examples"),
        (lambda: matthews([1], [1, 2]), "1 against 2 values; they must be pairs"),
        (lambda: confusion(["a"], ["b"], ["a"]), r"the labels \['b'\] are not among \['a'\]"),
        (lambda: calibration_error([1.2], [True]), r"the confidence 1\.2 is outside 0\.\.1"),
        (lambda: calibration_error([0.2], [True], bins=0), "0 bins; at least 1 is needed"),
        (lambda: softmax([]), "no probabilities of"),
        (lambda: softmax([0.0, -math.inf]), "no probabilities of"),
    ],
)
def test_what_cannot_be_computed(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def numpy_rates(gold, predicted, label):
    """Precision, recall, F1 from boolean arrays, F1 as the harmonic mean."""
    g, p = np.asarray(gold) == label, np.asarray(predicted) == label
    hits = np.float64(np.count_nonzero(g & p))
    precision = hits / p.sum() if p.any() else np.float64(0)
    recall = hits / g.sum() if g.any() else np.float64(0)
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else np.float64(0)


def numpy_matthews(gold, predicted):
    """The correlation of the one-hot matrices: cov(X, Y) / sqrt(cov(X, X) cov(Y, Y))."""
    labels = sorted({*gold, *predicted})
    x, y = (np.asarray(v)[:, None] == np.asarray(labels) for v in (gold, predicted))
    x, y = (m.astype(np.float64) - m.mean(axis=0) for m in (x, y))
    scale = math.sqrt((x * x).sum() * (y * y).sum())
    return float((x * y).sum() / scale) if scale > 1e-12 else 0.0


def numpy_ece(confidences, right, bins):
    sure, hit = np.asarray(confidences, np.float64), np.asarray(right, np.float64)
    edges = np.arange(bins + 1) / bins
    total = 0.0
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = (sure > low) & (sure <= high) | ((sure == 0) & (low == 0))
        if inside.any():
            total += inside.mean() * abs(hit[inside].mean() - sure[inside].mean())
    return total


PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(PAIRS)
def test_rates_and_matthews_against_numpy(pairs):
    gold, predicted = (list(side) for side in zip(*pairs, strict=True))
    labels = labels_of(gold, predicted)
    theirs = np.array([numpy_rates(gold, predicted, label) for label in labels])
    ours = [binary_rates(gold, predicted, label) for label in labels]
    assert np.allclose([(r.precision, r.recall, r.f1) for r in ours], theirs, atol=1e-12)
    macro = average_rates(gold, predicted, "macro")
    assert np.allclose((macro.precision, macro.recall, macro.f1), theirs.mean(axis=0), atol=1e-12)
    assert average_rates(gold, predicted, "micro").f1 == accuracy(gold, predicted)
    assert matthews(gold, predicted) == pytest.approx(numpy_matthews(gold, predicted), abs=1e-9)
    table = np.array(confusion(gold, predicted, labels))
    assert table.sum() == len(pairs)
    assert np.trace(table) / len(pairs) == accuracy(gold, predicted)


@given(
    # Sixteenths are exact, so that both sides agree on which side of a border they lie.
    st.lists(st.tuples(st.integers(0, 16), st.booleans()), min_size=1, max_size=40),
    st.sampled_from([1, 2, 4, 8, 16]),
)
def test_calibration_error_against_numpy(pairs, bins):
    sure, right = [x / 16 for x, _ in pairs], [hit for _, hit in pairs]
    assert calibration_error(sure, right, bins) == pytest.approx(
        numpy_ece(sure, right, bins), abs=1e-12
    )


@given(st.lists(st.floats(-800, 0), min_size=1, max_size=6))
def test_softmax_against_numpy(logprobs):
    values = np.asarray(logprobs, np.float64)
    theirs = np.exp(values - np.logaddexp.reduce(values))
    assert np.allclose(softmax(logprobs), theirs, rtol=1e-9, atol=1e-300)


def response(*logprobs: float) -> ChosenFrom:
    texts = tuple("abc"[: len(logprobs)])
    return ChosenFrom(texts, tuple(Likelihood(x, 1, False) for x in logprobs))


def test_score_and_metrics_of_a_task():
    """Probabilities 3/4, 1/4 (right), 1/5, 4/5 (right), 3/4, 1/4 (wrong)."""
    shares = [(0.75, 0.25), (0.2, 0.8), (0.75, 0.25)]
    # A constant in front of both answers' probabilities changes nothing.
    scores = [
        classification_score(gold, response(math.log(a) - 7, math.log(b) - 7))
        for gold, (a, b) in zip((0, 1, 1), shares, strict=True)
    ]
    assert [s.predicted for s in scores] == [0, 1, 0]
    assert [s.values["confidence"] for s in scores] == pytest.approx([0.75, 0.8, 0.75])
    examples = [Example(str(i), {}) for i in range(3)]
    assert f1_of(1, "yes").of(examples, scores).value == pytest.approx(2 / 3)
    assert F1_MACRO.of(examples, scores).value == pytest.approx(2 / 3)
    assert MCC.of(examples, scores).value == pytest.approx(0.5)
    # (11/15, 12/15] holds all three: |2 right - 2.3| / 3; 0.8 * 15 is 12.
    assert ECE.of(examples, scores).value == pytest.approx(0.1)


def test_the_sample_line_shows_what_was_predicted():
    answer = response(-2.0, -1.0)
    score = classification_score(0, answer)
    line = sample(Example("7", {}), shared_context("c", ["a", "b"]), answer, score)
    assert (line["gold"], line["predicted"], line["scores"]["acc"]) == (0, 1, 0)
    assert response_of(line) == answer
