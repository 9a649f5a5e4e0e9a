"""Generated ids -> the text that Hugging Face's fast Llama tokenizers make of them. Pure.

With Llama 2's pieces it differs from `Tokenizer.decode` in two ways that a metric can see: the
first space is dropped, and of a run of byte tokens that is not UTF-8 as a whole every byte becomes
U+FFFD. With Llama 3's, which puts no space before a text, it is the same.
"""

import re
from collections.abc import Sequence
from itertools import groupby

from llama_jax.tokenizer import Tokenizer

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def continuation(tokenizer: Tokenizer, ids: Sequence[int], stop: Sequence[str] = ()) -> str:
    """Returns the text of `ids`, up to the first of the stop strings."""
    parts = []
    for is_byte, run in groupby(ids, lambda token: bool(_byte(tokenizer, token))):
        if is_byte:
            parts.append(_run_text(bytes(int(_byte(tokenizer, t)[1], 16) for t in run)))
        else:
            # Joined first: a token of byte-level BPE may be a part of a character.
            parts.append(b"".join(map(tokenizer.id_to_bytes, run)).decode(errors="replace"))
    text = "".join(parts)
    if _adds_a_space(tokenizer):
        text = text.removeprefix(" ")
    found = [text.index(string) for string in stop if string in text]
    return text[: min(found, default=len(text))]


def _adds_a_space(tokenizer: Tokenizer) -> bool:
    return tokenizer.id_to_bytes(tokenizer.encode("a")[0]).startswith(b" ")


def _byte(tokenizer: Tokenizer, token: int) -> re.Match[str] | None:
    return _BYTE.fullmatch(tokenizer.id_to_piece(token))


def _run_text(run: bytes) -> str:
    try:
        return run.decode()
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}" * len(run)
