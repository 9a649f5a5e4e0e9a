"""From the matrices of other people's files, [outputs, inputs], to our einsum layout and back.

Ours have their input axes first and keep heads apart: query [D, N, H], output [N, H, D], gate
[D, F]. The RoPE order is a matter of its own: Meta's and llama2.c's files turn neighbouring pairs
of a head's rows, (0, 1), (2, 3), ..., ours and Hugging Face's turn row i with row i + H/2.
"""

import math

import numpy as np
from jaxtyping import Shaped

# How many leading axes of one layer's array are inputs. What is not named here (the embedding and
# the norm scales) is stored as it is.
INPUT_AXES = {
    "layers/attention/query": 1,
    "layers/attention/key": 1,
    "layers/attention/value": 1,
    "layers/attention/output": 2,
    "layers/feed_forward/gate": 1,
    "layers/feed_forward/up": 1,
    "layers/feed_forward/down": 1,
    "output": 1,
}


def stored_shape(path: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape in the file of the array that is `shape` with us: [outputs, inputs] for a matrix.

    Args:
        path: of the parameter, without a layer index.
        shape: of one layer's array.
    """
    if path not in INPUT_AXES:
        return shape
    inputs, outputs = shape[: INPUT_AXES[path]], shape[INPUT_AXES[path] :]
    return math.prod(outputs), math.prod(inputs)


def from_stored(
    path: str, stored: Shaped[np.ndarray, "..."], shape: tuple[int, ...]
) -> Shaped[np.ndarray, "..."]:
    """A view of a file's tensor in our layout; no values are copied.

    Args:
        path: of the parameter, without a layer index.
        stored: the tensor, of shape `stored_shape(path, shape)`.
        shape: of one layer's array with us.
    """
    if path not in INPUT_AXES:
        return stored
    inputs, outputs = shape[: INPUT_AXES[path]], shape[INPUT_AXES[path] :]
    axes = (*range(len(outputs), len(shape)), *range(len(outputs)))
    return stored.reshape(*outputs, *inputs).transpose(axes)


def to_stored(path: str, array: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """One layer's array of ours as [outputs, inputs]: the inverse of `from_stored`.

    A view where the layouts allow it, as they do for what `from_stored` returned.

    Args:
        path: of the parameter, without a layer index.
        array: with our axes.
    """
    if path not in INPUT_AXES:
        return array
    inputs = INPUT_AXES[path]
    axes = (*range(inputs, array.ndim), *range(inputs))
    return array.transpose(axes).reshape(stored_shape(path, array.shape))


def interleaved_to_split_half(
    weight: Shaped[np.ndarray, "rows columns"], heads: int
) -> Shaped[np.ndarray, "rows columns"]:
    """Reorders the rows of each head from pairs (0, 1), (2, 3) .. to halves (0, H/2), (1, H/2+1) ..

    For the query and key matrices of Meta's and llama2.c's files, [N * H, D] and [K * H, D]. In one
    head of size 8 the rows come out as 0 2 4 6 1 3 5 7.

    Args:
        weight: one layer's matrix, [outputs, inputs], `rows` = heads * H with H even.
        heads: of this matrix: N for queries, K for keys.
    """
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def split_half_to_interleaved(
    weight: Shaped[np.ndarray, "rows columns"], heads: int
) -> Shaped[np.ndarray, "rows columns"]:
    """The inverse of `interleaved_to_split_half`, with the same arguments."""
    rows, columns = weight.shape
    halves = weight.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)
