"""A corpus as token ids on disk, memory-mapped: what training reads.

    STORE/tokens.bin       ids of all documents, one behind the other; little-endian uint16, or
                           uint32 where the vocabulary has more than 65,536 ids
          offsets.bin      little-endian int64 [documents + 1]: where each document begins
          documents.bin    little-endian uint64 [documents]: a hash of each document's text
          meta.json        counts, tokenizer, sources, and the digest of each file above

`token_build` writes a store, whole or not at all. A store never changes afterwards.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llama_jax.data.rows import file_sha256
from llama_jax.errors import InputError

META, TOKENS, OFFSETS, DOCUMENTS = "meta.json", "tokens.bin", "offsets.bin", "documents.bin"
FORMAT, VERSION = "llama_jax token store", 1
_REBUILD = "build the store again (`llama-jax data tokenize`)"
_CHECK_IDS = 1 << 24  # ids looked at in one go


@dataclass(frozen=True, eq=False)
class TokenStore:
    """An open store; the arrays are maps of its files, read as they are used.

    Attributes:
        path: its folder.
        meta: what meta.json says: "tokens", "documents", "dtype", "bos", "eos" (whether each
            document has them), "tokenizer" (sha256, vocab_size, bos_id, eos_id), "sources",
            "files" (name to sha256), "sha256" (of all the rest).
        tokens: ids of all documents.
        offsets: document d is tokens[offsets[d] : offsets[d + 1]].
        hashes: of the documents' texts; equal texts have equal hashes.
    """

    path: Path
    meta: dict[str, Any]
    tokens: np.ndarray
    offsets: np.ndarray
    hashes: np.ndarray

    def __len__(self) -> int:
        """Number of documents."""
        return len(self.hashes)

    def __getitem__(self, document: int) -> np.ndarray:
        """Ids of one document, BOS and EOS included where the store has them."""
        if not 0 <= document < len(self):
            raise IndexError(f"{self.path}: document {document} of {len(self)}")
        return self.tokens[self.offsets[document] : self.offsets[document + 1]]

    @property
    def sha256(self) -> str:
        """Digest of content and tokenizer, the same wherever the store lies."""
        return self.meta["sha256"]

    @property
    def largest_id(self) -> int:
        """The largest token id of the store."""
        return self.meta["largest_id"]

    def check_vocabulary(self, vocab_size: int) -> None:
        """Refuses a model whose embedding is too small for the ids of the store."""
        if self.largest_id >= vocab_size:
            raise InputError(
                f"{self.path}: token ids up to {self.largest_id}, but the model has 0 to "
                f"{vocab_size - 1}; the store's tokenizer has "
                f"{self.meta['tokenizer']['vocab_size']} ids: tokenizer and vocab_size do not "
                "belong together"
            )

    def verify(self) -> None:
        """Reads every byte; refuses files that are not as they were written.

        Raises:
            InputError: a digest differs, or an id is outside the vocabulary.
        """
        for name, digest in self.meta["files"].items():
            found = file_sha256(self.path / name)
            if found != digest:
                raise InputError(
                    f"{self.path / name}: damaged: its SHA-256 is {found[:16]}..., {META} says "
                    f"{digest[:16]}...; {_REBUILD}"
                )
        size = self.meta["tokenizer"]["vocab_size"]
        for begin in range(0, len(self.tokens), _CHECK_IDS):
            largest = int(self.tokens[begin : begin + _CHECK_IDS].max())
            if largest >= size:
                raise InputError(
                    f"{self.path}: token id {largest}, but the tokenizer has 0 to {size - 1}; "
                    f"{_REBUILD}"
                )


def open_token_store(path: str | os.PathLike[str], verify: bool = True) -> TokenStore:
    """Opens a store.

    Args:
        path: its folder.
        verify: read and check every byte (about a second per gigabyte); without, only the sizes
            of the files and the digest of meta.json are checked.

    Raises:
        InputError: no store, a damaged one, or one of a newer version.
    """
    path = Path(path)
    meta = _read_meta(path)
    tokens, documents, dtype = meta["tokens"], meta["documents"], np.dtype(meta["dtype"])
    store = TokenStore(
        path,
        meta,
        _map(path / TOKENS, dtype, tokens),
        _map(path / OFFSETS, np.dtype("<i8"), documents + 1),
        _map(path / DOCUMENTS, np.dtype("<u8"), documents),
    )
    if verify:
        store.verify()
    return store


def token_dtype(vocab_size: int) -> np.dtype:
    """The smallest of uint16 and uint32 that holds the ids below `vocab_size`."""
    return np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")


def seal(meta: dict[str, Any]) -> dict[str, Any]:
    """`meta` with the digest of the store: of content and tokenizer, not of where sources lay."""
    return meta | {"sha256": _digest(meta)}


def _digest(meta: dict[str, Any]) -> str:
    kept = {name: value for name, value in meta.items() if name not in ("sha256", "sources")}
    sources = [{k: v for k, v in source.items() if k != "path"} for source in meta["sources"]]
    text = json.dumps(kept | {"sources": sources}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _read_meta(path: Path) -> dict[str, Any]:
    try:
        meta = json.loads((path / META).read_bytes())
        if meta["format"] != FORMAT:
            raise KeyError("format")
        if meta["version"] > VERSION:
            raise InputError(
                f"{path}: a token store of version {meta['version']}; this llama_jax reads up to "
                f"version {VERSION}: update it"
            )
        damaged = meta["sha256"] != _digest(meta)
    except OSError as error:
        raise InputError(
            f"{path}: no token store ({META}: {error.strerror}); make one with `llama-jax data "
            "tokenize`"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path / META}: not that of a token store; {_REBUILD}") from error
    if damaged:
        raise InputError(f"{path / META}: damaged: it does not match its own digest; {_REBUILD}")
    return meta


def _map(path: Path, dtype: np.dtype, count: int) -> np.ndarray:
    found = path.stat().st_size if path.is_file() else None
    if found != count * dtype.itemsize:
        there = "is missing" if found is None else f"has {found} bytes"
        raise InputError(f"{path}: {there}, {META} says {count * dtype.itemsize} bytes; {_REBUILD}")
    return np.memmap(path, dtype, "r", shape=(count,))
