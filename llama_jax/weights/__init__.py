"""Other people's weights: which kind they are, described, and read into our tree.

    recognise(path) -> "hf" | "meta" | "llama2c" | "gguf" | "llama_jax"
    open_weights(path) -> StoredWeights(config, params still in their file, kind, where, tokenizer)
    read(path, dtype=None) -> Weights(config, params, kind, tokenizer)
    load(path, use) -> what `use` makes of StoredWeights that fit their manifest
    place(stored, shardings, dtype=None) -> params on their devices
    place_unstacked(stored, dtype=None) -> params in the decode layout

Every tensor's name, shape and dtype is checked against `abstract_params(config)`; what does not fit
is an InputError that names it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from llama_jax.weights.checks import float_dtype
from llama_jax.weights.digest import array_digest, params_sha256
from llama_jax.weights.kinds import recognise
from llama_jax.weights.manifest import check_manifest, write_manifest
from llama_jax.weights.stored import (
    open_weights,
    place,
    place_unstacked,
    read_all,
    use_newest_good,
)
from llama_jax.weights.types import StoredWeights, Weights

__all__ = [
    "StoredWeights",
    "Weights",
    "array_digest",
    "check_manifest",
    "load",
    "open_weights",
    "params_sha256",
    "place",
    "place_unstacked",
    "read",
    "read_all",
    "recognise",
    "write_manifest",
]
T = TypeVar("T")


def load(path: str | Path, use: Callable[[StoredWeights], T]) -> T:
    """What `use` makes of the weights at `path`, which are held against their manifest first.

    A checkpoint of ours that turns out to be damaged gives way to the next older one, unless its
    step was named.

    Raises:
        InputError: nothing readable there, or not what the manifest beside it says; and what `use`
            raises.
    """

    def checked(stored: StoredWeights) -> T:
        check_manifest(stored.where, stored)
        return use(stored)

    return use_newest_good(path, checked)


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

    def use(stored: StoredWeights) -> Weights:
        return Weights(stored.config, read_all(stored, dtype), stored.kind, stored.tokenizer)

    return load(path, use)
