"""The safetensors reader against the library's writer, and against damaged files."""

import json
import struct

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from llama_jax.errors import InputError
from llama_jax.weights.safetensors_file import read_header

DTYPES = (np.float32, np.float16, ml_dtypes.bfloat16)


def refusal(path, raw):
    path.write_bytes(raw)
    with pytest.raises(InputError) as error:
        read_header(path)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value)


def file_of(header, data=b""):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def entry(dtype="F32", shape=(2,), start=0, stop=8):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}


@given(
    shapes=st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=5),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 9),
)
@settings(max_examples=25, deadline=None)
def test_reads_what_the_library_writes(tmp_path_factory, shapes, dtype, seed):
    path = tmp_path_factory.mktemp("files") / "x.safetensors"
    rng = np.random.default_rng(seed)
    tensors = {f"t{i}": rng.standard_normal(s).astype(dtype) for i, s in enumerate(shapes)}
    save_file(tensors, path, {"format": "pt"})
    header = read_header(path)
    assert header.keys() == tensors.keys()
    for name, tensor in tensors.items():
        found = header[name].open()
        assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape)
        assert found.tobytes() == tensor.tobytes()
        assert not found.flags.writeable


def test_ignored_names_may_have_any_dtype(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file({"a": np.zeros(2), "b": np.ones(3, np.float32)}, path)
    assert list(read_header(path, lambda name: name == "a")) == ["b"]
    with pytest.raises(InputError, match="a is of dtype F64; supported are F32, BF16, F16"):
        read_header(path)


@pytest.mark.parametrize("change", [-1, -9, 1])
def test_length_must_agree_to_the_byte(tmp_path, change):
    raw = save({"a": np.ones((3, 4), np.float32)})
    changed = raw[:change] if change < 0 else raw + b"\0" * change
    message = refusal(tmp_path / "x.safetensors", changed)
    assert ("cut short" if change < 0 else "longer than its tensors") in message
    assert f"the header says {len(raw)} bytes, the file has {len(raw) + change}" in message


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "has 0 bytes and its header alone should end at byte 8"),
        (b"\x05\0\0", "has 3 bytes"),
        (struct.pack("<Q", 1000) + b"{}", "has 10 bytes and its header alone should end at byte"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a Git LFS pointer"),
        (file_of(b"nonsense"), "header is not JSON"),
        (file_of([1]), "header is not a JSON object"),
        (file_of({"a": {"dtype": "F32", "shape": [2]}}), "entry of a is malformed"),
        (file_of({"a": entry(shape=(-2,))}, b"\0" * 8), "entry of a is malformed"),
        (file_of({"a": entry(start=8, stop=0)}, b"\0" * 8), "entry of a is malformed"),
        (file_of({"a": entry(shape=(3,))}, b"\0" * 8), "needs 12 bytes and the header gives it 8"),
        (
            file_of({"a": entry(), "b": entry(start=4, stop=12)}, b"\0" * 12),
            "b begins at byte 4 of the data, expected 8",
        ),
        (
            file_of({"a": entry(), "b": entry(start=12, stop=20)}, b"\0" * 20),
            "b begins at byte 12 of the data, expected 8",
        ),
        (file_of({"a": entry("F8_E4M3", (8,))}, b"\0" * 8), "a is of dtype F8_E4M3"),
    ],
)
def test_refuses_what_is_not_the_format(tmp_path, raw, message):
    assert message in refusal(tmp_path / "x.safetensors", raw)
