"""Pure metrics: which answer a rule picks, and how per-example numbers become one with its error.

The five choice rules differ only in what each answer's log-probability is divided by, or lessened
by, before the largest is taken. Ties go to the first answer, as NumPy's argmax and therefore
lm-evaluation-harness decide them.

    answers                          "no"    "not at all"    "never"
    ln p(answer | context)           -2.0        -5.5          -3.0
    raw                              -2.0 *      -5.5          -3.0
    per character (2, 10, 5)         -1.0        -0.55 *       -0.6
"""

import math
from collections.abc import Sequence
from typing import Any


def choose(scores: Sequence[float]) -> int:
    """Returns the index of the largest score, the first among equals.

    Raises:
        ValueError: no scores, or one that is not a number.
    """
    if not scores or any(math.isnan(score) for score in scores):
        raise ValueError(f"cannot choose among the scores {list(scores)}")
    return max(range(len(scores)), key=lambda i: scores[i])


def choose_raw(logprobs: Sequence[float]) -> int:
    """Picks the answer of the largest ln p(answer | context): `acc` of lm-evaluation-harness."""
    return choose(logprobs)


def choose_per_character(logprobs: Sequence[float], texts: Sequence[str]) -> int:
    """Picks the largest ln p / characters of the answer, its delimiter not counted.

    Touvron et al. 2023a (LLaMA), section 3: "normalized by the number of characters in the
    completion"; `acc_norm` of lm-evaluation-harness. A character is a Unicode code point.
    """
    return choose(_divided(logprobs, [len(text) for text in texts], texts))


def choose_per_byte(logprobs: Sequence[float], texts: Sequence[str]) -> int:
    """Picks the largest ln p / UTF-8 bytes of the answer: `acc_bytes` of lm-evaluation-harness."""
    return choose(_divided(logprobs, [len(text.encode()) for text in texts], texts))


def choose_per_token(logprobs: Sequence[float], token_counts: Sequence[int]) -> int:
    """Picks the largest ln p / scored tokens (Brown et al. 2020, section 2.4, the general rule)."""
    return choose(_divided(logprobs, token_counts, token_counts))


def choose_unconditional(logprobs: Sequence[float], unconditional: Sequence[float]) -> int:
    """Picks the largest ln p(answer | context) - ln p(answer | normaliser's context).

    Brown et al. 2020 (GPT-3), section 2.4; LLaMA uses it with the context "Answer:" for BoolQ and
    OpenBookQA. `acc_mutual_info` of lm-evaluation-harness is this with an empty context.
    """
    return choose([given - without for given, without in zip(logprobs, unconditional, strict=True)])


def _divided(logprobs: Sequence[float], sizes: Sequence[int], of: Sequence[Any]) -> list[float]:
    if 0 in sizes:
        raise ValueError(f"an answer has length 0: {list(of)}")
    return [logprob / size for logprob, size in zip(logprobs, sizes, strict=True)]


def accuracy(predicted: Sequence[Any], gold: Sequence[Any]) -> float:
    """Returns the fraction of predictions that equal the gold answer at the same place."""
    return mean([float(p == g) for p, g in zip(predicted, gold, strict=True)])


def mean(values: Sequence[float]) -> float:
    """Returns the arithmetic mean, summed exactly, so that the order does not matter.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("the mean of no values is undefined")
    return math.fsum(values) / len(values)


def standard_error(values: Sequence[float]) -> float | None:
    """Returns the standard error of the mean: sample standard deviation / sqrt(n).

    The variance has n - 1 in its denominator, as in lm-evaluation-harness; one value has no
    standard error, and None says so.
    """
    if len(values) < 2:
        return None
    centre = mean(values)
    variance = math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)
    return math.sqrt(variance / len(values))
