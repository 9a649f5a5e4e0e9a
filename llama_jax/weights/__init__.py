"""Other people's weights: which kind they are, and read into our tree of NumPy arrays.

    recognise(path) -> "hf" | "llama2c" | "gguf" | "llama_jax"
    read(path, dtype=None) -> Weights(config, params, kind, tokenizer)

Every tensor's name, shape and dtype is checked against `abstract_params(config)`; what does not fit
is an InputError that names it.
"""

from pathlib import Path

import numpy as np

from llama_jax.weights import hf
from llama_jax.weights.checks import copy_checked, float_dtype
from llama_jax.weights.digest import array_digest, params_sha256
from llama_jax.weights.kinds import recognise
from llama_jax.weights.stored import open_weights, read_all
from llama_jax.weights.tree import flatten, unflatten
from llama_jax.weights.types import Weights

__all__ = ["Weights", "array_digest", "params_sha256", "read", "recognise"]


def read(path: str | Path, dtype=None) -> Weights:
    """Reads the weights at `path`, whatever kind they are, onto the host.

    Args:
        path: see `recognise`.
        dtype: float32, bfloat16 or float16 (dtype or name) to convert to; by default what is
            stored.

    Raises:
        InputError: nothing readable there, or something is missing, unknown, damaged.
    """
    if dtype is not None:
        dtype = float_dtype(dtype)
    kind = recognise(path)
    readers = {"hf": hf.read, "llama_jax": _read_ours}
    if kind in readers:
        return readers[kind](Path(path), dtype)
    stored = open_weights(path)
    return Weights(stored.config, read_all(stored, dtype), stored.kind, stored.tokenizer)


def _read_ours(path: Path, dtype) -> Weights:
    # Orbax takes over a second to import, and only our own checkpoints need it.
    from llama_jax import checkpoint

    config, params, metadata = checkpoint.restore_params(path)
    if dtype is not None:
        params = unflatten(
            {name: _converted(path, name, leaf, dtype) for name, leaf in flatten(params).items()}
        )
    tokenizer = metadata.tokenizer_path
    return Weights(config, params, "llama_jax", None if tokenizer is None else Path(tokenizer))


def _converted(path: Path, name: str, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if array.dtype == dtype:
        return array
    converted = np.empty(array.shape, dtype)
    copy_checked(str(path), name, converted, array)
    return converted
