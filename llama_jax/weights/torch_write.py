"""Files of torch.save's form, written without torch, one tensor after the other.

`torch.load(path, weights_only=True)` gives an OrderedDict of contiguous tensors. The pickle is put
together opcode by opcode: Python's pickler would have to import torch to name its functions.
"""

import contextlib
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from llama_jax.weights.torch_pickle import STORAGE_DTYPES

ALIGNMENT = 64  # of every storage within the file, as torch has it
STORAGES = {dtype: name for name, dtype in STORAGE_DTYPES.items()}
NEW_DICT = b"ccollections\nOrderedDict\n" + pickle.EMPTY_TUPLE + pickle.REDUCE


class TorchWriter:
    """One file being written; tensors are added in the order in which they were announced.

        with TorchWriter(path, {"a": (np.dtype("float32"), (2, 3))}) as writer:
            writer.add(array)

    Args:
        path: of the file, which is replaced.
        tensors: name -> dtype and shape.
    """

    def __init__(self, path: Path, tensors: Mapping[str, tuple[np.dtype, tuple[int, ...]]]):
        self._left = list(tensors.items())
        self._count = len(self._left)
        self._folder = path.stem
        self._file = path.open("wb")
        self._archive = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED, allowZip64=True)
        try:
            self._write("data.pkl", _pickled(tensors))
            self._write("byteorder", b"little")
        except BaseException:
            self.abandon()
            raise

    def __enter__(self) -> "TorchWriter":
        return self

    def __exit__(self, kind, error, trace) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self.abandon()

    def add(self, array: np.ndarray) -> None:
        """Writes the next tensor, which must be the announced one."""
        name, (dtype, shape) = self._left.pop(0)
        if (array.dtype, array.shape) != (dtype, tuple(shape)):
            raise ValueError(f"{name} is {array.dtype}{array.shape}, announced {dtype}{shape}")
        key = self._count - len(self._left) - 1
        # bfloat16 has no buffer protocol.
        self._write(f"data/{key}", np.ascontiguousarray(array).reshape(-1).view(np.uint8))

    def close(self) -> None:
        """Ends the file; every announced tensor must be in it."""
        if self._left:
            raise ValueError(f"{len(self._left)} tensors were announced and not added")
        self._write("version", b"3\n")
        self._archive.close()
        self._file.close()

    def abandon(self) -> None:
        """Leaves the file unfinished: on a full disk its index could not be written either."""
        self._archive.fp = None  # else ZipFile tries when it is collected, and complains
        with contextlib.suppress(OSError):
            self._file.close()

    def _write(self, name: str, data) -> None:
        size = len(data)
        info = zipfile.ZipInfo(f"{self._folder}/{name}")
        large = size * 1.05 > zipfile.ZIP64_LIMIT
        start = self._archive.fp.tell() + 30 + len(info.filename.encode()) + (20 if large else 0)
        padding = -(start + 4) % ALIGNMENT
        info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        info.file_size = size
        with self._archive.open(info, "w", force_zip64=large) as member:
            member.write(data)


def _pickled(tensors: Mapping[str, tuple[np.dtype, tuple[int, ...]]]) -> bytes:
    out = [pickle.PROTO, b"\x02", NEW_DICT, pickle.MARK]
    for key, (name, (dtype, shape)) in enumerate(tensors.items()):
        size = int(np.prod(shape, dtype=np.int64))
        strides = [int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape))]
        out += [
            _text(name),
            b"ctorch._utils\n_rebuild_tensor_v2\n",
            pickle.MARK,
            *(pickle.MARK, _text("storage"), f"ctorch\n{STORAGES[dtype]}\n".encode()),
            *(_text(str(key)), _text("cpu"), _whole(size), pickle.TUPLE, pickle.BINPERSID),
            *(_whole(0), _tuple(shape), _tuple(strides), pickle.NEWFALSE, NEW_DICT),
            *(pickle.TUPLE, pickle.REDUCE),
        ]
    return b"".join([*out, pickle.SETITEMS, pickle.STOP])


def _text(text: str) -> bytes:
    raw = text.encode()
    return pickle.BINUNICODE + struct.pack("<I", len(raw)) + raw


def _whole(number: int) -> bytes:
    if number < 2**31:
        return pickle.BININT + struct.pack("<i", number)
    raw = number.to_bytes(8, "little")
    return pickle.LONG1 + bytes([len(raw)]) + raw


def _tuple(numbers) -> bytes:
    return pickle.MARK + b"".join(map(_whole, numbers)) + pickle.TUPLE
