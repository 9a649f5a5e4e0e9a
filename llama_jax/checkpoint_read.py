"""Reading a step: every array is compared with its digest before anybody gets to see it."""

import functools
import hashlib
import json
from typing import Any

import jax
import numpy as np
from etils import epath

from llama_jax import checkpoint_digests as digests
from llama_jax import checkpoint_metadata as described
from llama_jax.checkpoint_arrays import is_stacked
from llama_jax.checkpoint_files import BadStep, PathLike, steps, steps_directory
from llama_jax.checkpoint_metadata import Metadata
from llama_jax.checkpoint_orbax import (
    read_array,
    read_arrays,
    read_files,
    read_layer,
    splits_layers,
)
from llama_jax.weights.checks import listed
from llama_jax.weights.place_param import place_param


def metadata_of(directory: epath.Path) -> Metadata:
    """The metadata of a step, with digests; the tokenizer is verified too.

    Raises:
        BadStep: damaged.
        InputError: of a newer format.
    """
    metadata = _plain_metadata(directory)
    if not all(record.parts for record in metadata.arrays.values()):
        metadata = described.with_digests(
            metadata, digests.decode(read_files(directory, "digests"))
        )
    described.check_params(str(directory), metadata.config, metadata.arrays_of("params"))
    if metadata.tokenizer is not None:
        found = read_files(directory, "tokenizer").get(metadata.tokenizer.name, b"")
        if hashlib.sha256(found).hexdigest() != metadata.tokenizer.sha256:
            raise BadStep(f"tokenizer/{metadata.tokenizer.name} does not match its digest")
    return metadata


def good_arrays(metadata: Metadata, item: str) -> dict[str, np.ndarray]:
    """Path -> array of one item, on the host; BadStep unless each agrees with its digest."""
    if not metadata.arrays_of(item):
        return {}
    arrays = read_arrays(metadata.directory, item)
    damaged = described.damaged_arrays(metadata, item, arrays)
    if damaged:
        raise BadStep(f"{listed(damaged)} does not match its digest")
    return arrays


def good_param(metadata: Metadata, path: str, item: str = "params") -> np.ndarray:
    """One array of an item, on the host; BadStep unless it agrees with its digest."""
    saved = metadata.arrays[f"{item}/{path}"]
    array = read_array(metadata.directory, item, path)
    if (array.dtype.name, array.shape) != (saved.dtype, saved.shape) or not digests.matches(
        array, saved.parts
    ):
        raise BadStep(f"{item}/{path} does not match its digest")
    return array


def reads_layers(metadata: Metadata, path: str) -> bool:
    """Whether `good_layer` reads this parameter: a stacked one, of a step that is not older."""
    return is_stacked(path) and splits_layers(metadata.directory, "params")


def good_layer(metadata: Metadata, path: str, layer: int, item: str = "params") -> np.ndarray:
    """A layer of a stacked array; BadStep unless it agrees with its digest."""
    saved = metadata.arrays[f"{item}/{path}"]
    array = read_layer(metadata.directory, item, path, layer)
    if (array.dtype.name, array.shape) != (saved.dtype, saved.shape[1:]) or not digests.matches(
        array[None], digests.of_layer(saved.parts, layer)
    ):
        raise BadStep(f"{item}/{path} of layer {layer} does not match its digest")
    return array


def verify(directory: epath.Path) -> Metadata:
    """Reads all of a step; BadStep when anything is damaged."""
    metadata = metadata_of(directory)
    for item in ("params", "opt_state"):
        if not splits_layers(directory, item):
            good_arrays(metadata, item)
            continue
        for path, record in metadata.arrays_of(item).items():
            if is_stacked(path):
                for layer in range(record.shape[0]):
                    good_layer(metadata, path, layer, item)
            else:
                good_param(metadata, path, item)
    return metadata


def place(metadata: Metadata, item: str, target: Any) -> Any:
    """The arrays of an item on the shardings of an abstract tree; BadStep where one is damaged.

    Every process reads all of them, to compare the digests, and gives its devices their parts; it
    holds a layer at a time, or an array that has none. Steps of older versions are held as a whole.
    """
    split = splits_layers(metadata.directory, item)
    held = {} if split else good_arrays(metadata, item)

    def placed(path, leaf) -> jax.Array:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        stacked = split and is_stacked(name)

        @functools.lru_cache(maxsize=1)  # for all parts of a layer
        def read(layer: int | None) -> np.ndarray:
            if layer is not None:
                return good_layer(metadata, name, layer, item)
            return good_param(metadata, name, item) if split else held.pop(name)

        return jax.block_until_ready(
            place_param(
                leaf.shape,
                np.dtype(leaf.dtype),
                getattr(leaf, "sharding", None),
                lambda layer, index: np.asarray(read(layer)[index]),
                stacked=stacked,
            )
        )

    return jax.tree_util.tree_map_with_path(placed, target)


def best_step(path: PathLike) -> int | None:
    """The step with the lowest validation loss that was recorded; None where none was."""
    losses = {}
    directory = steps_directory(epath.Path(path))
    for step in steps(path):
        try:
            metrics = _plain_metadata(directory / str(step)).metrics
        except BadStep:
            continue
        if "validation_loss" in metrics:
            losses[step] = metrics["validation_loss"]
    return min(losses, key=losses.__getitem__, default=None)


def _plain_metadata(directory: epath.Path) -> Metadata:
    raw = read_files(directory, "metadata").get("metadata", b"")
    try:
        encoded = json.loads(raw)
    except ValueError as error:
        raise BadStep(f"metadata: {error}") from error
    return described.decode_metadata(encoded, directory)
