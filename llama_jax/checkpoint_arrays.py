"""Arrays in their files, a block at a time: the only module that imports TensorStore.

An array is a folder in the zarr format with a file per chunk, as Orbax writes it. A stacked
parameter has a chunk or more for each layer, so that a layer is read and written alone, and what
was encoded leaves memory with its file.
"""

import asyncio
from collections.abc import Iterator

import numpy as np
import tensorstore as ts
from etils import epath

from llama_jax.weights.types import StoredParam

# A larger layer, or parameter without layers, is split further.
CHUNK_BYTES = 32 * 2**20
COMPRESSOR = {"id": "zstd", "level": 1}  # what Orbax uses
# Blocks that are encoded and written while the next is read.
IN_FLIGHT = 2


def is_stacked(path: str) -> bool:
    """Whether the first dimension of the array at this path of a tree counts layers."""
    return "layers" in path.split("/")


def chunk_shape(shape: tuple[int, ...], itemsize: int, stacked: bool) -> tuple[int, ...]:
    """Of a layer, or of an array without layers, as many rows as CHUNK_BYTES hold."""
    chunk = list(shape)
    if stacked and chunk:
        chunk[0] = 1
    axis = int(stacked)
    if len(shape) > axis:
        row = itemsize * int(np.prod(shape[axis + 1 :]))
        chunk[axis] = min(shape[axis], max(1, CHUNK_BYTES // max(1, row)))
    return tuple(max(1, size) for size in chunk)


async def write_array(folder: epath.Path, leaf: np.ndarray | StoredParam, stacked: bool) -> None:
    """Writes an array of the host, or one that is still in another file, chunk by chunk."""
    chunk = chunk_shape(leaf.shape, leaf.dtype.itemsize, stacked)
    store = await ts.open(
        {"driver": "zarr", "kvstore": {"driver": "file", "path": f"{folder}/"}},
        create=True,
        dtype=ts.dtype(leaf.dtype.name),
        shape=leaf.shape,
        codec=ts.CodecSpec({"driver": "zarr", "compressor": COMPRESSOR}),
        chunk_layout=ts.ChunkLayout(chunk_shape=chunk),
    )
    writing: list[ts.Future] = []
    for index, block in _chunks(leaf, chunk, stacked):
        if len(writing) == IN_FLIGHT:
            await writing.pop(0)
        write = store[index].write(block, can_reference_source_data_indefinitely=True)
        writing.append(write.commit)
    await asyncio.gather(*writing)


def read_array(folder: epath.Path, layer: int | None) -> np.ndarray:
    """An array, or one layer of a stacked one; raises what TensorStore raises of damaged files."""
    spec = {
        "driver": "zarr",
        "kvstore": {"driver": "file", "path": f"{folder}/"},
        "fill_missing_data_reads": False,
    }
    store = ts.open(spec, open=True, read=True).result()
    return (store if layer is None else store[layer]).read().result()


def _chunks(leaf, chunk, stacked: bool) -> Iterator[tuple[tuple, np.ndarray]]:
    """The array in blocks of whole chunks, with the index of each."""
    axis = int(stacked)
    for layer in range(leaf.shape[0]) if stacked else (None,):
        if isinstance(leaf, StoredParam):
            block = leaf.read(layer)
        else:
            block = leaf if layer is None else leaf[layer]
        start = () if layer is None else (layer,)
        if block.ndim == 0:
            yield start, block
            continue
        for row in range(0, block.shape[0], chunk[axis]):
            rows = slice(row, min(row + chunk[axis], block.shape[0]))
            yield (*start, rows), block[rows]
