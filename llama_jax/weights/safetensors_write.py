"""Safetensors files written one tensor at a time: the header first, since all sizes are known."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llama_jax.weights.safetensors_file import DTYPE_NAMES

NAMES = {name: short for short, name in DTYPE_NAMES.items()}
ALIGNMENT = 8  # of the values, as the library pads its headers


@dataclass(frozen=True)
class Entry:
    """A tensor that is to be written: its name, dtype and shape."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def write_file(path: Path, entries: Iterable[Entry], tensors: Iterable[np.ndarray]) -> None:
    """Writes a safetensors file.

    Args:
        path: of the file.
        entries: what its header says, in order.
        tensors: the values of each entry, taken when it is their turn.
    """
    entries = list(entries)
    with path.open("wb") as file:
        file.write(_header(entries))
        for entry, tensor in zip(entries, tensors, strict=True):
            found = tensor.dtype.newbyteorder("="), tensor.shape
            assert found == (entry.dtype, entry.shape), (entry, found)
            little = np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<"))
            file.write(little.reshape(-1).view(np.uint8))  # bfloat16 has no buffer protocol


def _header(entries: list[Entry]) -> bytes:
    header: dict[str, Mapping] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for entry in entries:
        header[entry.name] = {
            "dtype": NAMES[entry.dtype.name],
            "shape": list(entry.shape),
            "data_offsets": [offset, offset + entry.size],
        }
        offset += entry.size
    packed = json.dumps(header, separators=(",", ":")).encode()
    packed += b" " * (-len(packed) % ALIGNMENT)
    return len(packed).to_bytes(8, "little") + packed
