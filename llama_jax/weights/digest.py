"""SHA-256 of arrays and of whole parameter trees: which weights these are, bit for bit."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from llama_jax.weights.tree import flatten


def array_digest(array: Any) -> str:
    """Hexadecimal SHA-256 over the dtype's name, the shape, and the values in C order.

    The same for a NumPy and a JAX array, and for any strides or byte order in memory; a JAX array
    is copied to the host, which must be able to reach all of it.
    """
    host = np.asarray(array)
    return digest_in_parts(host.dtype, host.shape, [host])


def digest_in_parts(dtype: np.dtype, shape: tuple[int, ...], parts: Iterable[np.ndarray]) -> str:
    """The `array_digest` of the array whose values `parts` hold, one behind the other."""
    digest = hashlib.sha256(f"{dtype.name}[{','.join(map(str, shape))}]".encode())
    for part in parts:
        if part.dtype.byteorder == ">":
            part = part.astype(part.dtype.newbyteorder("<"))
        # bfloat16 has no buffer protocol: hash its bytes.
        digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8))
    return digest.hexdigest()


def params_sha256(params: Any, read: Callable[[Any], Any] = np.asarray) -> str:
    """Hexadecimal SHA-256 over the sorted lines "path digest" of all arrays.

    Args:
        params: a tree, or pairs of path and array, such as `layouts.stacked_arrays` gives.
        read: an array of it to the host; another one where arrays lie on several hosts.
    """
    pairs = flatten(params).items() if isinstance(params, dict) else params
    return digest_of_digests({path: array_digest(read(leaf)) for path, leaf in pairs})


def digest_of_digests(digests: Mapping[str, str]) -> str:
    """The `params_sha256` of a tree, from path -> `array_digest`."""
    lines = sorted(f"{path} {digest}\n" for path, digest in digests.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
