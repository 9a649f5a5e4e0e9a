"""Hugging Face directories, written: config.json, safetensors with an index, tokenizer files."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from llama_jax.errors import InputError
from llama_jax.model.decoder import abstract_params
from llama_jax.weights.hf import INDEX, NAMES, ONE_FILE
from llama_jax.weights.hf_config import to_fields
from llama_jax.weights.hf_tokenizer_write import write_tokenizer
from llama_jax.weights.layout import stored_shape, to_stored
from llama_jax.weights.safetensors_write import Entry, write_file
from llama_jax.weights.tree import flatten
from llama_jax.weights.types import StoredWeights

SHARD_BYTES = 5 * 10**9  # transformers' default


def write(
    weights: StoredWeights,
    directory: Path,
    max_shard_bytes: int = SHARD_BYTES,
    shards: int | None = None,
) -> None:
    """Writes a directory that transformers loads, one tensor at a time.

    Args:
        weights: each parameter keeps its dtype.
        directory: made if absent; files of the same names are overwritten.
        max_shard_bytes: of tensors in a file; a single larger tensor has a file of its own.
        shards: cut into this many files of about one size instead.

    Raises:
        InputError: no positive number of bytes or files, or an unreadable tokenizer.
    """
    places = _places(weights)
    entries = [entry for entry, _, _ in places]
    if max_shard_bytes < 1 or (shards is not None and not 1 <= shards <= len(entries)):
        raise InputError(
            f"max_shard_bytes {max_shard_bytes} must be positive, and shards {shards} be 1 to "
            f"{len(entries)}, the number of tensors"
        )
    sizes = [entry.size for entry in entries]
    cuts = _by_size(sizes, max_shard_bytes) if shards is None else _by_number(sizes, shards)
    directory.mkdir(parents=True, exist_ok=True)
    names = [ONE_FILE]
    if len(cuts) > 1:
        names = [f"model-{i:05}-of-{len(cuts):05}.safetensors" for i in range(1, len(cuts) + 1)]
    weight_map = {}
    for name, cut in zip(names, cuts, strict=True):
        write_file(directory / name, entries[cut], _tensors(weights, places[cut]))
        weight_map |= dict.fromkeys((entry.name for entry in entries[cut]), name)
    if len(cuts) > 1:
        index = {"metadata": {"total_size": sum(sizes)}, "weight_map": weight_map}
        _write_json(directory / INDEX, index)
    special = write_tokenizer(weights.tokenizer, directory)
    dtype = weights.params["embedding"].dtype.name
    _write_json(
        directory / "config.json", {**to_fields(weights.config), **special, "torch_dtype": dtype}
    )


def _places(weights: StoredWeights) -> list[tuple[Entry, str, int | None]]:
    """What is written, with the parameter's path and layer, layer by layer as transformers does."""
    abstract = flatten(abstract_params(weights.config))
    order: list[tuple[str, int | None]] = [("embedding", None)]
    stacked = [path for path in NAMES if path.startswith("layers/")]
    order += [(path, layer) for layer in range(weights.config.layers) for path in stacked]
    order += [(path, None) for path in ("final_norm/scale", "output") if path in abstract]
    places = []
    for path, layer in order:
        shape = abstract[path].shape if layer is None else abstract[path].shape[1:]
        name = NAMES[path].format(layer=layer)
        entry = Entry(name, weights.params[path].dtype, stored_shape(path, shape))
        places.append((entry, path, layer))
    return places


def _tensors(weights: StoredWeights, places: list) -> Iterator[np.ndarray]:
    for _, path, layer in places:
        yield to_stored(path, weights.params[path].read(layer))


def _by_size(sizes: list[int], most: int) -> list[slice]:
    """Consecutive tensors of at most `most` bytes, or a single one.

    >>> _by_size([3, 3, 9, 1], 6)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None)]
    """
    starts, held = [0], 0
    for i, size in enumerate(sizes):
        if held and held + size > most:
            starts.append(i)
            held = 0
        held += size
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(sizes)], strict=True)]


def _by_number(sizes: list[int], shards: int) -> list[slice]:
    """`shards` runs of consecutive tensors, each ended where its share of the bytes is reached.

    >>> _by_number([4, 1, 1, 1, 1], 2)
    [slice(0, 1, None), slice(1, 5, None)]
    """
    starts, held = [0], 0
    for i, size in enumerate(sizes):
        left = shards - len(starts)
        due = held * shards >= sum(sizes) * len(starts) or len(sizes) - i == left
        if left and i and due:
            starts.append(i)
        held += size
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(sizes)], strict=True)]


def _write_json(path: Path, fields: dict) -> None:
    path.write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")
