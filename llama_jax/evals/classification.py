"""Pure metrics of classification: from predicted and gold labels to numbers.

    gold  predicted: cat dog cow      precision  recall   F1
    cat               2   1   0         2/3       2/3     2/3
    dog               1   1   0         1/3       1/2     2/5
    cow               0   1   0          0         0       0        nothing was predicted a cow

Labels are any values that can be compared and hashed. A ratio whose denominator is 0 is 0, as
scikit-learn's default decides; the same holds for Matthews' coefficient. Nothing here imports jax.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from llama_jax.evals.metrics import mean

Label = Hashable
Average = Literal["micro", "macro"]


@dataclass(frozen=True)
class Rates:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float
    f1: float


def accuracy(gold: Sequence[Label], predicted: Sequence[Label]) -> float:
    """Returns the fraction of predictions that are the gold label."""
    pairs = _pairs(gold, predicted)
    return mean([float(g == p) for g, p in pairs])


def labels_of(gold: Sequence[Label], predicted: Sequence[Label]) -> tuple[Label, ...]:
    """Returns every label that occurs, in order: those over which a macro average runs."""
    return tuple(sorted({*gold, *predicted}))


def confusion(
    gold: Sequence[Label], predicted: Sequence[Label], labels: Sequence[Label]
) -> tuple[tuple[int, ...], ...]:
    """Returns counts[i][j]: examples of the gold label labels[i], predicted to be labels[j].

    Raises:
        ValueError: a label occurs that is not among `labels`.
    """
    pairs = _pairs(gold, predicted)
    if strange := sorted({*gold, *predicted} - set(labels), key=repr):
        raise ValueError(f"the labels {strange} are not among {list(labels)}")
    counts = Counter(pairs)
    return tuple(tuple(counts[g, p] for p in labels) for g in labels)


def binary_rates(gold: Sequence[Label], predicted: Sequence[Label], positive: Label) -> Rates:
    """Returns the rates of one label against all others."""
    pairs = _pairs(gold, predicted)
    return _rates(
        right=sum(g == p == positive for g, p in pairs),
        predicted=sum(p == positive for _, p in pairs),
        gold=sum(g == positive for g, _ in pairs),
    )


def average_rates(
    gold: Sequence[Label], predicted: Sequence[Label], average: Average = "macro"
) -> Rates:
    """Returns the rates over all labels that occur.

    "macro" is the plain mean of each rate over the labels (the F1 is a mean of F1s, not the F1 of
    the means); "micro" counts all labels' hits together, which is the accuracy, three times, where
    every example has one label.
    """
    if average == "micro":
        pairs = _pairs(gold, predicted)
        return _rates(sum(g == p for g, p in pairs), len(pairs), len(pairs))
    rates = [binary_rates(gold, predicted, label) for label in labels_of(gold, predicted)]
    return Rates(
        mean([rate.precision for rate in rates]),
        mean([rate.recall for rate in rates]),
        mean([rate.f1 for rate in rates]),
    )


def matthews(gold: Sequence[Label], predicted: Sequence[Label]) -> float:
    """Returns Matthews' correlation coefficient, for any number of labels (Gorodkin 2004).

    The correlation of the two labellings: 1 all right, 0 as if guessed, -1 (two labels) all wrong.
    """
    pairs = _pairs(gold, predicted)
    n, right = len(pairs), sum(g == p for g, p in pairs)
    golds, guesses = Counter(gold), Counter(predicted)
    joint = sum(golds[label] * guesses[label] for label in golds)
    spread = (n * n - sum(c * c for c in golds.values())) * (
        n * n - sum(c * c for c in guesses.values())
    )
    return (right * n - joint) / math.sqrt(spread) if spread else 0.0


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 15) -> float:
    """Returns the expected calibration error (Guo et al. 2017, equation 3).

    The bins are ((m - 1) / bins, m / bins] for m from 1, so that a confidence on a border belongs
    to the lower bin; 0 belongs to the first. In each bin |accuracy - mean confidence|; the mean
    over the bins, weighted by how many examples they hold.

        confidences 0.9 (right), 0.8 (wrong), 0.2 (wrong); 2 bins
        (0, 0.5]  |0/1 - 0.2| x 1/3     (0.5, 1]  |1/2 - 0.85| x 2/3     sum 0.3

    Raises:
        ValueError: no examples, no bins, or a confidence outside 0..1.
    """
    pairs = _pairs(confidences, right)
    if bins < 1:
        raise ValueError(f"{bins} bins; at least 1 is needed")
    held: dict[int, list[tuple[float, bool]]] = {}
    for confidence, hit in pairs:
        if not 0 <= confidence <= 1:
            raise ValueError(f"the confidence {confidence} is outside 0..1")
        held.setdefault(max(math.ceil(confidence * bins), 1), []).append((confidence, hit))
    gaps = [abs(math.fsum(float(hit) - sure for sure, hit in members)) for members in held.values()]
    return math.fsum(gaps) / len(pairs)


def softmax(logprobs: Sequence[float]) -> list[float]:
    """Returns the probabilities that log-probabilities of alternatives amount to, their sum 1.

    Raises:
        ValueError: there are none, or one is not finite.
    """
    if not logprobs or not all(math.isfinite(value) for value in logprobs):
        raise ValueError(f"no probabilities of the log-probabilities {list(logprobs)}")
    largest = max(logprobs)
    weights = [math.exp(value - largest) for value in logprobs]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _rates(right: int, predicted: int, gold: int) -> Rates:
    """From counts: labels rightly predicted, predicted, and there."""
    precision = right / predicted if predicted else 0.0
    recall = right / gold if gold else 0.0
    return Rates(precision, recall, 2 * right / (predicted + gold) if predicted + gold else 0.0)


def _pairs(first: Sequence, second: Sequence) -> list[tuple]:
    if len(first) != len(second):
        raise ValueError(f"{len(first)} against {len(second)} values; they must be pairs")
    if not first:
        raise ValueError("there are no examples")
    return list(zip(first, second, strict=True))
