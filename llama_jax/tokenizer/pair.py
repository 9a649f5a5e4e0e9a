"""Context and continuation, encoded together: which tokens a log-likelihood is taken of."""

from dataclasses import dataclass

from llama_jax.errors import InputError
from llama_jax.tokenizer.interface import Tokenizer


@dataclass(frozen=True)
class EncodedPair:
    """Token ids of a context and the continuation to be scored.

    Attributes:
        ids: exactly one BOS, then `encode(context + continuation)`.
        start: the continuation is `ids[start:]`, never empty; `start` is at least 1.
        spans: whether the first token of the continuation also covers the end of the context.
    """

    ids: tuple[int, ...]
    start: int
    spans: bool


def encode_pair(tokenizer: Tokenizer, context: str, continuation: str) -> EncodedPair:
    """Encodes `context + continuation` as one text and finds where the continuation begins.

    Encoding the two apart gives tokens that the model never saw in training; here the ids are those
    of the whole text. The context keeps the tokens that lie wholly inside it; a token that spans
    the border belongs to the continuation:

        context "The answer is "   continuation "yes"
        ids     <s>  The  answer  is | yes             "|" is `start`; " yes" spans the border

    A token that covers no text (the space that SentencePiece adds in front) goes with the text that
    follows it, so an empty context has no token but BOS.

    Raises:
        InputError: the continuation is empty, or the tokenizer drops all of it (one that removes
            extra white space drops spaces at the end).
    """
    if not continuation:
        raise InputError(
            f"empty continuation after the context {_tail(context)}: there is nothing to score"
        )
    ids, offsets = tokenizer.encode_with_offsets(context + continuation)
    border = len(context.encode())
    inside = 0
    while inside < len(ids) and offsets[inside][0] < border and offsets[inside][1] <= border:
        inside += 1
    if inside == len(ids):
        raise InputError(
            f"continuation {continuation!r} after the context {_tail(context)} has no token: this "
            "tokenizer removes extra white space; use one that keeps it, as Llama 2's does"
        )
    return EncodedPair(
        ids=(tokenizer.bos_id, *ids),
        start=1 + inside,
        spans=offsets[inside][0] < border,
    )


def _tail(text: str, size: int = 40) -> str:
    return repr(text) if len(text) <= size else f"...{text[-size:]!r}"
