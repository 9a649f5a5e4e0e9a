"""Generated answers: from texts to a score."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llama_jax.evals.metrics import mean
from llama_jax.evals.protocol import Metric
from llama_jax.evals.types import Generated, Score

EXTRACTED = Metric("extracted", "An answer, right or wrong, could be extracted.")

ANSWERED = Metric("answered", "The generation is not blank.")


def answered_score(gold: Any, response: Generated) -> Score:
    """Returns the score of a Generate that a judge has yet to label: was anything said."""
    values = tuple({ANSWERED.name: float(bool(o.text.strip()))} for o in response.outputs)
    return Score(mean_of_outputs(values), gold, output_values=values)


def extracted_score(
    gold: Any,
    response: Generated,
    extract: Callable[[str], Any],
    right: Mapping[Metric, Callable[[str], bool]],
) -> Score:
    """Returns the score of a Generate: for each metric the mean over the outputs.

    Args:
        gold: what the sample file shows as the right answer.
        response: the outputs.
        extract: text to the answer in it, or None; `extracted` counts those that are not None.
        right: for each metric whether a text holds the right answer.
    """
    found, values = [], []
    for output in response.outputs:
        found.append(extract(output.text))
        one = {metric.name: float(test(output.text)) for metric, test in right.items()}
        values.append({**one, EXTRACTED.name: float(found[-1] is not None)})
    return Score(mean_of_outputs(values), gold, tuple(found), tuple(values))


def mean_of_outputs(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Returns each number's mean over the outputs of one Generate."""
    return {name: mean([value[name] for value in values]) for name in values[0]}
