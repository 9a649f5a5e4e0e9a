"""Pickles of torch files: hostile ones are refused by name before anything runs."""

import collections
import os
import pickle
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.torch_files import write_archive

from llama_jax.errors import InputError
from llama_jax.weights import torch_pickle
from llama_jax.weights.torch_file import read_torch
from llama_jax.weights.torch_write import _pickled


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def glob(name):
    """The opcodes that push what "module name" names."""
    return pickle.GLOBAL + name.replace(" ", "\n").encode() + b"\n"


def text(value):
    return pickle.BINUNICODE + struct.pack("<I", len(value)) + value.encode()


def storage(kind="torch FloatStorage"):
    parts = text("storage") + glob(kind) + text("0") + text("cpu") + pickle.BININT1 + b"\x02"
    return pickle.MARK + parts + pickle.TUPLE + pickle.BINPERSID


def program(*parts):
    return b"".join([pickle.PROTO, b"\x02", *parts, pickle.STOP])


REBUILD = glob("torch._utils _rebuild_tensor_v2")
ARGUMENTS = pickle.BININT1 + b"\x00" + pickle.BININT1 + b"\x02" + pickle.TUPLE1
ARGUMENTS += pickle.BININT1 + b"\x01" + pickle.TUPLE1 + pickle.NEWFALSE + pickle.EMPTY_DICT
ORDERED = glob("collections OrderedDict")


def refusal(raw, tmp_path):
    path = write_archive(tmp_path / "a.pth", {"a/data.pkl": raw, "a/data/0": bytes(8)})
    with pytest.raises(InputError) as error:
        read_torch(path)
    assert str(error.value).startswith(f"{path}: refused: ") and "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch {}",), f"{os.system.__module__}.system"),
        (eval, ("open({!r}, 'w')",), ".eval"),
        (exec, ("open({!r}, 'w')",), ".exec"),
    ],
)
def test_calls_are_refused_by_name(tmp_path, protocol, function, arguments, name):
    ran = tmp_path / "ran"
    arguments = tuple(a.format(str(ran)) if isinstance(a, str) else a for a in arguments)
    evil = pickle.dumps({"a": Calls(function, *arguments)}, protocol)
    message = refusal(evil, tmp_path)
    assert f"{name}, which could run any program" in message
    assert not ran.exists()
    pickle.loads(evil)  # the pickle does what it is here for
    assert ran.exists()


@pytest.mark.parametrize("name", ["os system", "builtins eval", "torch._utils _rebuild_wrapper"])
def test_names_are_refused_even_where_nothing_calls_them(tmp_path, name):
    raw = program(pickle.EMPTY_DICT, text("a"), glob(name), pickle.SETITEM)
    assert name.replace(" ", ".") in refusal(raw, tmp_path)


def test_a_rebuild_with_a_foreign_class_is_refused(tmp_path):
    raw = program(pickle.EMPTY_DICT, text("a"), REBUILD, pickle.MARK, storage("os system"))
    assert "os.system" in refusal(raw + ARGUMENTS + pickle.TUPLE + pickle.REDUCE, tmp_path)
    foreign = (
        glob("torch._tensor _rebuild_from_type_v2") + pickle.MARK + REBUILD + glob("evil Type")
    )
    raw = program(pickle.EMPTY_DICT, text("a"), foreign, pickle.EMPTY_TUPLE, pickle.TUPLE)
    assert "torch._tensor._rebuild_from_type_v2" in refusal(raw, tmp_path)
    # A name that is allowed, but is no storage.
    raw = program(storage("collections OrderedDict"))
    assert "that is not a storage" in refusal(raw, tmp_path)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (pickle.dumps([1]), "holds a list, not a dict"),
        (pickle.dumps({"a": 1}), "a is a int, not a tensor"),
        (pickle.dumps({1: {}}), "a key of type int"),
        (pickle.dumps({"a": {"b": None}}, 2), "a is a dict, not a tensor"),
        (program(ORDERED), "holds a _Name, not a dict"),
        (pickle.dumps(bytearray(4), 5), "opcode BYTEARRAY8"),
        (program(pickle.EXT1, b"\x01"), "opcode EXT1"),
        (program(pickle.NONE, pickle.LONG_BINPUT, b"\xff\xff\xff\xff"), "memo index 4294967295"),
        (program(ORDERED, pickle.NONE, pickle.BUILD), "sets the state of a _Name"),
        (program(storage(), pickle.EMPTY_DICT, pickle.BUILD), "sets the state of a Storage"),
        (program(ORDERED, storage(), pickle.TUPLE1, pickle.REDUCE), "calls collections.Ordered"),
        (program(glob("torch FloatStorage"), pickle.EMPTY_TUPLE, pickle.REDUCE), "calls torch.Fl"),
        (program(REBUILD, pickle.EMPTY_TUPLE, pickle.REDUCE), "of what is not storage, offset"),
        (b"", "damaged"),
        (b"\x80\x02}", "damaged"),
        (b"\x80\x02X\xff\xff\xff\x7fab.", "damaged"),
        (b"\x80\xff.", "damaged"),
    ],
)
def test_other_pickles_are_refused(tmp_path, raw, message):
    assert message in refusal(raw, tmp_path)


@pytest.mark.parametrize("at", [0, 1])
def test_negative_numbers_are_refused(tmp_path, at):
    negative = pickle.BININT + struct.pack("<i", -1)
    offset = negative if at == 0 else pickle.BININT1 + b"\x00"
    shape = (negative if at == 1 else pickle.BININT1 + b"\x02") + pickle.TUPLE1
    rest = offset + shape + pickle.BININT1 + b"\x01" + pickle.TUPLE1 + pickle.NEWFALSE
    raw = program(REBUILD, pickle.MARK, storage(), rest, pickle.NONE, pickle.TUPLE, pickle.REDUCE)
    assert "of what is not storage, offset" in refusal(raw, tmp_path)


def test_a_state_dict_with_metadata_is_read():
    new = ORDERED + pickle.EMPTY_TUPLE + pickle.REDUCE
    tensor = REBUILD + pickle.MARK + storage() + ARGUMENTS + pickle.TUPLE + pickle.REDUCE
    metadata = pickle.EMPTY_DICT + text("_metadata") + new + pickle.SETITEM + pickle.BUILD
    found = torch_pickle.load(program(new, text("a"), tensor, pickle.SETITEM, metadata))
    assert found["a"].shape == (2,) and found["a"].storage.key == "0"
    assert not hasattr(collections.OrderedDict, "_metadata")


GOOD = _pickled({"a": (torch_pickle.STORAGE_DTYPES["FloatStorage"], (2, 3))})


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.builds(
    lambda at, new: GOOD[:at] + new + GOOD[at + len(new):],
    st.integers(0, len(GOOD)), st.binary(max_size=3),
))  # fmt: skip
def test_any_bytes_give_tensors_or_a_refusal(raw):
    try:
        found = torch_pickle.load(raw)
    except torch_pickle.Refused:
        return
    assert all(isinstance(view, torch_pickle.View) for view in found.values())
