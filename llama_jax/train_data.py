"""The data of a training run: a token store, or text that becomes one, as a stream of batches."""

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

from llama_jax.data.cache import cache_dir
from llama_jax.data.corpus import split, whole
from llama_jax.data.first_fit import first_fit
from llama_jax.data.packed import PackedRows, all_rows, concatenate
from llama_jax.data.packing import Rows
from llama_jax.data.sources import file_sources
from llama_jax.data.stream import make_stream
from llama_jax.data.token_build import build_token_store
from llama_jax.data.token_store import META, TokenStore, open_token_store
from llama_jax.errors import InputError
from llama_jax.tokenizer import load_tokenizer
from llama_jax.training.batch_source import BatchSource
from llama_jax.training.presets import TrainPreset

SUFFIXES = (".txt", ".jsonl")


class TrainData(NamedTuple):
    """Batches to train on, and the rows that are held out."""

    source: BatchSource
    validation: Rows | None


def open_store(path: Path, tokenizer: Path | None, separator: str, cache: Path) -> TokenStore:
    """The token store at `path`, or that of its text, which is encoded into `cache` once.

    Args:
        path: a token store, a text or JSONL file, or a folder of .txt and .jsonl files.
        tokenizer: file; needed for text.
        separator: of the documents in a text file.
        cache: folder for the store of a text.
    """
    if (path / META).is_file():
        return open_token_store(path)
    if tokenizer is None:
        raise InputError(f"{path}: is no token store; --tokenizer FILE is needed to read text")
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES)
    if not files:
        raise InputError(f"{path}: no .txt or .jsonl file in this folder; give text or a store")
    load = functools.partial(load_tokenizer, tokenizer)
    return build_token_store(file_sources(files, separator), load, cache)


def store_folder(data: Path, tokenizer: Path | None, separator: str) -> Path:
    """Where the token store of this text, as it is now, under this tokenizer is kept."""
    files = sorted(data.rglob("*")) if data.is_dir() else [data]
    about = [str(data.resolve()), separator]
    about += [f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files
              if file.is_file()]  # fmt: skip
    digest = hashlib.sha256("\n".join(about).encode())
    digest.update(b"" if tokenizer is None else tokenizer.read_bytes())
    return cache_dir() / "tokens" / f"{data.stem}-{digest.hexdigest()[:12]}"


def batches_of(
    store: TokenStore, preset: TrainPreset, *, fraction: float, how: str, packing: str
) -> TrainData:
    """The stream over a store, and its validation rows.

    Args:
        store: of token ids.
        preset: batch size, row length, seed, vocabulary.
        fraction: held out for validation; 0 for none.
        how: "hash" or "tail", see `corpus.split`.
        packing: "stream" lets rows go on across documents, "documents" keeps each to itself,
            "first-fit" moreover cuts no document.
    """
    if not 0 <= fraction < 1:
        raise InputError(f"validation fraction {fraction}: must be at least 0 and below 1")
    store.check_vocabulary(preset.model.vocab_size)
    train, held_out = split(store, fraction, how, preset.seed) if fraction else (whole(store), None)
    packed = _packed(train, preset.length, packing, preset.seed)
    stream = make_stream(packed, seed=preset.seed, batch_size=preset.batch_size)
    if held_out is None:
        return TrainData(stream, None)
    return TrainData(stream, all_rows(_packed(held_out, preset.length, packing, None)))


def _packed(corpus, length: int, packing: str, seed: int | None) -> PackedRows:
    if packing == "first-fit":
        return first_fit(corpus, length, long_documents="split", shuffle_seed=seed)
    return concatenate(corpus, length, across_documents=packing == "stream", shuffle_seed=seed)
