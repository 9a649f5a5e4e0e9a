"""What flows through an evaluation. Imports no jax.

    raw file --read--> Example --prompt--> Request --plan, engine--> Response --score--> Score
        --aggregate--> Value

There are four kinds of request, and a benchmark (`protocol.py`) is a choice among them, with its
prompts and its rule for turning a response into a score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Example:
    """One question.

    Attributes:
        id: its id in the raw file, or its 0-based row as text where the file has none.
        row: its fields, as the benchmark's `read` left them.
        subtask: the part of the task that it belongs to (an MMLU subject), or "".
    """

    id: str
    row: Mapping[str, Any]
    subtask: str = ""


# ---- requests ----


@dataclass(frozen=True)
class Loglikelihood:
    """Asks for ln p(continuation | context); an empty context is the beginning of a text."""

    context: str
    continuation: str


@dataclass(frozen=True)
class Rolling:
    """Asks for ln p(text), every token of it, in windows.

    Attributes:
        text: the text.
        window: longest sequence of inputs, in tokens; None for the model's context.
        stride: tokens newly scored by each window after the first; None for all of a window, so
            that windows do not overlap (the last one is extended to the left).
        second_bos: begin with two BOS and score the second one too, as lm-evaluation-harness does
            where the tokenizer itself adds BOS (Llama's does).
    """

    text: str
    window: int | None = None
    stride: int | None = None
    second_bos: bool = False


@dataclass(frozen=True)
class Generate:
    """Asks for `samples` continuations of a prompt; temperature 0 is greedy."""

    prompt: str
    max_new_tokens: int
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    samples: int = 1


@dataclass(frozen=True)
class Choice:
    """One answer of several.

    Attributes:
        text: the answer without delimiter; its characters and bytes are what normalisation counts.
        given: the log-likelihood that stands for it.
        unconditional: the log-likelihood of the same continuation after a context that says nothing
            of the question, where the protocol divides by that probability.
    """

    text: str
    given: Loglikelihood
    unconditional: Loglikelihood | None = None


@dataclass(frozen=True)
class Choices:
    """Asks for the log-likelihood of every answer."""

    choices: tuple[Choice, ...]


Request = Loglikelihood | Rolling | Generate | Choices


def shared_context(
    context: str, texts: Sequence[str], *, delimiter: str = " ", unconditional: str | None = None
) -> Choices:
    """Several answers to one context, each asked for as delimiter + text.

    Args:
        context: what precedes the answers.
        texts: the answers.
        delimiter: put between the context and an answer.
        unconditional: the context of the normaliser, such as "Answer:"; None for no normaliser.
    """
    return Choices(
        tuple(
            Choice(
                text,
                Loglikelihood(context, delimiter + text),
                None if unconditional is None else Loglikelihood(unconditional, delimiter + text),
            )
            for text in texts
        )
    )


def shared_continuation(
    contexts: Sequence[str], continuation: str, texts: Sequence[str]
) -> Choices:
    """Several contexts, one for each answer in `texts`, before one continuation (WinoGrande)."""
    return Choices(
        tuple(
            Choice(text, Loglikelihood(context, continuation))
            for context, text in zip(contexts, texts, strict=True)
        )
    )


# ---- responses ----


@dataclass(frozen=True)
class Likelihood:
    """Answer to Loglikelihood and Rolling: the sum over tokens, natural logarithm.

    Attributes:
        logprob: sum of the log-probabilities, rounded to float32.
        tokens: how many tokens were scored.
        greedy: whether every one of them was the most likely.
    """

    logprob: float
    tokens: int
    greedy: bool


@dataclass(frozen=True)
class Output:
    """One continuation: its text, cut before the stop string, and why it ended."""

    text: str
    stop_reason: str


@dataclass(frozen=True)
class Generated:
    """Answer to Generate: one output for each sample."""

    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class ChosenFrom:
    """Answer to Choices: for each answer its text and its likelihoods."""

    texts: tuple[str, ...]
    given: tuple[Likelihood, ...]
    unconditional: tuple[Likelihood, ...] | None = None


Response = Likelihood | Generated | ChosenFrom


# ---- scores ----


@dataclass(frozen=True)
class Score:
    """What one example contributes.

    Attributes:
        values: name to number; the aggregates are computed from these.
        gold: the right answer as the sample file shows it (an index, a text, a list of texts).
        extracted: for each output of a Generate, the answer found in it (None: none found).
        output_values: for each output of a Generate, its own numbers.
    """

    values: Mapping[str, float]
    gold: Any = None
    extracted: tuple[Any, ...] = ()
    output_values: tuple[Mapping[str, float], ...] = ()


@dataclass(frozen=True)
class Value:
    """An aggregate and its standard error (None where there is none)."""

    value: float
    stderr: float | None


@dataclass(frozen=True)
class ModelInfo:
    """The model under evaluation, as results name it.

    Attributes:
        path: where it was loaded from.
        params_sha256: digest of its parameters.
        parameters: how many they are.
        dtype: the type they compute in, such as "bfloat16".
        context: longest sequence of inputs, in tokens.
        device: what it runs on, in words; goes to run.json only.
    """

    path: str
    params_sha256: str
    parameters: int
    dtype: str
    context: int
    device: str = field(default="", compare=False)
