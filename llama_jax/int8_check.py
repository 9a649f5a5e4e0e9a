"""What weights in eight bits change: the perplexity of a text before and after, measured.

model = load("path/to/weights", weight_dtype="int8")
measure(model, sample_text()).line()
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import jax

from llama_jax import samples
from llama_jax.api import Model
from llama_jax.errors import InputError
from llama_jax.evals.perplexity import Perplexity

SAMPLE_CHARACTERS = 1200  # a few hundred tokens


@dataclass(frozen=True)
class Int8Change:
    """A text with the weights as they are and with those in eight bits.

    Attributes:
        found: with weights in eight bits.
        plain: with the weights as they are.
        dtype: of the weights as they are.
        parameters: how many numbers the model has.
        weight_bytes: what the weights in eight bits take, scales and norms included.
        unquantized_bytes: what the weights as they are take.
    """

    found: Perplexity
    plain: Perplexity
    dtype: str
    parameters: int
    weight_bytes: int
    unquantized_bytes: int

    @property
    def relative(self) -> float:
        """The perplexity's change over its value before."""
        return math.expm1((self.plain.logprob - self.found.logprob) / self.found.tokens)

    def record(self) -> dict[str, Any]:
        """The text, the values before, and what eight bits change, as JSON values."""
        return {
            "text_sha256": self.plain.text_sha256,
            "tokens": self.plain.tokens,
            "logprob": self.plain.logprob,
            "perplexity": self.plain.per_token,
            "eight_bit_perplexity": self.found.per_token,
            "relative_change": self.relative,
            "weight_bytes": self.unquantized_bytes,
            "eight_bit_weight_bytes": self.weight_bytes,
        }

    def line(self) -> str:
        """What `generate` and `eval` print of the text inside the package."""
        before, after = (
            "beyond float64" if value is None else f"{value:.6g}"
            for value in (self.plain.per_token, self.found.per_token)
        )
        share = self.weight_bytes / (4 * self.parameters)
        return (
            f"int8: perplexity {before} ({self.dtype}) -> {after} ({100 * self.relative:+.3f} %) "
            f"on {self.found.tokens} tokens of the embedded text; weights {self.weight_bytes} "
            f"bytes, {share:.3f} of float32's"
        )


def sample_text() -> str:
    """The beginning of the corpus inside the package, up to the end of a paragraph."""
    with samples.CORPUS.open(encoding="utf-8") as file:
        return file.read(SAMPLE_CHARACTERS).rpartition("\n\n")[0]


def measure(model: Model, text: str, **options: Any) -> Int8Change:
    """Computes the perplexity of a text with both kinds of weights, one after the other.

    The weights as they are leave the device before those in eight bits are put there: `model` must
    not have been asked anything before, or both are there for a while.

    Args:
        model: loaded with `weight_dtype="int8"`.
        text: what is scored.
        **options: those of `llama_jax.evals.perplexity.perplexity`.

    Raises:
        InputError: as `Model.perplexity`, or the weights as they are do not fit the device.
    """
    exact = dataclasses.replace(model, weight_dtype=None)
    try:
        plain = exact.perplexity(text, **options)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise InputError(
            "the weights before quantisation do not fit the memory, so that what eight bits change "
            "cannot be measured here; generate and eval leave that out with --no-int8-check"
        ) from error
    dtype, unquantized = str(exact.params["embedding"].dtype), exact.engine.weight_bytes
    del exact
    found = model.perplexity(text, **options)
    count, held = model.info.parameters, model.engine.weight_bytes
    return Int8Change(found, plain, dtype, count, held, unquantized)
