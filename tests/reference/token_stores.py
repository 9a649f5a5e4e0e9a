"""Token stores in memory, and a tokenizer of characters, for tests."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llama_jax.data.sources import Document
from llama_jax.data.token_store import TokenStore


class Characters:
    """A tokenizer whose ids are the characters' numbers; 1 begins and 2 ends a text."""

    vocab_size = 256
    bos_id = 1
    eos_id = 2
    sha256 = "characters"

    def encode(self, text: str) -> list[int]:
        return [ord(c) for c in text]


class Texts:
    """A source of the texts it is given."""

    def __init__(self, *texts: str):
        self.texts = texts

    def documents(self):
        return (Document(text, f"text {number}") for number, text in enumerate(self.texts))

    def describe(self):
        digest = hashlib.sha256(repr(self.texts).encode()).hexdigest()
        return {"kind": "texts", "sha256": digest}

    def size(self):
        return sum(map(len, self.texts))


def store_of(documents: Sequence[Sequence[int]], bos: bool = False, eos: bool = False):
    """A store of these documents, BOS and EOS being what they begin and end with, if at all."""
    sizes = [len(document) for document in documents]
    tokens = np.array([token for document in documents for token in document], np.uint16)
    meta = {
        "bos": bos,
        "eos": eos,
        "tokens": len(tokens),
        "documents": len(documents),
        "largest_id": int(tokens.max()),
        "tokenizer": {"vocab_size": 256},
        "sha256": hashlib.sha256(repr(documents).encode()).hexdigest(),
    }
    hashes = [
        int.from_bytes(hashlib.blake2b(repr(d).encode(), digest_size=8).digest(), "little")
        for d in documents
    ]
    offsets = np.cumsum([0, *sizes])
    return TokenStore(Path("memory"), meta, tokens, offsets, np.array(hashes, np.uint64))
