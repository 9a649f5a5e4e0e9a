"""Texts with a gap, for Code Llama 7B and 13B.

    <s> <PRE> {prefix} <SUF>{suffix} <MID>           {middle} <EOT>
    <s> <PRE> <SUF>{suffix} <MID> {prefix}           {middle} <EOT>      (suffix_first)

Source: `infilling_prompt_tokens` in meta-llama/codellama, llama/generation.py; its tokenizer's
`encode_infilling` and `decode_infilling`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from llama_jax.errors import InputError
from llama_jax.tokenizer import Tokenizer

_PIECES = ("\u2581<PRE>", "\u2581<SUF>", "\u2581<MID>", "\u2581<EOT>")

# Something to stand in front, so that SentencePiece neither adds nor removes a space.
_FRONT = "\N{WHITE SMILING FACE}"


class InfillingTokens(NamedTuple):
    """Ids of the tokens around the parts of a text; `end` ends what fills the gap."""

    prefix: int
    suffix: int
    middle: int
    end: int


def infilling_tokens(tokenizer: Tokenizer) -> InfillingTokens:
    """The ids of <PRE>, <SUF>, <MID> and <EOT>.

    Raises:
        InputError: the tokenizer has not all of them, as Llama 2's and that of Code Llama 34B.
    """
    found: dict[str, int] = {}
    for token in reversed(range(tokenizer.vocab_size)):  # they are the last ones
        if (piece := tokenizer.id_to_piece(token)) in _PIECES:
            found.setdefault(piece, token)
            if len(found) == len(_PIECES):
                return InfillingTokens(*(found[name] for name in _PIECES))
    missing = ", ".join(repr(name) for name in _PIECES if name not in found)
    raise InputError(
        f"the tokenizer's {tokenizer.vocab_size} pieces lack {missing}: this model was not trained "
        "to fill in; use Code Llama 7B or 13B (base or Instruct), with the tokenizer of 32016 "
        "pieces that comes with them"
    )


def infilling_ids(
    tokenizer: Tokenizer, prefix: str, suffix: str, suffix_first: bool = False
) -> list[int]:
    """The ids behind which the model writes what stands between `prefix` and `suffix`.

    Args:
        tokenizer: of Code Llama 7B or 13B.
        prefix: the text before the gap.
        suffix: the text behind it; encoded without the space that SentencePiece puts in front.
        suffix_first: the suffix comes before the prefix.

    Raises:
        InputError: a tokenizer without the tokens for it, or a text that holds one of them.
    """
    tokens = infilling_tokens(tokenizer)
    before, behind = tokenizer.encode(prefix), _encode_without_space(tokenizer, suffix)
    for name, ids in (("prefix", before), ("suffix", behind)):
        if inside := set(tokens) & set(ids):
            piece = tokenizer.id_to_piece(inside.pop()).replace("\u2581", " ")
            raise InputError(
                f"the {name} holds {piece!r}, which the tokenizer reads as a token of the "
                "infilling format; take it out or spell it another way"
            )
    start = [tokenizer.bos_id, tokens.prefix]
    if suffix_first:
        return [*start, tokens.suffix, *behind, tokens.middle, *before]
    return [*start, *before, tokens.suffix, *behind, tokens.middle]


def decode_infilling(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """The text of generated `ids`, with the space that it may begin with."""
    return tokenizer.decode([*tokenizer.encode(_FRONT), *ids]).removeprefix(_FRONT)


def _encode_without_space(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(_FRONT + text)[len(tokenizer.encode(_FRONT)) :]
