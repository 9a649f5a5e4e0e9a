"""Pure: Spearman's rank correlation, the measure of word-similarity benchmarks.

    first   1  2  2  4      ranks 1, 2.5, 2.5, 4       equal values share the mean of their ranks
    second  5  6  7  8      ranks 1, 2, 3, 4           rho = Pearson's r of the ranks = 0.9487

Where all values of one side are equal there is no order to compare: rho is None, never NaN.
"""

import math
from collections.abc import Sequence

from llama_jax.evals.metrics import mean


def average_ranks(values: Sequence[float]) -> list[float]:
    """Returns the rank of each value, from 1 for the smallest; equal ones share their mean rank.

    >>> average_ranks([10, 30, 10, 20])
    [1.5, 4.0, 1.5, 3.0]

    Raises:
        ValueError: a value is NaN, which has no place in an order.
    """
    if any(math.isnan(value) for value in values):
        raise ValueError("a value is NaN; it has no rank")
    order = sorted(range(len(values)), key=lambda i: values[i])
    ranks = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin + 1
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for place in order[begin:end]:
            ranks[place] = (begin + 1 + end) / 2
        begin = end
    return ranks


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Returns Spearman's rho, or None where it is undefined: all values of one side are equal.

    Raises:
        ValueError: there are no values, not as many on both sides, or one of them is NaN.
    """
    if not first or len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} values; expected as many, at least one")
    a, b = average_ranks(first), average_ranks(second)
    centre = mean(a)  # of both: ranks add up to n (n + 1) / 2 whatever the ties
    spread_a = math.fsum((x - centre) ** 2 for x in a)
    spread_b = math.fsum((y - centre) ** 2 for y in b)
    if spread_a == 0 or spread_b == 0:
        return None
    together = math.fsum((x - centre) * (y - centre) for x, y in zip(a, b, strict=True))
    return max(-1.0, min(1.0, together / math.sqrt(spread_a * spread_b)))
