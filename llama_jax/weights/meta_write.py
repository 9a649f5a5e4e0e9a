"""Weights to Meta's layout: params.json, consolidated.00.pth, .01, ..., and the tokenizer.

Each layer of a parameter is read once, put into Meta's order of rows, and its parts are written to
all shards before the next is read.
"""

import contextlib
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.weights.layout import stored_shape, to_stored
from llama_jax.weights.meta_layout import AXES, COLUMNS, NAMES, ROWS, tensor_name, to_their_rows
from llama_jax.weights.meta_params import OURS, PARAMS, fields_from
from llama_jax.weights.torch_write import TorchWriter
from llama_jax.weights.types import StoredWeights

LLAMA3_VOCABULARY = 128256


def write(
    weights: StoredWeights,
    directory: Path,
    shards: int = 1,
    embedding_axis: int | None = None,
) -> None:
    """Writes a directory that Meta's code and `meta.open` read; all of it, or nothing.

    A tied output is written again, as in Meta's files of Llama 3.2.

    Args:
        weights: any that a reader of ours opened.
        directory: to write; must not exist, or be empty.
        shards: the number of model-parallel parts; must divide heads, key and value heads,
            feed-forward size, width and vocabulary.
        embedding_axis: which axis of the embedding is dealt out, ROWS or COLUMNS of `meta_layout`;
            by default as in the release: rows with Llama 3's vocabulary of 128256, else columns.

    Raises:
        InputError: `shards` does not divide, the directory is in use, or the disk is full.
    """
    _check_divides(weights.config, shards)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"{directory}: exists and is not an empty directory; name another")
    if embedding_axis is None:
        embedding_axis = ROWS if weights.config.vocab_size == LLAMA3_VOCABULARY else COLUMNS
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        _write_files(weights, unfinished, shards, {**AXES, "embedding": embedding_axis})
        unfinished.chmod(0o755)
        unfinished.replace(directory)
    except OSError as error:
        raise InputError(
            f"{directory}: not written, and nothing is left of it: {error.strerror or error}"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _check_divides(config: LlamaConfig, shards: int) -> None:
    if not 1 <= shards <= 99:
        raise InputError(f"shards is {shards}; 1 to 99 can be written")
    for name in ("heads", "kv_heads", "ffn_size", "dim", "vocab_size"):
        if getattr(config, name) % shards:
            raise InputError(f"{shards} shards do not divide {name} {getattr(config, name)}")


def _write_files(weights: StoredWeights, folder: Path, shards: int, axes: dict) -> None:
    places = _places(weights)
    announced = {
        tensor_name(path, layer): (
            weights.params[source].dtype,
            _share(weights, source, path, axes.get(path), shards),
        )
        for path, source, layer in places
    }
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(TorchWriter(folder / f"consolidated.{shard:02}.pth", announced))
            for shard in range(shards)
        ]
        for path, source, layer in places:
            matrix = to_stored(source, weights.params[source].read(layer))
            matrix = to_their_rows(path, weights.config, matrix)
            axis = axes.get(path)
            parts = [matrix] * shards if axis is None else np.split(matrix, shards, axis)
            for writer, part in zip(writers, parts, strict=True):
                writer.add(part)
    fields, ours = fields_from(weights.config)
    (folder / PARAMS).write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")
    (folder / OURS).write_text(json.dumps(ours, indent=2) + "\n", encoding="utf-8")
    if weights.tokenizer is not None:
        shutil.copyfile(weights.tokenizer, folder / weights.tokenizer.name)


def _places(weights: StoredWeights) -> list[tuple[str, str, int | None]]:
    """Path of Meta's tensor, of the parameter that fills it, and layer, in Meta's order."""
    tied, places = weights.config.tied_embeddings, []
    per_layer = [path for path in NAMES if path.startswith("layers/")]
    for path in NAMES:
        if path == per_layer[0]:
            layers = range(weights.config.layers)
            places += [(inner, inner, layer) for layer in layers for inner in per_layer]
        elif path not in per_layer:
            places.append((path, "embedding" if tied and path == "output" else path, None))
    return places


def _share(
    weights: StoredWeights, source: str, path: str, axis: int | None, shards: int
) -> tuple[int, ...]:
    shape = weights.params[source].shape
    shape = stored_shape(source, shape[1:] if path.startswith("layers/") else shape)
    return tuple(n // shards if at == axis else n for at, n in enumerate(shape))
