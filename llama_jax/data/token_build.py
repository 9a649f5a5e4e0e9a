"""Sources -> token store: encoded once, by several processes, going on after a kill."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from llama_jax.data.sources import Document, Source
from llama_jax.data.token_parts import (
    CHUNK,
    Chunk,
    Recipe,
    Tokenizer,
    chunks,
    make_parts,
    read_part,
)
from llama_jax.data.token_store import (
    DOCUMENTS,
    FORMAT,
    META,
    OFFSETS,
    TOKENS,
    VERSION,
    TokenStore,
    open_token_store,
    seal,
    token_dtype,
)
from llama_jax.errors import InputError


def build_token_store(
    sources: Sequence[Source],
    load_tokenizer: Callable[[], Tokenizer],
    out_dir: str | os.PathLike[str],
    *,
    bos: bool = True,
    eos: bool = True,
    workers: int | None = None,
    progress: bool | None = None,
    chunk_size: int = CHUNK,
) -> TokenStore:
    """Encodes all documents into the store `out_dir`, which appears whole or not at all.

    The store is the same, bit for bit, for any number of processes. What is encoded already is kept
    in OUT.parts until the store is there, and found again after an interruption. A store that is
    there already, of the same sources and tokenizer, is returned as it is.

    With several processes, a script that calls this needs `if __name__ == "__main__":`, as any use
    of multiprocessing does.

    Args:
        sources: read one behind the other.
        load_tokenizer: makes the tokenizer, once in each process; a function of a module, or
            functools.partial(load_tokenizer, path).
        out_dir: folder of the store.
        bos: begin each document with BOS.
        eos: end each document with EOS.
        workers: processes that encode; None for one per CPU.
        progress: show a bar on stderr; None for where stderr is a terminal.
        chunk_size: characters that are encoded in one go; decides nothing but the work of a part.

    Raises:
        InputError: no documents, an unreadable source, ids outside the vocabulary, or `out_dir`
            holds something else.
    """
    out_dir = Path(out_dir)
    workers = (os.cpu_count() or 1) if workers is None else workers
    if workers < 1:
        raise InputError(f"{workers} workers: there must be at least 1")
    tokenizer = load_tokenizer()
    described = [source.describe() for source in sources]
    request = {
        "bos": bos,
        "eos": eos,
        "tokenizer": {
            n: getattr(tokenizer, n) for n in ("sha256", "vocab_size", "bos_id", "eos_id")
        },
        "sources": described,
    }
    if out_dir.exists():
        return _same_store(out_dir, request)
    parts = out_dir.with_name(f"{out_dir.name}.parts")
    key = json.dumps([VERSION, bos, eos, request["tokenizer"]], sort_keys=True)
    found = chunks(_documents(sources), parts, key, chunk_size)
    first = next(found, None)
    if first is None:
        raise InputError("the corpus is empty: no document with text in any source")
    parts.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(load_tokenizer, bos, eos)
    made = make_parts(_then(first, found), recipe, workers)
    paths = _with_bar(made, sources, out_dir.name, progress)
    _join(paths, request, token_dtype(tokenizer.vocab_size), out_dir)
    shutil.rmtree(parts)
    return open_token_store(out_dir, verify=False)


def _documents(sources: Sequence[Source]) -> Iterator[Document]:
    for source in sources:
        yield from source.documents()


def _then(first: Chunk, rest: Iterator[Chunk]) -> Iterator[Chunk]:
    yield first
    yield from rest


def _with_bar(
    made: Iterator[Chunk], sources: Sequence[Source], name: str, progress: bool | None
) -> list[Path]:
    """Waits for all parts; their files in order."""
    sizes = [source.size() for source in sources]
    total = None if None in sizes else sum(sizes)
    disable = None if progress is None else not progress
    paths = []
    with tqdm(
        total=total, unit="B", unit_scale=True, desc=f"tokenize {name}", disable=disable
    ) as bar:
        for chunk in made:
            paths.append(chunk.path)
            bar.update(sum(len(text.encode()) for text, _ in chunk.documents))
    return paths


def _join(paths: list[Path], request: dict[str, Any], dtype: np.dtype, out_dir: Path) -> None:
    """Writes the parts behind each other into a folder beside `out_dir`, then renames it."""
    beside = out_dir.with_name(f"{out_dir.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        tokens, documents, largest = 0, 0, 0
        digests = {name: hashlib.sha256() for name in (TOKENS, OFFSETS, DOCUMENTS)}
        files = {name: (beside / name).open("wb") for name in digests}

        def write(name: str, array: np.ndarray) -> None:
            content = array.tobytes()
            files[name].write(content)
            digests[name].update(content)

        write(OFFSETS, np.zeros(1, "<i8"))
        for path in paths:
            part = read_part(path)
            write(TOKENS, part.tokens.astype(dtype))
            write(OFFSETS, (tokens + np.cumsum(part.lengths)).astype("<i8"))
            write(DOCUMENTS, part.hashes.astype("<u8"))
            tokens += len(part.tokens)
            documents += len(part.lengths)
            largest = max(largest, int(part.tokens.max()))
        _close(files.values())
        counts = {"tokens": tokens, "documents": documents, "largest_id": largest}
        meta = {"format": FORMAT, "version": VERSION, "dtype": dtype.str} | counts | request
        meta["files"] = {name: digest.hexdigest() for name, digest in digests.items()}
        text = json.dumps(seal(meta), indent=1)
        (beside / META).write_text(text, encoding="utf-8")
        os.replace(beside, out_dir)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _close(files: Iterable[Any]) -> None:
    """Closes files once their bytes are on the disk: the rename must not come before them."""
    for file in files:
        file.flush()
        os.fsync(file.fileno())
        file.close()


def _same_store(out_dir: Path, request: dict[str, Any]) -> TokenStore:
    """The store that is there, if it is the one that would be built."""
    store = open_token_store(out_dir)
    there, here = _comparable(store.meta), _comparable(request)
    if different := [name for name in here if there[name] != here[name]]:
        told = "; ".join(f"{n} is {there[n]} there and {here[n]} here" for n in different)
        raise InputError(
            f"{out_dir}: holds another token store: {told}; give another folder, or delete it"
        )
    return store


def _comparable(request: dict[str, Any]) -> dict[str, Any]:
    """What must agree, shortened to what a person can compare."""
    sources = [
        {k: v for k, v in source.items() if k not in ("path", "bytes")}
        for source in request["sources"]
    ]
    digest = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
    return {
        "bos": request["bos"],
        "eos": request["eos"],
        "the tokenizer": request["tokenizer"]["sha256"][:16],
        "the sources' digest": digest[:16],
    }
