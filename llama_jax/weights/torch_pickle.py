"""The pickle inside a torch file, read as data: nothing that it names is ever imported or called.

A pickle is a program. What torch.save writes for a dict of tensors needs three names: OrderedDict,
the function that makes a tensor of a storage, and the storage's class. They stand for themselves
here, as inert objects; any other name ends the reading before the call that it was meant for.

First the opcodes are looked through without being followed, since some can do harm by themselves (a
memo index of 2^32 allocates gigabytes). Then the unpickler follows them.
"""

import io
import pickle
import pickletools
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

STORAGE_DTYPES = {  # torch's storage classes, by which it names dtypes
    "FloatStorage": np.dtype("<f4"),
    "BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "HalfStorage": np.dtype("<f2"),
    "DoubleStorage": np.dtype("<f8"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
    "ComplexFloatStorage": np.dtype("<c8"),
    "ComplexDoubleStorage": np.dtype("<c16"),
}
DICT, REBUILD = "collections.OrderedDict", "torch._utils._rebuild_tensor_v2"
ALLOWED = {DICT, REBUILD} | {f"torch.{name}" for name in STORAGE_DTYPES}
OPCODES = {
    *("PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "NONE", "NEWTRUE", "NEWFALSE"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("EMPTY_DICT", "SETITEM", "SETITEMS", "BINPUT", "LONG_BINPUT", "MEMOIZE"),
    *("BINGET", "LONG_BINGET", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "BINPERSID"),
}


class Refused(Exception):
    """What in a pickle is not read, and why."""


class _Inert:
    """What a pickle cannot change: setting its state, which would go past `frozen`, is refused."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise Refused(f"its pickle sets the state of a {type(self).__name__}")


@dataclass(frozen=True)
class Storage(_Inert):
    """One storage of the archive: its key, dtype and number of elements."""

    key: str
    dtype: np.dtype
    size: int


@dataclass(frozen=True)
class View(_Inert):
    """A tensor: a window on a storage, with offset and strides in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def load(raw: bytes) -> dict[str, View]:
    """The dict of tensors that a pickle builds.

    Raises:
        Refused: it names anything but what such a dict needs, or is none.
    """
    try:
        _look_through(raw)
        found = _Unpickler(io.BytesIO(raw)).load()
    except Refused:
        raise
    except Exception as error:  # the unpickler raises nearly anything at a broken pickle
        raise Refused(f"its pickle is damaged: {type(error).__name__}: {error}") from error
    if not isinstance(found, dict):
        raise Refused(f"its pickle holds a {type(found).__name__}, not a dict of tensors")
    for name, value in found.items():
        if not isinstance(name, str):
            raise Refused(f"its pickle holds a dict with a key of type {type(name).__name__}")
        if not isinstance(value, View):
            raise Refused(f"{name} is a {type(value).__name__}, not a tensor")
    return dict(found)


def _look_through(raw: bytes) -> None:
    problems = []
    for opcode, argument, _ in pickletools.genops(raw):
        if opcode.name in ("GLOBAL", "INST"):
            _check_name(*argument.split(" ", 1))
        if opcode.name not in OPCODES:
            problems.append(f"its pickle uses the opcode {opcode.name}, which torch.save does not")
        if opcode.name == "LONG_BINPUT" and argument > len(raw):
            problems.append(f"its pickle uses memo index {argument} in {len(raw)} bytes")
    if problems:  # a name, had there been one, would have said more
        raise Refused(problems[0])


def _check_name(module: str, name: str) -> str:
    full = f"{module}.{name}"
    if full not in ALLOWED:
        raise Refused(
            f"its pickle asks for {full}, which could run any program; only tensors are read"
        )
    return full


class _Dict(dict):
    """Stands for an OrderedDict; torch hangs metadata on a state dict, which is passed over."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Name(_Inert):
    """Stands for one of the allowed names."""

    __slots__ = ("full",)

    def __init__(self, full: str):
        self.full = full

    def __call__(self, *arguments: Any) -> Any:
        if self.full == DICT and not arguments:
            return _Dict()
        if self.full == REBUILD:
            return _view(arguments)
        raise Refused(f"its pickle calls {self.full} as torch.save does not")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> _Name:
        return _Name(_check_name(module, name))

    def persistent_load(self, reference: Any) -> Storage:
        match reference:
            case ("storage", _Name() as kind, str(key), str(), int(size)) if size >= 0:
                name = kind.full.removeprefix("torch.")
                if name in STORAGE_DTYPES:
                    return Storage(key, STORAGE_DTYPES[name], size)
        raise Refused("its pickle refers to something outside of it that is not a storage")


def _view(arguments: tuple) -> View:
    """What _rebuild_tensor_v2 makes of (storage, offset, size, stride, requires_grad, hooks)."""
    match arguments:
        case (Storage() as storage, int(offset), tuple(shape), tuple(strides), _, _):
            numbers = (offset, *shape, *strides)
            whole = all(type(number) is int and number >= 0 for number in numbers)
            if whole and len(shape) == len(strides):
                return View(storage, offset, shape, strides)
    raise Refused("its pickle makes a tensor of what is not storage, offset, shape and strides")
