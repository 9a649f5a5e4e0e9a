"""Requests -> items for the engine, and the engine's answers -> responses. Pure.

    Loglikelihood   one ScoreItem
    Rolling         one ScoreItem a window
    Choices         one ScoreItem an answer, then one a normaliser
    Generate        one GenerateItem a sample

`encode` fixes the order of a request's items; `decode` takes their answers in the same order.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llama_jax.errors import InputError
from llama_jax.evals.types import (
    Choices,
    ChosenFrom,
    Generate,
    Generated,
    Likelihood,
    Loglikelihood,
    Output,
    Request,
    Response,
    Rolling,
)
from llama_jax.inference.types import GenerateItem, GenerateResult, ScoreItem, ScoreResult
from llama_jax.tokenizer import Tokenizer, encode_pair

Item = ScoreItem | GenerateItem
Answer = Likelihood | Output


@dataclass(frozen=True)
class Encoded:
    """A request's items; `spans` of them have a token across context and continuation."""

    items: tuple[Item, ...]
    spans: int = 0


def encode(request: Request, tokenizer: Tokenizer, context: int, name: str) -> Encoded:
    """Returns the items that a request asks the engine for, in a fixed order.

    Args:
        request: what is asked.
        tokenizer: gives the ids.
        context: longest sequence of inputs that the model accepts, and the default window.
        name: "TASK/EXAMPLE"; seeds of samples derive from it, so they depend on nothing else.

    Raises:
        InputError: an answer or a text is empty, or a window exceeds the context.
    """
    match request:
        case Loglikelihood():
            return _scored([request], tokenizer)
        case Choices(choices=choices):
            for i, choice in enumerate(choices):
                if not choice.text:
                    raise InputError(f"answer {i} of {len(choices)} is empty")
            normalisers = [c.unconditional for c in choices if c.unconditional is not None]
            if len(normalisers) not in (0, len(choices)):
                raise InputError(f"{len(normalisers)} of {len(choices)} answers have a normaliser")
            return _scored([choice.given for choice in choices] + normalisers, tokenizer)
        case Rolling(text=text, window=window, stride=stride, second_bos=second_bos):
            window = context if window is None else window
            if window > context:
                raise InputError(
                    f"window {window} exceeds the model's context of {context} tokens; "
                    "take a window that fits"
                )
            found = tokenizer.encode(text)
            if not found:
                raise InputError("the text is empty: there is nothing to score")
            ids = (tokenizer.bos_id,) * (1 + second_bos) + tuple(found)
            spans = windows(len(ids), window, stride)
            return Encoded(tuple(ScoreItem(ids[b:e], start - b) for b, start, e in spans))
        case Generate():
            ids = (tokenizer.bos_id, *tokenizer.encode(request.prompt))
            return Encoded(
                tuple(
                    GenerateItem(
                        ids,
                        request.max_new_tokens,
                        request.stop,
                        temperature=request.temperature,
                        top_p=request.top_p,
                        seed=_seed(f"{name}/{k}") if request.temperature > 0 else 0,
                    )
                    for k in range(request.samples)
                )
            )


def _scored(pairs: Sequence[Loglikelihood], tokenizer: Tokenizer) -> Encoded:
    encoded = [encode_pair(tokenizer, pair.context, pair.continuation) for pair in pairs]
    items = tuple(ScoreItem(pair.ids, pair.start) for pair in encoded)
    return Encoded(items, sum(pair.spans for pair in encoded))


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def windows(length: int, window: int, stride: int | None = None) -> list[tuple[int, int, int]]:
    """Covers ids 1 to `length` - 1, each scored once, by windows of at most `window` inputs.

    With `stride` None this is the rolling log-likelihood of lm-evaluation-harness: the windows'
    scored parts are disjoint, each has one id before it, and the last reaches back to full length.

        windows(8, 3)     -> (0, 1, 4) (3, 4, 7) (4, 7, 8)
        windows(8, 3, 2)  -> (0, 1, 4) (2, 4, 6) (4, 6, 8)

    Returns:
        (begin, start, end) of each window: of ids[begin:end], those from `start` on are scored.

    Raises:
        InputError: nothing to score, a window below 1, or a stride outside 1 to `window`.
    """
    if window < 1:
        raise InputError(f"window {window} must be at least 1 token")
    stride = window if stride is None else stride
    if length < 2:
        raise InputError("the text is empty: there is nothing to score")
    if not 1 <= stride <= window:
        raise InputError(f"stride {stride} must be from 1 to the window, {window} tokens")
    end = min(window + 1, length)
    found = [(0, 1, end)]
    while end < length:
        start, end = end, min(end + stride, length)
        found.append((max(0, end - window - 1), start, end))
    return found


def answer(result: ScoreResult | GenerateResult) -> Answer:
    """Returns what is kept of an engine's result.

    The sum of log-probabilities is rounded to float32 and given as the decimal that numpy prints
    for it (at most 9 digits), so that it reads the same in every file and is what scores are
    computed from.

    Raises:
        InputError: a log-probability is not finite.
    """
    if isinstance(result, GenerateResult):
        return Output(result.text, result.stop_reason)
    total = math.fsum(result.logprobs)
    if not math.isfinite(total):
        raise InputError(f"the model gave the log-probability {total}; are its weights damaged?")
    return Likelihood(float(str(np.float32(total))), len(result.logprobs), result.greedy)


def decode(request: Request, answers: Sequence[Answer]) -> Response:
    """Returns the response that the answers to `encode`'s items make."""
    match request:
        case Loglikelihood():
            return answers[0]
        case Choices(choices=choices):
            count = len(choices)
            rest = tuple(answers[count:]) or None
            return ChosenFrom(tuple(c.text for c in choices), tuple(answers[:count]), rest)
        case Rolling():
            total = np.float32(math.fsum(part.logprob for part in answers))
            return Likelihood(
                float(str(total)),
                sum(part.tokens for part in answers),
                all(part.greedy for part in answers),
            )
        case Generate():
            return Generated(tuple(answers))
