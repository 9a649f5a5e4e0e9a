"""Perplexity of a text: every token once, in windows that slide over it.

The text is one sequence with BOS before it. A window holds at most `window` inputs; each after the
first scores `stride` new tokens, the tokens before them being context:

    window 3, stride 2, ids BOS a b c d e      inputs BOS a b  score a b c
                                               inputs b c d    score d e

With the default stride, the window, and `second_bos` this is the rolling log-likelihood of
lm-evaluation-harness: its Hugging Face backend puts BOS before a text that begins with BOS already.
A stride of 1 gives every token all the context there is, and costs a window for each.
"""

import hashlib
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_jax.errors import InputError
from llama_jax.evals.ask import Asked
from llama_jax.evals.progress import TokenBar
from llama_jax.evals.requests import encode
from llama_jax.evals.types import ModelInfo, Rolling
from llama_jax.tokenizer import Tokenizer

SCHEMA = 1


@dataclass(frozen=True)
class Perplexity:
    r"""The log-probability of a text and what it is divided by.

    Attributes:
        logprob: sum over all tokens, natural logarithm, summed exactly in float64.
        tokens: how many there are; BOS counts only where it was scored.
        bytes: length of the text in UTF-8.
        words: stretches between white space, as lm-evaluation-harness splits (`\s+`), empty ones
            left out.
        window: inputs of a window, at most.
        stride: new tokens of a window.
        windows: how many there are.
        text_sha256: digest of the text's bytes.
    """

    logprob: float
    tokens: int
    bytes: int
    words: int
    window: int
    stride: int
    windows: int
    text_sha256: str

    @property
    def per_token(self) -> float | None:
        """exp(-ln p / tokens): what papers call perplexity; it depends on the tokenizer."""
        return _exp(-self.logprob / self.tokens)

    @property
    def per_byte(self) -> float | None:
        """exp(-ln p / bytes)."""
        return _exp(-self.logprob / self.bytes)

    @property
    def per_word(self) -> float | None:
        """exp(-ln p / words); None without words, or where that is beyond float64."""
        return _exp(-self.logprob / self.words) if self.words else None

    @property
    def bits_per_byte(self) -> float:
        """-log2 p / bytes: comparable between tokenizers."""
        return -self.logprob / self.bytes / math.log(2)


def perplexity(
    engine: Asked,
    tokenizer: Tokenizer,
    context: int,
    text: str,
    *,
    window: int | None = None,
    stride: int | None = None,
    second_bos: bool = False,
    progress: bool | None = None,
) -> Perplexity:
    """Computes the perplexity of one text.

    Args:
        engine: scores.
        tokenizer: the model's.
        context: longest sequence of inputs that the model accepts, in tokens.
        text: what is scored, as it is.
        window: longest sequence of inputs; None for `context`.
        stride: tokens newly scored by each window after the first; None for `window`.
        second_bos: score a second BOS before the text, as lm-evaluation-harness does.
        progress: a progress bar on stderr; None for one only where stderr is a terminal.

    Raises:
        InputError: the text is empty, the window exceeds the context, the stride is not from 1 to
            the window, or a log-probability is not finite.
    """
    items = encode(
        Rolling(text, window, stride, second_bos), tokenizer, context, "perplexity"
    ).items
    with TokenBar("perplexity", items, [False] * len(items), progress) as bar:
        results = engine.score(items, lambda index, result: bar.update(items[index], result))
    logprobs = [value for result in results for value in result.logprobs]
    total = math.fsum(logprobs)
    if not math.isfinite(total):
        raise InputError(f"the model gave the log-probability {total}; are its weights damaged?")
    data = text.encode()
    return Perplexity(
        logprob=total,
        tokens=len(logprobs),
        bytes=len(data),
        words=len([word for word in re.split(r"\s+", text) if word]),
        window=window or context,
        stride=stride or window or context,
        windows=len(items),
        text_sha256=hashlib.sha256(data).hexdigest(),
    )


def read_text(path: Path) -> str:
    """Reads a UTF-8 file as it is; line ends are not changed.

    Raises:
        InputError: it is no file that can be read, empty, or not UTF-8.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read the text: {error.strerror}") from None
    if not data:
        raise InputError(f"{path}: the text is empty: there is nothing to score")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start} (0x{data[error.start]:02x}) is not UTF-8; convert the file"
        ) from None


def record(found: Perplexity, model: ModelInfo, tokenizer: Tokenizer) -> dict[str, Any]:
    """Returns what is written as JSON: the same for the same model and text."""
    metrics = {
        "perplexity": (found.per_token, "per token"),
        "byte_perplexity": (found.per_byte, "per byte"),
        "word_perplexity": (found.per_word, "per word"),
        "bits_per_byte": (found.bits_per_byte, "bits"),
    }
    return {
        "schema": SCHEMA,
        "model": {
            "path": model.path,
            "params_sha256": model.params_sha256,
            "parameters": model.parameters,
            "dtype": model.dtype,
        },
        "hashes": {"text": found.text_sha256, "tokenizer": tokenizer.sha256},
        "window": found.window,
        "stride": found.stride,
        "windows": found.windows,
        "tokens": found.tokens,
        "bytes": found.bytes,
        "words": found.words,
        "logprob": found.logprob,
        "metrics": {name: {"value": v, "unit": unit} for name, (v, unit) in metrics.items()},
    }


def _exp(nats: float) -> float | None:
    try:
        return math.exp(nats)
    except OverflowError:
        return None
