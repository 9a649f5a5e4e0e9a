"""Parameters still in their files to arrays: in memory, or straight onto the devices.

    stored = open_weights(path)                   reads no values
    params = read_all(stored, "bfloat16")         NumPy arrays on the host
    params = place(stored, shardings)             JAX arrays where they belong

A layer is read and converted at a time, so that the host needs little beyond the parameters that it
returns, and next to nothing where devices hold them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Sharding

from llama_jax.model.layouts import unstacked
from llama_jax.weights import gguf_file, hf, llama2c, meta, ours
from llama_jax.weights.checks import common_dtype, copy_checked, float_dtype
from llama_jax.weights.kinds import recognise
from llama_jax.weights.place_param import place_param
from llama_jax.weights.tree import flatten, unflatten
from llama_jax.weights.types import StoredParam, StoredWeights, Weights, WholeParam

T = TypeVar("T")
OPENERS = {
    "hf": hf.open,
    "meta": meta.open,
    "llama2c": llama2c.open,
    "gguf": gguf_file.open,
    "llama_jax": ours.open,
}


def open_weights(path: str | Path) -> StoredWeights:
    """Describes the weights at `path`, whatever kind they are; no values are read.

    Raises:
        InputError: nothing readable there, or something is missing, unknown, of a wrong shape.
    """
    return OPENERS[recognise(path)](Path(path))


def in_memory(weights: Weights, where: str) -> StoredWeights:
    """Parameters that are in memory, as if they were stored: what was trained can be written."""

    def stored(array: np.ndarray) -> StoredParam:
        return StoredParam(array.shape, array.dtype, lambda i: array if i is None else array[i])

    params = {name: stored(np.asarray(array)) for name, array in flatten(weights.params).items()}
    return StoredWeights(weights.config, params, weights.kind, where, weights.tokenizer)


def use_newest_good(path: str | Path, use: Callable[[StoredWeights], T]) -> T:
    """What `use` makes of the weights at `path`.

    A checkpoint of ours whose values turn out to be damaged while `use` reads them gives way to the
    next older one, with a warning, unless its step was named.

    Raises:
        InputError: as `open_weights`, or no checkpoint is good; and what `use` raises.
    """
    if recognise(path) == "llama_jax":
        return ours.use_newest_good(path, use)
    return use(open_weights(path))


def chosen_dtype(stored: StoredWeights, dtype=None) -> np.dtype:
    """What to read into: `dtype` where given, else the dtype that all parameters share.

    Raises:
        InputError: they share none, or `dtype` is none of float32, bfloat16 and float16.
    """
    found = {path: param.dtype for path, param in stored.params.items()}
    return common_dtype(stored.where, found, dtype)


def read_all(stored: StoredWeights, dtype=None) -> dict:
    """The parameters as a tree of NumPy arrays on the host.

    Args:
        stored: of `open_weights`.
        dtype: float32, bfloat16 or float16 (dtype or name); None for what is stored.

    Raises:
        InputError: dtypes are mixed and none is given, or a value is damaged or does not fit.
    """
    kind = chosen_dtype(stored, dtype)
    params = {}
    for path, param in stored.params.items():
        if isinstance(param, WholeParam) and param.dtype == kind:
            params[path] = param.whole()
            continue
        params[path] = np.empty(param.shape, kind)
        for layer in layers_of(path, param):
            target = params[path] if layer is None else params[path][layer]
            convert_into(target, stored, path, layer, exact=dtype is None)
    return unflatten(params)


def place(
    stored: StoredWeights, shardings: Mapping[str, Sharding | None] | None = None, dtype=None
) -> dict:
    """The parameters as a tree of JAX arrays, each put onto its devices as it is read.

    Args:
        stored: of `open_weights`.
        shardings: path -> where it lies, None for the default device. Every process reads only what
            its devices hold.
        dtype: as in `read_all`.

    Raises:
        InputError: as in `read_all`.
    """
    kind = chosen_dtype(stored, dtype)
    placed = {}
    for path, param in stored.params.items():

        def read(layer, index, path=path):
            return read_converted(stored, path, kind, layer, index, exact=dtype is None)

        stacked = path.startswith("layers/")
        sharding = None if shardings is None else shardings[path]
        placed[path] = place_param(param.shape, kind, sharding, read, stacked=stacked)
        jax.block_until_ready(placed[path])  # else what was read may stay until it is moved
    return unflatten(placed)


def place_unstacked(stored: StoredWeights, dtype=None, asarray=jnp.asarray) -> dict:
    """The parameters in the decode layout on the default device, a layer at a time.

    Args and errors: as in `read_all`; `asarray` as in `layouts.unstacked`.
    """
    kind = chosen_dtype(stored, dtype)

    def reader(path: str) -> Callable[[int | None], np.ndarray]:
        param = stored.params[path]
        if isinstance(param, WholeParam):
            whole = param.whole()
            held = replace(param, read=lambda layer: whole if layer is None else whole[layer])
            source = replace(stored, params={path: held})
        else:
            source = stored
        return lambda layer: read_converted(source, path, kind, layer, exact=dtype is None)

    return unstacked(reader, stored.config, asarray)


def layers_of(path: str, param: StoredParam) -> range | tuple[None]:
    """What `param.read` is asked for, in order: layers, or None for all of it."""
    return range(param.shape[0]) if path.startswith("layers/") else (None,)


def read_converted(
    stored: StoredWeights,
    path: str,
    dtype,
    layer: int | None,
    index: tuple[slice, ...] = (),
    *,
    exact: bool = False,
) -> np.ndarray:
    """A layer of a parameter, or a part of it, in memory of its own; see `convert_into`."""
    part = stored.params[path].read(layer)[index]
    target = np.empty(part.shape, float_dtype(dtype))
    _copy(target, part, stored, path, layer, exact)
    return target


def convert_into(
    target: np.ndarray, stored: StoredWeights, path: str, layer: int | None, *, exact: bool = False
) -> None:
    """Reads a layer of a parameter into `target`, of any float dtype.

    Args:
        target: one layer's array.
        stored: of `open_weights`.
        path: of the parameter.
        layer: its index; None where the parameter has no layers.
        exact: refuse a layer of another dtype than `target`'s.

    Raises:
        InputError: float16 cannot hold a value, or layers mix dtypes where `exact` is wanted.
    """
    _copy(target, stored.params[path].read(layer), stored, path, layer, exact)


def _copy(target, source, stored, path, layer, exact) -> None:
    name = path if layer is None else f"{path} of layer {layer}"
    if exact:
        kinds = {"others": target.dtype, name: source.dtype.newbyteorder("=")}
        common_dtype(stored.where, kinds)
    copy_checked(stored.where, name, target, source)
