"""Meta's own directories: params.json and consolidated.00.pth, .01, ... of one model.

The files are mapped; a parameter's layer is put together from the shards when it is asked for.
What `meta_layout` says of names, splits and the order of rows is checked here before anything is
returned, and so is whether the shards are of one model.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.model.decoder import abstract_params
from llama_jax.weights.checks import (
    common_dtype,
    float_dtype,
    listed,
)
from llama_jax.weights.layout import from_stored
from llama_jax.weights.meta_checks import check_count, check_layers, check_one_model, check_shares
from llama_jax.weights.meta_layout import (
    AXES,
    BUFFER,
    COLUMNS,
    NAMES,
    ROWS,
    Shards,
    tensor_name,
    to_our_rows,
)
from llama_jax.weights.meta_params import OURS, PARAMS, config_from, read_object, whole
from llama_jax.weights.torch_file import TorchTensor, read_torch
from llama_jax.weights.tree import flatten
from llama_jax.weights.types import StoredParam, StoredWeights

SHARD = re.compile(r"consolidated\.(\d\d)\.pth")


def open(directory: Path) -> StoredWeights:
    """Meta's weights, still in their files.

    Args:
        directory: holds params.json and consolidated.*.pth.

    Raises:
        InputError: a shard is missing, damaged, hostile or of another model, or params.json and
            the tensors disagree.
    """
    files = shard_files(directory)
    fields = read_object(directory / PARAMS)
    ours = read_object(directory / OURS) if (directory / OURS).exists() else {}
    shards = [_tensors(file) for file in files]
    check_layers(directory, files, shards, whole(str(directory / PARAMS), fields, "n_layers"))
    check_count(directory, shards, whole(str(directory / PARAMS), fields, "dim"))
    axes = {**AXES, **({"embedding": _embedding_axis(shards)} if len(shards) > 1 else {})}
    config = config_from(
        str(directory / PARAMS), fields, ours,
        ffn_size=len(shards) * shards[0][tensor_name("layers/feed_forward/gate", 0)].shape[0],
        vocab_size=len(shards) * shards[0][NAMES["output"]].shape[0],
        tied=_tied(shards, axes),
    )  # fmt: skip
    abstract = flatten(abstract_params(config))
    check_shares(files, shards, config, abstract, axes)
    check_one_model(files, shards)
    tokenizers = (folder / "tokenizer.model" for folder in (directory, directory.resolve().parent))
    return StoredWeights(
        config,
        {
            path: _stored(directory, shards, config, path, leaf.shape, axes)
            for path, leaf in abstract.items()
        },
        "meta",
        str(directory),
        next((path for path in tokenizers if path.is_file()), None),
    )


def shard_files(directory: Path) -> list[Path]:
    """The consolidated files in their order, without a gap."""
    found = {int(m[1]): p for p in directory.iterdir() if (m := SHARD.fullmatch(p.name))}
    if not found:
        raise InputError(f"{directory}: no consolidated.00.pth")
    absent = [f"consolidated.{i:02}.pth" for i in range(max(found)) if i not in found]
    if absent:
        raise InputError(f"{directory}: shards missing: {listed(absent)}")
    return [found[i] for i in sorted(found)]


def _tensors(file: Path) -> dict[str, TorchTensor]:
    tensors = {n: t for n, t in read_torch(file).items() if not BUFFER.fullmatch(n)}
    for name, tensor in tensors.items():
        try:
            float_dtype(tensor.dtype)
        except InputError as error:
            raise InputError(f"{file}: {name}: {error}") from error
    return tensors


def _embedding_axis(shards: Shards) -> int:
    """Columns are split where a shard has as many rows as all output matrices together."""
    rows = len(shards) * shards[0][NAMES["output"]].shape[0]
    return COLUMNS if shards[0][NAMES["embedding"]].shape[0] == rows else ROWS


def _tied(shards: Shards, axes: dict) -> bool:
    """Whether output and embedding are the same bit for bit; the first row tells most apart."""
    output, embedding = NAMES["output"], NAMES["embedding"]
    if shards[0][output].dtype != shards[0][embedding].dtype:
        return False
    first = [shard[embedding].open()[:1] for shard in shards]
    row = np.concatenate(first, 1) if axes.get("embedding") == COLUMNS else first[0]
    if row.tobytes() != shards[0][output].open()[:1].tobytes():
        return False
    a, b = _joined(shards, embedding, axes.get("embedding")), _joined(shards, output, ROWS)
    return a.shape == b.shape and all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


def _joined(shards: Shards, name: str, axis: int | None) -> np.ndarray:
    """The whole tensor; a view of the file where there is one shard, or each has all of it."""
    if axis is None or len(shards) == 1:
        return shards[0][name].open()
    return np.concatenate([shard[name].open() for shard in shards], axis)


def _stored(
    directory: Path, shards: Shards, config: LlamaConfig, path: str, shape: tuple, axes: dict
) -> StoredParam:
    stacked = path.startswith("layers/")
    layers = range(shape[0]) if stacked else [None]
    names = [tensor_name(path, layer) for layer in layers]
    dtype = common_dtype(str(directory), {name: shards[0][name].dtype for name in names})

    def read_layer(layer: int | None) -> np.ndarray:
        matrix = _joined(shards, tensor_name(path, layer), axes.get(path))
        layer_shape = shape[1:] if stacked else shape
        return from_stored(path, to_our_rows(path, config, matrix), layer_shape)

    read: Callable[[int | None], np.ndarray] = read_layer
    return StoredParam(tuple(shape), dtype, read)
