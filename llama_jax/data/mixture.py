"""Which source each row of a run comes from: weights, kept to within one row at every moment."""

import heapq
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Int64

from llama_jax.errors import InputError

# Sampling proportions of the pre-training data, Table 1 of "LLaMA: Open and Efficient Foundation
# Language Models" (arXiv 2302.13971).
LLAMA_1_MIX = {
    "CommonCrawl": 0.67,
    "C4": 0.15,
    "GitHub": 0.045,
    "Wikipedia": 0.045,
    "Books": 0.045,
    "ArXiv": 0.025,
    "StackExchange": 0.02,
}
_LONGEST_PERIOD = 100_000


def integer_shares(weights: Sequence[float]) -> tuple[int, ...]:
    """The smallest whole numbers in the proportion of `weights`.

    >>> integer_shares([0.67, 0.15, 0.18])
    (67, 15, 18)

    Raises:
        InputError: a weight that is not positive and finite, or a proportion of too large numbers.
    """
    if not weights or not all(math.isfinite(w) and w > 0 for w in weights):
        raise InputError(f"mixture weights {list(weights)}: all must be above 0 and finite")
    exact = [Fraction(w).limit_denominator(_LONGEST_PERIOD) for w in weights]
    common = math.lcm(*(share.denominator for share in exact))
    shares = [int(share * common) for share in exact]
    divisor = math.gcd(*shares)
    shares = [share // divisor for share in shares]
    close = all(abs(float(e) - w) <= 1e-9 * w for e, w in zip(exact, weights, strict=True))
    if not close or sum(shares) > _LONGEST_PERIOD:
        raise InputError(
            f"mixture weights {list(weights)}: not a proportion of whole numbers with a sum up to "
            f"{_LONGEST_PERIOD}; round them"
        )
    return tuple(shares)


def turns(shares: Sequence[int]) -> Int64[np.ndarray, "_"]:
    """Which source has its turn at each place of a period of sum(shares) places.

    After any n places, source k had less than one turn more or less than n * shares[k] / period:
    its j-th turn falls into its own window of that length, and of the sources whose window is open
    the one that closes first is taken (earliest deadline first, which never misses a window).
    """
    period = sum(shares)
    result = np.empty(period, np.int64)
    # (place at which the window opens or closes, source); window j of source k is
    # [floor(j * period / share), ceil((j + 1) * period / share)).
    closed = [(0, k) for k in range(len(shares))]
    open_: list[tuple[int, int]] = []
    taken = [0] * len(shares)
    for place in range(period):
        while closed and closed[0][0] <= place:
            _, k = heapq.heappop(closed)
            heapq.heappush(open_, (-(-(taken[k] + 1) * period // shares[k]), k))
        _, k = heapq.heappop(open_)
        result[place] = k
        taken[k] += 1
        heapq.heappush(closed, (taken[k] * period // shares[k], k))
    return result
