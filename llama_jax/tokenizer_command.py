"""`llama-jax tokenizer`: a tokenizer is trained on text."""

import itertools
import json
import os
import time
from pathlib import Path
from typing import Annotated, Literal

import tyro

from llama_jax.errors import InputError

SAMPLE = 1_000_000  # characters of the corpus that the printed rate is of


def tokenizer(
    action: Annotated[Literal["train"], tyro.conf.Positional],
    files: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILE")],
    /,
    *,
    out: Path,
    kind: Literal["bpe", "char"] = "bpe",
    vocab_size: int | None = None,
    character_coverage: float | None = None,
    byte_fallback: bool = True,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Train a tokenizer on text files; the result is a SentencePiece model.

    Args:
        action: train is all there is.
        files: UTF-8 text, or JSONL whose objects have "text".
        out: the file to write, which must not exist; tokenizer.model by custom.
        kind: bpe as Llama's: digits split, byte fallback, no normalisation, a space put before each
            text; char: one token per character, line ends too, nothing put before a text.
        vocab_size: number of pieces; bpe: needed; char: default all characters.
        character_coverage: share of the characters that get a piece; default 0.99995, char 1.
        byte_fallback: no-byte-fallback: without the 256 pieces for bytes, char only; what is no
            piece is <unk> then.
        json_output: print JSON.
    """
    del action
    from llama_jax.tokenizer import SentencePieceTokenizer, corpus, train

    _check(files, out, kind, vocab_size, byte_fallback)
    begun = time.perf_counter()
    texts = corpus.read_texts(files)
    options = {} if character_coverage is None else {"character_coverage": character_coverage}
    if kind == "bpe":
        made = train.train_bpe(texts, vocab_size, **options)
    else:
        made = train.train_char(texts, vocab_size, byte_fallback=byte_fallback, **options)
    seconds = time.perf_counter() - begun
    trained = SentencePieceTokenizer(made, str(out))
    _write(out, made)
    lines = itertools.chain.from_iterable(corpus.read_texts(files))
    sample = "".join(itertools.islice(lines, SAMPLE))
    tokens, size = len(trained.encode(sample)), len(sample.encode())
    found = {"file": str(out), "kind": kind, "vocab_size": trained.vocab_size}
    found |= {"sha256": trained.sha256, "seconds": round(seconds, 3)}
    found |= {"sample_bytes": size, "sample_tokens": tokens, "tokens_per_byte": tokens / size}
    if json_output:
        print(json.dumps(found, indent=1))
        return
    print(
        f"{out}: {kind}, {trained.vocab_size} pieces, {seconds:.1f} s; {tokens} tokens for the "
        f"corpus's first {size} bytes, {tokens / size:.4f} per byte; sha256 {trained.sha256}"
    )


def _check(
    files: tuple[Path, ...], out: Path, kind: str, vocab_size: int | None, byte_fallback: bool
) -> None:
    for path in files:
        if not path.is_file():
            raise InputError(f"{path}: no such file; give text files or JSONL")
    if not files:
        raise InputError("no files: give text files or JSONL to train on")
    if out.exists():
        raise InputError(f"{out}: exists; a model may depend on it: choose another, or remove it")
    if not out.parent.is_dir():
        raise InputError(f"{out.parent}: no such folder to write {out.name} to")
    if kind == "bpe" and vocab_size is None:
        raise InputError("bpe: give --vocab-size, the number of pieces (Llama's is 32000)")
    if kind == "bpe" and not byte_fallback:
        raise InputError("bpe: --no-byte-fallback is for --kind char; Llama's BPE has the bytes")


def _write(out: Path, data: bytes) -> None:
    """Writes the file whole or not at all."""
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        partial.write_bytes(data)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
