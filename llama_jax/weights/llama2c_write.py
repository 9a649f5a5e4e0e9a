"""llama2.c's .bin files, written: version 0 for run.c, 2 (int8) for runq.c, 1 for neither of them.

Q8_0 as in export.py: within a group, value = int8 * scale, with scale = largest magnitude / 127.
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.model.rope import rope_frequencies
from llama_jax.weights.layout import split_half_to_interleaved, to_stored
from llama_jax.weights.llama2c_layout import (
    NORM_EPS,
    ROPE_THETA,
    TABLES,
    Block,
    Header,
    blocks,
    pack,
)
from llama_jax.weights.types import StoredWeights

LARGEST_GROUP = 64  # as export.py
ROWS = 1024  # quantised at a time, to keep temporaries small


def write(weights: StoredWeights, path: Path, version: int = 0) -> None:
    """Writes a llama2.c file, one layer's array at a time.

    Args:
        weights: values are converted to float32, which is exact.
        path: of the .bin file.
        version: 0 or 1 for float32, 2 for int8 in groups.

    Raises:
        InputError: another version, or a model that run.c does not compute.
    """
    if version not in (0, 1, 2):
        raise InputError(f"llama2.c version {version}; versions 0, 1 and 2 are written")
    config = weights.config
    _check_constants(config)
    header = Header(version, config, group_size(config) if version == 2 else 0)
    with path.open("wb") as file:
        file.write(pack(header))
        for block in blocks(header):
            values = _tables(config) if block.path == TABLES else _stored(weights, block)
            if block.group_size:
                _write_quantised(file, values, block.group_size)
            else:
                file.write(np.ascontiguousarray(values, "<f4"))


def group_size(config: LlamaConfig) -> int:
    """How many values share a scale: the largest power of two up to 64 that divides D and F.

    runq.c multiplies whole groups of a row only, and rows have D or F values. (export.py looks at D
    alone.)
    """
    size = LARGEST_GROUP
    while config.dim % size or config.ffn_size % size:
        size //= 2
    return size


def _check_constants(config: LlamaConfig) -> None:
    constants = (("norm_eps", NORM_EPS), ("rope_theta", ROPE_THETA), ("rope_scaling", None))
    for name, constant in constants:
        if getattr(config, name) != constant:
            raise InputError(
                f"{name} is {getattr(config, name)}; llama2.c computes with {constant} and its "
                "files cannot say otherwise; convert to hf or meta"
            )


def _stored(weights: StoredWeights, block: Block) -> np.ndarray:
    matrix = to_stored(block.path, weights.params[block.path].read(block.layer))
    if block.path == "layers/attention/query":
        return split_half_to_interleaved(matrix, weights.config.heads)
    if block.path == "layers/attention/key":
        return split_half_to_interleaved(matrix, weights.config.kv_heads)
    return matrix


def _tables(config: LlamaConfig) -> np.ndarray:
    """Cosines and sines of every position, [2, context, H / 2]; run.c skips them."""
    angles = np.arange(config.context, dtype=np.float32)[:, None] * rope_frequencies(config)
    return np.stack([np.cos(angles, dtype=np.float64), np.sin(angles, dtype=np.float64)])


def _write_quantised(file: BinaryIO, matrix: np.ndarray, size: int) -> None:
    scales = []
    for start in range(0, len(matrix), ROWS):
        quantised, scale = quantise(matrix[start : start + ROWS], size)
        file.write(quantised)
        scales.append(scale)
    file.write(np.concatenate(scales).astype("<f4", copy=False))


def quantise(matrix: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Int8 values [groups, size] and float32 scales [groups] of consecutive values.

    >>> quantise(np.array([[1.0, -127.0], [0.0, 0.0]]), 2)
    (array([[   1, -127],
           [   0,    0]], dtype=int8), array([1., 0.], dtype=float32))
    """
    groups = np.ascontiguousarray(matrix, np.float32).reshape(-1, size)
    scale = np.abs(groups).max(axis=1) / np.float32(127)
    divisor = np.where(scale > 0, scale, np.float32(1))[:, None]  # a group of zeros stays zeros
    return np.rint(groups / divisor).astype(np.int8), scale
