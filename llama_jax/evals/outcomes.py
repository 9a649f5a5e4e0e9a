r"""Pure: from verdicts on programs, reached elsewhere, to pass@k.

Nothing here runs a program. Of n samples of a problem c passed its tests; pass@k estimates how
often at least one of k samples passes (Chen et al. 2021, "Evaluating Large Language Models Trained
on Code", section 2.1, an estimate without bias):

    pass@k = 1 - C(n - c, k) / C(n, k)
    n 5, c 2:  pass@1 0.4,  pass@2 1 - 3/10 = 0.7,  pass@4 1 (only 3 failed)
"""

import math
from collections.abc import Callable, Sequence

from llama_jax.errors import InputError
from llama_jax.evals.metrics import mean, standard_error
from llama_jax.evals.protocol import Metric, OutcomeRule
from llama_jax.evals.types import Example, Score, Value

PASSED = "passed"  # the verdict on one sample, in Score.output_values


def pass_at_k(n: int, c: int, k: int) -> float:
    """Returns the estimate of pass@k from `c` of `n` samples that passed.

    Raises:
        ValueError: `c` is not from 0 to `n`, or `k` not from 1 to `n`.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} of {c} of {n} samples is undefined")
    every = math.comb(n, k)
    return (every - math.comb(n - c, k)) / every


def outcome_rule(ks: Sequence[int]) -> OutcomeRule:
    """Returns the rule that reports pass@k for each of `ks` for which there are enough samples."""

    def score(example: Example, verdicts: Sequence[bool]) -> Score:
        n = len(verdicts)
        if n == 0:
            raise InputError(f"example {example.id} has no verdict")
        values = {name(k): pass_at_k(n, sum(verdicts), k) for k in ks if k <= n}
        one_by_one = tuple({PASSED: float(verdict)} for verdict in verdicts)
        return Score(values, output_values=one_by_one)

    return OutcomeRule(tuple(_metric(k) for k in ks), score)


def name(k: int) -> str:
    """The name of the metric.

    >>> name(10)
    'pass@10'
    """
    return f"pass@{k}"


def _metric(k: int) -> Metric:
    some = (
        "A sample passes the tests" if k == 1 else f"At least one of {k} samples passes the tests"
    )
    return Metric(name(k), f"{some}, estimated without bias.", aggregate=_over_problems(k))


def _over_problems(k: int) -> Callable[[Sequence[Example], Sequence[Score]], Value | None]:
    """The mean over the problems; None where no problem has k samples."""

    def aggregate(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
        pairs = list(zip(examples, scores, strict=True))
        values = [score.values[name(k)] for score in scores if name(k) in score.values]
        if not values:
            return None
        if len(values) < len(pairs):
            short = next(e.id for e, score in pairs if name(k) not in score.values)
            raise InputError(
                f"pass@{k}: {len(values)} of {len(pairs)} problems have {k} samples, {short} has "
                "fewer; give every problem as many"
            )
        return Value(mean(values), standard_error(values))

    return aggregate
