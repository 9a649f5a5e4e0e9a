"""pass@k by hand, and verdicts to metrics."""

import math
import re

import pytest

from llama_jax.errors import InputError
from llama_jax.evals.outcomes import outcome_rule, pass_at_k
from llama_jax.evals.types import Example


@pytest.mark.parametrize(
    ("n", "c", "k", "value"),
    [
        (5, 2, 1, 0.4),
        (5, 2, 2, 0.7),  # 3 of the 10 pairs hold no sample that passed
        (5, 2, 4, 1.0),  # only three failed
        (5, 0, 5, 0.0),
        (1, 1, 1, 1.0),
        (10, 3, 3, 1 - 35 / 120),
    ],
)
def test_pass_at_k_by_hand(n, c, k, value):
    assert pass_at_k(n, c, k) == pytest.approx(value, abs=1e-15)


def test_large_counts_neither_overflow_nor_drift():
    """As the product of Chen et al. 2021, Figure 3, which has no large numbers."""
    product = 1 - math.prod(1 - 100 / i for i in range(200 - 7 + 1, 201))
    assert pass_at_k(200, 7, 100) == pytest.approx(product, rel=1e-12)


@pytest.mark.parametrize(("n", "c", "k"), [(5, 6, 1), (5, -1, 1), (5, 2, 6), (5, 2, 0), (0, 0, 1)])
def test_what_is_undefined_is_refused(n, c, k):
    with pytest.raises(ValueError, match=re.escape(f"pass@{k} of {c} of {n} samples")):
        pass_at_k(n, c, k)


def test_verdicts_become_metrics():
    rule = outcome_rule((1, 2, 3))
    examples = [Example("a", {}), Example("b", {})]
    verdicts = [[True, False], [False, False]]
    scores = [rule.score(e, v) for e, v in zip(examples, verdicts, strict=True)]
    assert scores[0].values == {"pass@1": 0.5, "pass@2": 1.0}
    assert scores[0].output_values == ({"passed": 1.0}, {"passed": 0.0})
    values = {metric.name: metric.of(examples, scores) for metric in rule.metrics}
    assert (values["pass@1"].value, values["pass@2"].value) == (0.25, 0.5)
    assert values["pass@1"].stderr == pytest.approx(0.25)
    assert values["pass@3"] is None


def test_uneven_numbers_of_samples_are_refused():
    rule = outcome_rule((1, 2))
    examples = [Example("a", {}), Example("b", {})]
    scores = [rule.score(examples[0], [True, True]), rule.score(examples[1], [True])]
    with pytest.raises(InputError, match=r"pass@2: 1 of 2 problems have 2 samples, b has fewer"):
        rule.metrics[1].of(examples, scores)
    with pytest.raises(InputError, match="example a has no verdict"):
        rule.score(examples[0], [])
