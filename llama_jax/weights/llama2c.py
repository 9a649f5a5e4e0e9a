"""llama2.c's .bin files, versions 0, 1 and 2, read; `llama2c_layout` says where things lie."""

from pathlib import Path

import numpy as np

from llama_jax.model.decoder import abstract_params
from llama_jax.weights.layout import from_stored, interleaved_to_split_half
from llama_jax.weights.llama2c_layout import TABLES, Block, Header, blocks, read_header
from llama_jax.weights.tree import flatten
from llama_jax.weights.types import StoredParam, StoredWeights

FLOAT32 = np.dtype(np.float32)


def open(path: Path) -> StoredWeights:
    """The model in a llama2.c file; values are read from a memory map when they are asked for.

    Args:
        path: of the .bin file.

    Raises:
        InputError: another version, or a length that the header does not account for.
    """
    header = read_header(path)
    places = {(block.path, block.layer): block for block in blocks(header) if block.path != TABLES}
    params = {
        name: StoredParam(leaf.shape, FLOAT32, _reader(path, header, name, leaf.shape, places))
        for name, leaf in flatten(abstract_params(header.config)).items()
    }
    return StoredWeights(header.config, params, "llama2c", str(path))


def _reader(path: Path, header: Header, name: str, shape: tuple[int, ...], places: dict):
    layer_shape = shape[1:] if name.startswith("layers/") else shape
    heads = {
        "layers/attention/query": header.config.heads,
        "layers/attention/key": header.config.kv_heads,
    }.get(name)

    def read(layer: int | None) -> np.ndarray:
        stored = _values(path, places[name, layer])
        if heads is not None:
            stored = interleaved_to_split_half(stored, heads)
        return from_stored(name, stored, layer_shape)

    return read


def _values(path: Path, block: Block) -> np.ndarray:
    """One stored array: a view of the file, or what int8 values and their scales stand for."""
    if not block.group_size:
        return np.memmap(path, "<f4", "r", block.offset, block.shape)
    groups = (block.values // block.group_size, block.group_size)
    quantized = np.memmap(path, np.int8, "r", block.offset, groups)
    scales = np.memmap(path, "<f4", "r", block.offset + block.values, (groups[0], 1))
    return np.multiply(quantized, scales, dtype=FLOAT32).reshape(block.shape)
