"""SHA-256 of arrays and of whole parameter trees: which weights these are, bit for bit."""

import hashlib
from typing import Any

import numpy as np

from llama_jax.weights.tree import flatten


def array_digest(array: Any) -> str:
    """Hexadecimal SHA-256 over the dtype's name, the shape, and the values in C order.

    The same for a NumPy and a JAX array, and for any strides or byte order in memory; a JAX array
    is copied to the host, which must be able to reach all of it.
    """
    host = np.asarray(array)
    if host.dtype.byteorder == ">":
        host = host.astype(host.dtype.newbyteorder("<"))
    head = f"{host.dtype.name}[{','.join(map(str, host.shape))}]"
    digest = hashlib.sha256(head.encode())
    # bfloat16 has no buffer protocol: hash its bytes.
    digest.update(np.ascontiguousarray(host).reshape(-1).view(np.uint8))
    return digest.hexdigest()


def params_sha256(params: Any) -> str:
    """Hexadecimal SHA-256 over the sorted lines "path digest" of all arrays.

    Args:
        params: a tree, or pairs of path and array, such as `layouts.stacked_arrays` gives.
    """
    pairs = flatten(params).items() if isinstance(params, dict) else params
    lines = sorted(f"{path} {array_digest(leaf)}\n" for path, leaf in pairs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
