"""An n-gram model with modified Kneser-Ney smoothing: what a language model must beat.

S. F. Chen and J. Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling",
1998, section 3: interpolated; three discounts per order, from counts of counts; the highest counts
occurrences, the lower orders distinct preceding tokens; the lowest is mixed with 1 / V.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64, Integer


def kneser_ney_bits(
    train: Integer[np.ndarray, "n"],
    test: Integer[np.ndarray, "m"],
    vocab_size: int,
    order: int = 5,
) -> Float64[np.ndarray, "m"]:
    """Minus the base-2 log-probability of every token of `test`, by the n-grams of `train`.

    Args:
        train: token ids, one text behind the other.
        test: token ids; the first ones see the end of `train` as their context.
        vocab_size: V.
        order: tokens of the longest n-gram, the predicted one included.
    """
    ids = np.concatenate([train, test]).astype(np.int64)
    codes = ngram_codes(ids, vocab_size, order)
    tested = np.arange(len(train), len(ids))
    probability = np.full(len(test), 1.0 / vocab_size)
    for n in range(1, order + 1):
        counts = _counts(codes, n, order, len(train))
        context = codes[n - 1][tested - 1]
        probability = _interpolated(counts, codes[n][tested], context, probability)
    return -np.log2(probability)


def ngram_codes(
    ids: Int64[np.ndarray, "n"], vocab_size: int, order: int
) -> list[Int64[np.ndarray, "n"]]:
    """For each length up to `order`, a number per position that names the n-gram ending there.

    Equal numbers say equal n-grams. Those that would begin before the first id are -1.
    """
    codes = [np.zeros(len(ids), np.int64), ids]
    for n in range(2, order + 1):
        code = np.full(len(ids), -1, np.int64)
        pairs = codes[n - 1][n - 2 : -1] * vocab_size + ids[n - 1 :]
        code[n - 1 :] = np.unique(pairs, return_inverse=True)[1]
        codes.append(code)
    return codes[: order + 1]


class _Counts(NamedTuple):
    """Of the n-grams of one order: counts, by code, and what their contexts sum up to."""

    grams: Int64[np.ndarray, "codes"]
    totals: Int64[np.ndarray, "contexts"]
    followed: tuple[Int64[np.ndarray, "contexts"], ...]  # by how many w with count 1, 2, 3 or more
    discounts: tuple[float, float, float]


def _counts(codes: list[np.ndarray], n: int, order: int, size: int) -> _Counts:
    """Counts of order n over the first `size` positions."""
    code, context = codes[n][:size], np.concatenate([[0], codes[n - 1][: size - 1]])
    contexts = int(codes[n - 1].max()) + 1
    # One position for each distinct n-gram: there its context is found.
    places = _one_of_each(code)
    if n == order:
        grams = np.bincount(code[code >= 0], minlength=int(codes[n].max()) + 1)
    else:
        longer = _one_of_each(codes[n + 1][:size])
        grams = np.bincount(code[longer], minlength=int(codes[n].max()) + 1)
        places = places[grams[code[places]] > 0]
    of_place, count = context[places], grams[code[places]]
    totals = np.bincount(of_place, count, contexts).astype(np.int64)
    classes = (count == 1, count == 2, count >= 3)
    followed = tuple(np.bincount(of_place[c], minlength=contexts) for c in classes)
    return _Counts(grams, totals, followed, _discounts(count))


def _one_of_each(code: np.ndarray) -> np.ndarray:
    """Positions of the first n-gram of each kind."""
    found, places = np.unique(code, return_index=True)
    return places[found >= 0]


def _discounts(count: np.ndarray) -> tuple[float, float, float]:
    """D1, D2 and D3+ of Chen and Goodman's equation 26, at most what there is to take away."""
    n1, n2, n3, n4 = (int(np.sum(count == k)) for k in (1, 2, 3, 4))
    if not (n1 and n2 and n3):  # too little text to estimate them
        return 0.5, 0.5, 0.5
    y = n1 / (n1 + 2 * n2)
    estimates = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return tuple(min(max(d, 0.1), k) for k, d in enumerate(estimates, start=1))


def _interpolated(
    counts: _Counts, code: np.ndarray, context: np.ndarray, lower: np.ndarray
) -> np.ndarray:
    known = (context >= 0) & (counts.totals[context] > 0)
    total = np.where(known, counts.totals[context], 1)
    count = np.where(code >= 0, counts.grams[code], 0)
    discount = np.array([0.0, *counts.discounts])[np.minimum(count, 3)]
    left = sum(d * f[context] for d, f in zip(counts.discounts, counts.followed, strict=True))
    mixed = (count - discount) / total + left / total * lower
    return np.where(known, mixed, lower)
