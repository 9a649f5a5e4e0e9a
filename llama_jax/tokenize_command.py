"""`llama-jax data tokenize`: texts to a token store."""

import functools
import json
from pathlib import Path
from typing import Annotated, Literal

import tyro

Paths = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PATH")]


def tokenize(
    paths: Paths,
    /,
    *,
    tokenizer: Path,
    out: Path,
    separator: Literal["blank-line", "file"] = "blank-line",
    field: str = "text",
    tfds_split: str | None = None,
    bos: bool = True,
    eos: bool = True,
    workers: int | None = None,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Encode texts once into a token store, which training reads.

    Run it again after an interruption: what is encoded already is kept.

    Args:
        paths: text files (.jsonl: one JSON object a line), in order; with `tfds-split`, folders of
            prepared TFDS datasets.
        tokenizer: tokenizer file.
        out: folder of the store; appears when it is complete.
        separator: of a text file's documents: empty lines, or each file is one document.
        field: of a JSONL line or TFDS example that holds the text.
        tfds_split: the split to read, such as train.
        bos: begin each document with BOS.
        eos: end each document with EOS.
        workers: processes that encode; default: one per CPU.
        json_output: print JSON.
    """
    from llama_jax.data.sources import TfdsSplit, file_sources
    from llama_jax.data.token_build import build_token_store
    from llama_jax.errors import InputError
    from llama_jax.tokenizer import load_tokenizer

    if tfds_split is None:
        sources = file_sources(paths, separator, field)
    else:
        sources = tuple(TfdsSplit(str(path), tfds_split, field) for path in paths)
    for path in out.parents:
        if path.exists() and not path.is_dir():
            raise InputError(f"--out {out}: {path} is a file, not a folder; give another")
    load = functools.partial(load_tokenizer, tokenizer)
    store = build_token_store(sources, load, out, bos=bos, eos=eos, workers=workers)
    about = {
        "store": str(out),
        "documents": len(store),
        "tokens": len(store.tokens),
        "vocab_size": store.meta["tokenizer"]["vocab_size"],
        "sha256": store.sha256,
    }
    if json_output:
        print(json.dumps(about, indent=1))
    else:
        print(
            f"{out}: {len(store)} documents, {len(store.tokens)} tokens of a vocabulary of "
            f"{about['vocab_size']}; SHA-256 {store.sha256[:16]}"
        )
