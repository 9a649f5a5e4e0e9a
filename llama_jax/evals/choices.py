"""Multiple choice: from the likelihoods of the answers to a score."""

from llama_jax.errors import InputError
from llama_jax.evals import metrics
from llama_jax.evals.protocol import Metric
from llama_jax.evals.types import ChosenFrom, Score

ACC = Metric("acc", "The right answer has the highest log-probability.")
ACC_NORM = Metric("acc_norm", "The right answer has the highest log-probability per character.")
ACC_BYTES = Metric("acc_bytes", "The right answer has the highest log-probability per UTF-8 byte.")
ACC_TOKENS = Metric("acc_tokens", "The right answer has the highest log-probability per token.")
ACC_UNCONDITIONAL = Metric(
    "acc_unconditional",
    "The right answer gains most log-probability over the same answer without the question.",
)


def pick(metric: Metric, response: ChosenFrom) -> int:
    """Returns the index of the answer that a metric's rule picks."""
    logprobs = [likelihood.logprob for likelihood in response.given]
    tokens = [likelihood.tokens for likelihood in response.given]
    match metric.name:
        case "acc":
            return metrics.choose_raw(logprobs)
        case "acc_norm":
            return metrics.choose_per_character(logprobs, response.texts)
        case "acc_bytes":
            return metrics.choose_per_byte(logprobs, response.texts)
        case "acc_tokens":
            return metrics.choose_per_token(logprobs, tokens)
        case "acc_unconditional" if response.unconditional is not None:
            return metrics.choose_unconditional(
                logprobs, [likelihood.logprob for likelihood in response.unconditional]
            )
    raise InputError(f"metric {metric.name} cannot be computed from these answers' likelihoods")


def choice_score(gold: int, response: ChosenFrom, wanted: tuple[Metric, ...]) -> Score:
    """Returns 1 for each metric whose rule picks the answer at index `gold`, else 0."""
    return Score({metric.name: float(pick(metric, response) == gold) for metric in wanted}, gold)
