"""Classification by likelihood: from the likelihoods of the labels' words to a score.

The predicted label is the one whose word is most likely; its confidence is the word's share of the
probability of all words (softmax over their log-probabilities). Metrics of the whole task (F1,
Matthews, calibration) are computed from every example's gold and predicted label.
"""

from collections.abc import Callable, Sequence

from llama_jax.evals import classification, metrics
from llama_jax.evals.choices import ACC
from llama_jax.evals.protocol import Metric
from llama_jax.evals.types import ChosenFrom, Example, Score, Value

CONFIDENCE = "confidence"


def classification_score(gold: int, response: ChosenFrom) -> Score:
    """Returns accuracy and confidence of the most likely label; labels are indices."""
    logprobs = [likelihood.logprob for likelihood in response.given]
    predicted = metrics.choose_raw(logprobs)
    confidence = classification.softmax(logprobs)[predicted]
    values = {ACC.name: float(predicted == gold), CONFIDENCE: confidence}
    return Score(values, gold, predicted=predicted)


def f1_of(positive: int, name: str) -> Metric:
    """F1 of one label, an index; `name` is how the definition calls it."""
    return Metric(
        "f1",
        f"F1 of the label {name}: harmonic mean of its precision and recall.",
        aggregate=_over(lambda g, p: classification.binary_rates(g, p, positive).f1),
    )


def _over(measure: Callable[[Sequence[int], Sequence[int]], float]) -> Callable[..., Value]:
    """A measure of gold and predicted labels as a metric's aggregate; it has no standard error."""

    def aggregate(examples: Sequence[Example], scores: Sequence[Score]) -> Value:
        gold, predicted = [s.gold for s in scores], [s.predicted for s in scores]
        return Value(measure(gold, predicted), None)

    return aggregate


def _ece(examples: Sequence[Example], scores: Sequence[Score]) -> Value:
    sure = [score.values[CONFIDENCE] for score in scores]
    right = [score.gold == score.predicted for score in scores]
    return Value(classification.calibration_error(sure, right), None)


F1_MACRO = Metric(
    "f1_macro",
    "The plain mean of the labels' F1.",
    aggregate=_over(lambda g, p: classification.average_rates(g, p, "macro").f1),
)
MCC = Metric(
    "mcc",
    "Matthews' correlation of predicted and gold labels.",
    unit="correlation",
    aggregate=_over(classification.matthews),
)
ECE = Metric(
    "ece",
    "Expected calibration error of the confidence, 15 bins of equal width.",
    aggregate=_ece,
)
