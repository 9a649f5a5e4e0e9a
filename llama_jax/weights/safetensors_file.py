"""The safetensors format, read by memory map: 8 bytes of header length, JSON header, raw values.

Why not the library's reader: its NumPy side cannot read bfloat16 in every version that is allowed
here, it copies a tensor before we transpose it into place, and it does not say how long a cut file
should have been. The format fits on this page, and nothing in a file is trusted.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llama_jax.errors import InputError
from llama_jax.weights.checks import DTYPES

DTYPE_NAMES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}
LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class StoredTensor:
    """Where one tensor lies.

    Attributes:
        file: the safetensors file.
        dtype: of the values.
        shape: as in the file.
        offset: of the first byte, counted from the start of the file.
    """

    file: Path
    dtype: np.dtype
    shape: tuple[int, ...]
    offset: int

    def open(self) -> np.ndarray:
        """A read-only memory map of this tensor alone; its pages go when it is dropped."""
        return np.memmap(self.file, self.dtype.newbyteorder("<"), "r", self.offset, self.shape)


def read_header(path: Path, ignored=None) -> dict[str, StoredTensor]:
    """Name -> where it lies, for every tensor of a safetensors file.

    Args:
        path: of the file.
        ignored: predicate of names that are left out before their dtype is looked at.

    Raises:
        InputError: not this format, cut short or too long, or a dtype that is not supported.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if (start + file.read(16)).startswith(LFS_POINTER):
            raise InputError(f"{path}: a Git LFS pointer, not the weights; run `git lfs pull`")
        data_start = 8 + int.from_bytes(start, "little")
        if len(start) < 8 or data_start > size:
            raise InputError(
                f"{path}: not a safetensors file, or cut short: it has {size} bytes and its header "
                f"alone should end at byte {data_start}"
            )
        file.seek(8)
        header = _parse(path, file.read(data_start - 8))
    entries = {name: _span(path, name, entry) for name, entry in header.items()}
    _check_spans(path, entries, data_start, size)
    return {
        name: StoredTensor(path, _dtype(path, name, dtype), shape, data_start + start)
        for name, (dtype, shape, start, _) in entries.items()
        if ignored is None or not ignored(name)
    }


def _parse(path: Path, raw: bytes) -> dict:
    try:
        header = json.loads(raw)
    except ValueError as error:
        raise InputError(f"{path}: the safetensors header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise InputError(f"{path}: the safetensors header is not a JSON object")
    header.pop("__metadata__", None)
    return header


def _span(path: Path, name: str, entry) -> tuple[str, tuple[int, ...], int, int]:
    """Dtype, shape, and first and last byte (exclusive) after the header."""
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(start), int(stop)]} if (
            all(isinstance(n, int) and n >= 0 for n in shape) and 0 <= start <= stop
        ):
            return dtype, tuple(shape), start, stop
    raise InputError(f"{path}: the safetensors header's entry of {name} is malformed: {entry}")


def _check_spans(path: Path, entries: dict, data_start: int, size: int) -> None:
    """The tensors must cover the file without holes and overlaps, each with the bytes it needs."""
    at = 0
    for name, (dtype, shape, start, stop) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if start != at:
            raise InputError(f"{path}: {name} begins at byte {start} of the data, expected {at}")
        at = stop
        if dtype in DTYPE_NAMES:
            needed = math.prod(shape) * DTYPES[DTYPE_NAMES[dtype]].itemsize
            if stop - start != needed:
                raise InputError(
                    f"{path}: {name}, {dtype} {list(shape)}, needs {needed} bytes and the header "
                    f"gives it {stop - start}"
                )
    if data_start + at != size:
        what = "cut short" if size < data_start + at else "longer than its tensors"
        raise InputError(
            f"{path}: {what}: the header says {data_start + at} bytes, the file has {size}"
        )


def _dtype(path: Path, name: str, dtype: str) -> np.dtype:
    if dtype not in DTYPE_NAMES:
        raise InputError(
            f"{path}: {name} is of dtype {dtype}; supported are {', '.join(DTYPE_NAMES)}"
        )
    return DTYPES[DTYPE_NAMES[dtype]]
