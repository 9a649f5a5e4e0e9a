"""Whether consolidated files are all of one model, each with its share, and of these params.json.

Every function raises InputError that says which file or key, and both values.
"""

import re
from pathlib import Path

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.weights.checks import check_names, check_shapes, listed
from llama_jax.weights.layout import stored_shape
from llama_jax.weights.meta_layout import NAMES, Shards, tensor_name
from llama_jax.weights.meta_params import PARAMS


def check_layers(directory: Path, files: list[Path], shards: Shards, layers: int) -> None:
    """Every shard has all the names of `layers` layers, matrices and vectors where they belong."""
    for file, tensors in zip(files, shards, strict=True):
        numbers = [re.match(r"layers\.(\d{1,6})\.", name) for name in tensors]
        found = max((int(n[1]) + 1 for n in numbers if n), default=0)
        if found != layers:
            raise InputError(
                f"{directory / PARAMS}: n_layers is {layers} and {file.name} has {found} layers; "
                "the two are not of one model"
            )
        expected = [
            tensor_name(path, layer)
            for path in NAMES
            for layer in (range(layers) if path.startswith("layers/") else [None])
        ]
        check_names(str(file), expected, tensors)
        for name in expected:
            if len(tensors[name].shape) != 1 + (not name.endswith("norm.weight")):
                raise InputError(f"{file}: {name} has the shape {list(tensors[name].shape)}")


def check_count(directory: Path, shards: Shards, dim: int) -> None:
    """The columns of wo tell how many shards there were: [D, D / shards] each."""
    rows, columns = shards[0][tensor_name("layers/attention/output", 0)].shape
    if rows != dim:
        raise InputError(
            f"{directory / PARAMS}: dim is {dim} and the tensors' is {rows}; the two are not of "
            "one model"
        )
    if columns and rows % columns == 0 and rows // columns != len(shards):
        count = rows // columns
        absent = [f"consolidated.{i:02}.pth" for i in range(len(shards), count)]
        what = f"missing: {listed(absent)}" if absent else "some are of another model"
        raise InputError(
            f"{directory}: {len(shards)} shards of a model that was split over {count}; {what}"
        )


def check_shares(
    files: list[Path], shards: Shards, config: LlamaConfig, abstract: dict, axes: dict
) -> None:
    """Every shard has its share of each of our parameters' shapes."""
    expected = {}
    for path, leaf in abstract.items():
        stacked = path.startswith("layers/")
        shape = list(stored_shape(path, leaf.shape[1:] if stacked else leaf.shape))
        if path in axes:
            if shape[axes[path]] % len(shards):
                raise InputError(
                    f"{files[0].parent}: {len(shards)} shards cannot share the {shape[axes[path]]} "
                    f"{'columns' if axes[path] else 'rows'} of {NAMES[path]}"
                )
            shape[axes[path]] //= len(shards)
        layers = range(leaf.shape[0]) if stacked else [None]
        expected |= {tensor_name(path, layer): tuple(shape) for layer in layers}
    if config.tied_embeddings:
        expected[NAMES["output"]] = shards[0][NAMES["output"]].shape
    for file, tensors in zip(files, shards, strict=True):
        check_shapes(str(file), expected, {name: t.shape for name, t in tensors.items()})


def check_one_model(files: list[Path], shards: Shards) -> None:
    """What every shard has must be the same; what is dealt out must not be there twice."""
    for file, tensors in zip(files[1:], shards[1:], strict=True):
        for name, first in shards[0].items():
            other = tensors[name]
            if other.dtype != first.dtype:
                raise InputError(
                    f"{file}: {name} is {other.dtype}, and {first.dtype} in {files[0].name}; they "
                    "are not of one model"
                )
            if name.endswith("norm.weight") and other.open().tobytes() != first.open().tobytes():
                raise InputError(
                    f"{file}: {name} differs from that of {files[0].name}, and every shard of a "
                    "model has the same; they are of two models"
                )
    seen: dict[bytes, Path] = {}
    for file, tensors in zip(files, shards, strict=True):
        row = tensors[tensor_name("layers/attention/query", 0)].open()[0]
        earlier = seen.setdefault(row.tobytes(), file)
        if earlier != file and row.any():
            raise InputError(f"{file}: holds the same part of the model as {earlier.name}")
