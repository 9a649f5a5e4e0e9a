"""Text files -> documents -> token ids; and which documents are kept for validation."""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int32

from llama_jax.errors import InputError

SEPARATORS = ("blank-line", "file")
BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")


@runtime_checkable
class Encoder(Protocol):
    """The part of a tokenizer that documents need."""

    bos_id: int
    eos_id: int

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, without BOS and EOS."""
        ...


def split_documents(text: str, separator: str) -> list[str]:
    r"""The documents of one file's text.

    "blank-line": one or more empty lines (or lines of blanks) separate documents, and a document
    neither begins nor ends with a line break. "file": the whole text is one document, unchanged.
    Text of nothing but white space has no document.

    >>> split_documents("One.\nStill one.\n\n\nTwo.\n", "blank-line")
    ['One.\nStill one.', 'Two.']
    """
    if separator not in SEPARATORS:
        raise InputError(f"separator {separator!r}: must be one of {', '.join(SEPARATORS)}")
    parts = [text] if separator == "file" else [p.strip("\n") for p in BLANK_LINES.split(text)]
    return [part for part in parts if part.strip()]


def read_documents(paths: Iterable[str | os.PathLike], separator: str) -> list[str]:
    """Documents of UTF-8 text files, in the order of `paths`; line ends become a line feed.

    Raises:
        InputError: a file is missing, is not UTF-8, or holds no document.
    """
    documents = []
    for path in map(Path, paths):
        if not path.is_file():
            raise InputError(f"{path}: no such text file")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}: not UTF-8 at byte {error.start} ({error.reason}); convert the file"
            ) from error
        found = split_documents(text, separator)
        if not found:
            raise InputError(f"{path}: no document, only white space")
        documents += found
    if not documents:
        raise InputError("no text files given")
    return documents


def encode_documents(documents: Iterable[str], tokenizer: Encoder) -> list[Int32[np.ndarray, "_"]]:
    """[BOS] + ids + [EOS] of each document."""
    return [
        np.array([tokenizer.bos_id, *tokenizer.encode(text), tokenizer.eos_id], np.int32)
        for text in documents
    ]


def is_validation(index: int, fraction: float, seed: int) -> bool:
    """Whether document `index` is kept for validation.

    A hash of (seed, index) below `fraction`: documents that are appended later move no earlier one
    to the other side.
    """
    digest = hashlib.blake2b(f"{seed}/{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < fraction * 2**64


def split_validation(documents: Sequence, fraction: float, seed: int) -> tuple[list, list]:
    """(training documents, validation documents), each in the given order.

    Raises:
        InputError: `fraction` is outside [0, 1), or one side would be empty.
    """
    if not 0 <= fraction < 1:
        raise InputError(f"validation fraction {fraction}: must be at least 0 and below 1")
    kept = [is_validation(index, fraction, seed) for index in range(len(documents))]
    if fraction > 0 and (not any(kept) or all(kept)):
        raise InputError(
            f"validation fraction {fraction} with seed {seed} takes {sum(kept)} of "
            f"{len(documents)} documents; change the fraction, split the text into more documents, "
            "or give 0 for no validation"
        )
    return (
        [d for d, keep in zip(documents, kept, strict=True) if not keep],
        [d for d, keep in zip(documents, kept, strict=True) if keep],
    )
