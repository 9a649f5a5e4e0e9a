"""Tokens as bytes of UTF-8 text: what tokenizers do where SentencePiece does not do it."""

import itertools
import re
from collections.abc import Iterable

from llama_jax.errors import InputError

_ESCAPED = re.compile("[\udc80-\udcff]")


def utf8(text: str) -> bytes:
    """The bytes of a text.

    Raises:
        InputError: the text has a lone surrogate, which UTF-8 cannot hold.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the text has a lone surrogate, {text[error.start]!r} at character {error.start}: it "
            "was decoded with the wrong codec; read the file as UTF-8"
        ) from error


def check_id(token: int, vocab_size: int) -> int:
    """The id itself.

    Raises:
        InputError: it is outside the vocabulary.
    """
    if not 0 <= token < vocab_size:
        raise InputError(
            f"token id {token} is outside the tokenizer's {vocab_size} pieces; a model with a "
            "padded embedding must not emit ids from the padding"
        )
    return token


def tiled_offsets(data: bytes, sizes: Iterable[int]) -> list[tuple[int, int]]:
    """The (begin, end) bytes of tokens of these sizes that tile `data`, widened to characters.

    >>> tiled_offsets("aé".encode(), [1, 1, 1])
    [(0, 1), (1, 3), (1, 3)]
    """
    edges = list(itertools.accumulate(sizes, initial=0))
    assert edges[-1] == len(data), (edges[-1], len(data))
    down, up = [], []
    for edge in edges:
        low = high = edge
        while low < len(data) and data[low] & 0xC0 == 0x80:
            low -= 1
        while high < len(data) and data[high] & 0xC0 == 0x80:
            high += 1
        down.append(low)
        up.append(high)
    return list(zip(down[:-1], up[1:], strict=True))


def replace_each(data: bytes) -> str:
    """Decodes UTF-8 as SentencePiece does: each byte that does not belong becomes U+FFFD."""
    return _ESCAPED.sub("\N{REPLACEMENT CHARACTER}", data.decode(errors="surrogateescape"))
