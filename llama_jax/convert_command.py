"""`llama-jax convert`: weights from one format to another."""

import json
from pathlib import Path
from typing import Annotated, Literal

import tyro

from llama_jax.command_options import DType

Source = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SRC")]
Target = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DST")]


def convert(
    source: Source,
    target: Target,
    /,
    *,
    to: Literal["hf", "meta", "llama2c", "orbax"],
    dtype: DType | None = None,
    tokenizer: Path | None = None,
    shards: int | None = None,
    version: Literal[0, 1, 2] | None = None,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Convert weights to Hugging Face's, Meta's, llama2.c's or our own format.

    Args:
        source: Hugging Face or Meta directory, llama2.c .bin, GGUF file, or checkpoint of ours.
        target: directory that is absent or empty; for llama2c a file that is absent, named .bin.
        to: format to write; orbax is a checkpoint of ours.
        dtype: to convert to; default: what is stored.
        tokenizer: tokenizer file that goes with the weights; default: the source's own.
        shards: how many files hold the weights (hf), or how many parts the model has (meta).
        version: of llama2.c's format: 0 for run.c (default), 2 (int8) for runq.c.
        json_output: print JSON.
    """
    from llama_jax.weights.convert import convert as convert_weights

    written = convert_weights(
        source, target, to, dtype=dtype, tokenizer=tokenizer, shards=shards, version=version
    )
    files = [target] if target.is_file() else [f for f in target.rglob("*") if f.is_file()]
    size = sum(file.stat().st_size for file in files)
    if json_output:
        made = {"path": str(target), "kind": to, "from": written.kind}
        print(json.dumps({**made, "files": len(files), "bytes": size}))
        return
    print(f"{target}: {to} from {written.kind}, {len(files)} files, {size} bytes")
    if written.tokenizer is None and to != "llama2c":
        print("no tokenizer: the source brings none; add it with --tokenizer")
