"""Documents -> parts of a token store, encoded by several processes and kept across a kill.

Documents are gathered, in order, into chunks of about a million characters, whatever the number of
processes. A chunk's part is a file named by the digest of its documents and of the tokenizer: one
that is there was made from just these texts and is not made again.
"""

import hashlib
import os
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64, Shaped, UInt64

from llama_jax.data.sources import Document
from llama_jax.data.token_store import token_dtype
from llama_jax.errors import InputError

CHUNK = 1 << 20  # characters


@runtime_checkable
class Tokenizer(Protocol):
    """The part of a tokenizer that a token store needs."""

    vocab_size: int
    bos_id: int
    eos_id: int
    sha256: str

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, without BOS and EOS."""
        ...


class Recipe(NamedTuple):
    """What decides the ids of a text.

    Attributes:
        load: makes the tokenizer, once in each process; it must survive pickling.
        bos: put BOS before each document.
        eos: put EOS behind each document.
    """

    load: Callable[[], Tokenizer]
    bos: bool
    eos: bool


class Part(NamedTuple):
    """The encoded documents of a chunk."""

    tokens: Shaped[np.ndarray, "_"]
    lengths: Int64[np.ndarray, "_"]
    hashes: UInt64[np.ndarray, "_"]


class Chunk(NamedTuple):
    """Documents that are encoded together, and the file that their part is kept in."""

    documents: tuple[Document, ...]
    path: Path
    characters: int


def chunks(
    documents: Iterable[Document], folder: Path, key: str, size: int = CHUNK
) -> Iterator[Chunk]:
    """Cuts the documents into chunks; texts of nothing but white space are left out.

    Args:
        documents: in the order of the store.
        folder: where the parts are kept.
        key: names tokenizer and options; part of every part's name.
        size: characters after which a chunk is full.
    """
    held: list[Document] = []
    length = 0
    for document in documents:
        if not document.text.strip():
            continue
        held.append(document)
        length += len(document.text)
        if length >= size:
            yield _chunk(held, folder, key, length)
            held, length = [], 0
    if held:
        yield _chunk(held, folder, key, length)


def make_parts(found: Iterable[Chunk], recipe: Recipe, workers: int) -> Iterator[Chunk]:
    """Yields the chunks, in order, each once its part is there; makes those that are not.

    No more than a few chunks for each process are held in memory.
    """
    if workers == 1:
        tokenizer = recipe.load()
        for chunk in found:
            if not chunk.path.exists():
                _write_part(chunk, recipe, tokenizer)
            yield chunk
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin_worker, (recipe,))
    waiting: deque[tuple[Chunk, Future | None]] = deque()
    try:
        for chunk in found:
            made = None if chunk.path.exists() else pool.submit(_work, chunk)
            waiting.append((chunk, made))
            if len(waiting) > 3 * workers:
                yield _finished(*waiting.popleft())
        while waiting:
            yield _finished(*waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def encode(documents: Iterable[Document], recipe: Recipe, tokenizer: Tokenizer) -> Part:
    """The ids of the documents, checked against the vocabulary.

    Raises:
        InputError: the tokenizer gave an id outside its vocabulary, or none at all for a document.
    """
    before = [tokenizer.bos_id] if recipe.bos else []
    behind = [tokenizer.eos_id] if recipe.eos else []
    encoded, hashes = [], []
    for text, where in documents:
        ids = np.array([*before, *tokenizer.encode(text), *behind], np.int64)
        if not ids.size:
            raise InputError(f"{where}: the tokenizer makes no token of it; leave it out")
        if ids.min() < 0 or ids.max() >= tokenizer.vocab_size:
            wrong = int(ids.min() if ids.min() < 0 else ids.max())
            raise InputError(
                f"{where}: token id {wrong}, but the tokenizer has 0 to "
                f"{tokenizer.vocab_size - 1}; the tokenizer's file is wrong"
            )
        encoded.append(ids.astype(token_dtype(tokenizer.vocab_size)))
        hashes.append(hashlib.blake2b(text.encode(), digest_size=8).digest())
    return Part(
        np.concatenate(encoded),
        np.array([len(ids) for ids in encoded], np.int64),
        np.frombuffer(b"".join(hashes), "<u8").astype(np.uint64),
    )


def read_part(path: Path) -> Part:
    """Reads a part; zip's checksums tell damage."""
    try:
        with np.load(path) as file:
            return Part(*(file[name] for name in Part._fields))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: a damaged part of an unfinished token store; delete it and run again"
        ) from error


def _chunk(held: list[Document], folder: Path, key: str, length: int) -> Chunk:
    digest = hashlib.sha256(key.encode())
    for text, _ in held:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return Chunk(tuple(held), folder / f"{digest.hexdigest()}.npz", length)


def _write_part(chunk: Chunk, recipe: Recipe, tokenizer: Tokenizer) -> None:
    part = encode(chunk.documents, recipe, tokenizer)
    beside = chunk.path.with_suffix(f".{os.getpid()}.tmp")
    with beside.open("wb") as file:
        np.savez(file, **part._asdict())
    os.replace(beside, chunk.path)


def _finished(chunk: Chunk, made: Future | None) -> Chunk:
    if made is not None:
        made.result()
    return chunk


# A worker's own recipe and tokenizer: loading a tokenizer for each chunk would cost more than
# encoding it.
_worker: list[tuple[Recipe, Tokenizer]] = []


def _begin_worker(recipe: Recipe) -> None:
    _worker[:] = [(recipe, recipe.load())]


def _work(chunk: Chunk) -> None:
    recipe, tokenizer = _worker[0]
    _write_part(chunk, recipe, tokenizer)
