"""Files of torch.save (since 1.6), read by memory map and without torch.

A zip archive of uncompressed members: NAME/data.pkl says which tensors there are and on which part
of which storage each lies, NAME/data/KEY is a storage, NAME/byteorder says "little". A tensor
becomes a map of its own bytes in the file. `torch_pickle` reads data.pkl without running it.
"""

import math
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llama_jax.errors import InputError
from llama_jax.weights import torch_pickle
from llama_jax.weights.safetensors_file import LFS_POINTER

LOCAL_HEADER, LOCAL_START = 30, b"PK\x03\x04"
LEGACY = b"\x80\x02\x8a\x0a"  # a pickled long: the magic number of the files before torch 1.6
MOST_PICKLE = 1 << 26  # bytes; that of Llama 3.1 405B's shards is a five-hundredth of it
RESAVE = "load it with torch and save it again with torch.save's defaults"


@dataclass(frozen=True)
class TorchTensor:
    """Where one tensor lies.

    Attributes:
        file: the archive.
        dtype: of the values.
        shape: of the tensor.
        strides: in bytes, none negative.
        offset: of the first value, in bytes from the start of the file.
    """

    file: Path
    dtype: np.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int

    def open(self) -> np.ndarray:
        """A read-only memory map of this tensor alone; its pages go when it is dropped."""
        if 0 in self.shape:
            return np.empty(self.shape, self.dtype)
        steps = zip(self.shape, self.strides, strict=True)
        length = sum((n - 1) * stride for n, stride in steps) + self.dtype.itemsize
        mapped = np.memmap(self.file, np.uint8, "r", self.offset, (length,))
        return np.ndarray(self.shape, self.dtype, mapped, 0, self.strides)


# What zipfile raises for archives that are cut or altered: found by altering them at random places.
DAMAGE = (zipfile.BadZipFile, EOFError, RuntimeError, ValueError, struct.error)


def read_torch(path: Path) -> dict[str, TorchTensor]:
    """Name -> where it lies, for every tensor of a file that holds a dict of tensors.

    Args:
        path: of the file.

    Raises:
        InputError: not such a file, cut short, or its pickle asks for anything but tensors.
    """
    try:
        _check_start(path)
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            folder = _folder(path, members)
            _check_byteorder(path, archive, members, folder)
            pickled = members[f"{folder}/data.pkl"]
            if pickled.file_size > MOST_PICKLE:
                raise InputError(f"{path}: its pickle has {pickled.file_size} bytes, too many")
            views = torch_pickle.load(archive.read(pickled))
        return {name: _located(path, folder, members, name, view) for name, view in views.items()}
    except torch_pickle.Refused as error:
        raise InputError(f"{path}: refused: {error}") from error
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(f"{path}: damaged or cut short: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _check_start(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(len(LFS_POINTER))
    if not start:
        raise InputError(f"{path}: an empty file")
    if start == LFS_POINTER:
        raise InputError(f"{path}: a Git LFS pointer, not the weights; run `git lfs pull`")
    if start.startswith(LEGACY):
        raise InputError(f"{path}: a torch file of the form before version 1.6; {RESAVE}")
    if not start.startswith(LOCAL_START):
        raise InputError(f"{path}: {size} bytes that are no torch file (a zip archive)")


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        if member.filename in members:
            raise InputError(f"{path}: has {member.filename} twice")
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
            raise InputError(
                f"{path}: {member.filename} is compressed or encrypted, which torch.save never "
                f"writes; {RESAVE}"
            )
        if member.file_size != member.compress_size:
            raise InputError(f"{path}: {member.filename} has two lengths in the archive's index")
        members[member.filename] = member
    return members


def _folder(path: Path, members: dict) -> str:
    found = [name for name in members if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(found) != 1:
        raise InputError(f"{path}: a zip archive without one NAME/data.pkl, so no torch file")
    return found[0].removesuffix("/data.pkl")


def _check_byteorder(path: Path, archive: zipfile.ZipFile, members: dict, folder: str) -> None:
    name = f"{folder}/byteorder"
    if name not in members:
        return  # before torch 2.1
    order = archive.open(name).read(16)
    if order != b"little":
        raise InputError(f"{path}: byte order {order!r}; only little-endian files are read")


def _located(
    path: Path, folder: str, members: dict, name: str, view: torch_pickle.View
) -> TorchTensor:
    storage = view.storage
    member = members.get(f"{folder}/data/{storage.key}")
    if member is None:
        raise InputError(f"{path}: {name} lies in storage {storage.key}, which is not there")
    width = storage.dtype.itemsize
    if member.file_size != storage.size * width:
        raise InputError(
            f"{path}: {name} needs a storage of {storage.size * width} bytes and storage "
            f"{storage.key} has {member.file_size}"
        )
    count = math.prod(view.shape)
    steps = zip(view.shape, view.strides, strict=True)
    last = view.offset + sum((n - 1) * stride for n, stride in steps) if count else 0
    # More values than the storage holds is a view that overlaps itself, as torch.expand makes.
    if count > storage.size or last >= max(storage.size, 1):
        raise InputError(
            f"{path}: {name}, {list(view.shape)} with strides {list(view.strides)} from "
            f"{view.offset}, does not lie within its storage of {storage.size} values, each once"
        )
    offset = _data_offset(path, member) + view.offset * width
    strides = tuple(stride * width for stride in view.strides)
    return TorchTensor(path, storage.dtype, view.shape, strides, offset)


def _data_offset(path: Path, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: after its local header, whose two fields vary in length."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(LOCAL_HEADER)
    if len(header) < LOCAL_HEADER or not header.startswith(LOCAL_START):
        raise InputError(f"{path}: no member at byte {member.header_offset}, where the index says")
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = member.header_offset + LOCAL_HEADER + lengths
    if start + member.file_size > path.stat().st_size:
        raise InputError(f"{path}: cut short within {member.filename}")
    return start
