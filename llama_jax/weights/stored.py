"""Weights that stay in their file until they are asked for, whatever kind they are."""

from pathlib import Path

import numpy as np

from llama_jax.model.decoder import abstract_params
from llama_jax.weights.checks import common_dtype, copy_checked
from llama_jax.weights.kinds import recognise
from llama_jax.weights.tree import flatten, unflatten
from llama_jax.weights.types import StoredParam, StoredWeights, Weights


def open_weights(path: str | Path) -> StoredWeights:
    """The model at `path`, its values still in the file.

    Raises:
        InputError: nothing readable there, or something is missing, unknown, damaged.
    """
    from llama_jax import weights
    from llama_jax.weights import gguf_file, llama2c

    path, kind = Path(path), recognise(path)
    openers = {"llama2c": llama2c.open, "gguf": gguf_file.open}
    return openers[kind](path) if kind in openers else in_memory(weights.read(path), str(path))


def in_memory(weights: Weights, where: str) -> StoredWeights:
    """Parameters that are in memory, as if they were stored."""

    def stored(array: np.ndarray) -> StoredParam:
        return StoredParam(array.shape, array.dtype, lambda i: array if i is None else array[i])

    params = {name: stored(array) for name, array in flatten(weights.params).items()}
    return StoredWeights(weights.config, params, weights.kind, where, weights.tokenizer)


def read_all(stored: StoredWeights, dtype=None) -> dict:
    """The parameters as a tree of NumPy arrays on the host, read one layer at a time.

    Args:
        stored: what a reader opened.
        dtype: to convert to; by default the one that all parameters share.
    """
    found = {name: param.dtype for name, param in stored.params.items()}
    dtype = common_dtype(stored.where, found, dtype)
    params = {}
    for name in flatten(abstract_params(stored.config)):
        param = stored.params[name]
        params[name] = np.empty(param.shape, dtype)
        if name.startswith("layers/"):
            for layer, target in enumerate(params[name]):
                copy_checked(stored.where, name, target, param.read(layer))
        else:
            copy_checked(stored.where, name, params[name], param.read(None))
    return unflatten(params)
