"""Other people's weights: which kind they are, described, and read into our tree.

    recognise(path) -> "hf" | "llama2c" | "llama_jax"
    open_weights(path) -> StoredWeights(config, params still in their file, kind, where, tokenizer)
    read(path, dtype=None) -> Weights(config, params, kind, tokenizer)
    place(stored, shardings, dtype=None) -> params on their devices

Every tensor's name, shape and dtype is checked against `abstract_params(config)`; what does not fit
is an InputError that names it.
"""

from pathlib import Path

from llama_jax.weights.checks import float_dtype
from llama_jax.weights.digest import array_digest, params_sha256
from llama_jax.weights.kinds import recognise
from llama_jax.weights.stored import open_weights, place, read_all, use_newest_good
from llama_jax.weights.types import StoredWeights, Weights

__all__ = [
    "StoredWeights",
    "Weights",
    "array_digest",
    "open_weights",
    "params_sha256",
    "place",
    "read",
    "read_all",
    "recognise",
    "use_newest_good",
]


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

    return use_newest_good(path, use)
