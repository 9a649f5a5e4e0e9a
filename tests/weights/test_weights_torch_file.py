"""The archive around a torch file's pickle: what is damaged, cut, or not one at all."""

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from reference.torch_files import write_archive, write_torch

from llama_jax.errors import InputError
from llama_jax.weights.torch_file import read_torch
from llama_jax.weights.torch_pickle import STORAGE_DTYPES
from llama_jax.weights.torch_write import ALIGNMENT, TorchWriter, _pickled

A = np.arange(6, dtype=np.float32).reshape(2, 3)
PICKLED = _pickled({"a": (A.dtype, A.shape)})


def refusal(path):
    with pytest.raises(InputError) as error:
        read_torch(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    return str(error.value)


def archive(path, compression=zipfile.ZIP_STORED, **changes):
    members = {"data.pkl": PICKLED, "byteorder": b"little", "data/0": A.tobytes(), **changes}
    members = {f"a/{name}": raw for name, raw in members.items() if raw is not None}
    return write_archive(path, members, compression)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(sorted(STORAGE_DTYPES)), max_size=5), st.data())
def test_what_is_written_is_read(tmp_path_factory, kinds, data):
    tensors = {}
    for i, kind in enumerate(kinds):
        shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
        rng = np.random.default_rng(i)
        tensors[f"t{i}é"] = rng.integers(0, 100, shape).astype(STORAGE_DTYPES[kind])
    path = write_torch(tmp_path_factory.mktemp("torch") / "a.pth", tensors)
    found = read_torch(path)
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        assert found[name].open().tobytes() == tensor.tobytes()
        assert tensor.size == 0 or found[name].offset % ALIGNMENT == 0


def test_equal_tensors_make_equal_files(tmp_path):
    first = write_torch(tmp_path / "a.pth", {"a": A}).read_bytes()
    assert first == write_torch(tmp_path / "a.pth", {"a": A.T.copy().T}).read_bytes()


def test_only_what_was_announced_is_written(tmp_path):
    announced = {"a": (A.dtype, A.shape)}
    with pytest.raises(ValueError, match="announced"), TorchWriter(tmp_path / "a", announced) as w:
        w.add(A.T)
    with pytest.raises(ValueError, match="1 tensors were announced"):
        TorchWriter(tmp_path / "b", announced).close()


def test_byteorder_may_be_absent_but_not_big(tmp_path):
    path = archive(tmp_path / "a.pth", byteorder=None)
    np.testing.assert_array_equal(read_torch(path)["a"].open(), A)
    assert "byte order b'big'" in refusal(archive(path, byteorder=b"big"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data.pkl": None}, "without one NAME/data.pkl"),
        ({"data/0": None}, "a lies in storage 0, which is not there"),
        ({"data/0": bytes(23)}, "a needs a storage of 24 bytes and storage 0 has 23"),
        ({"data/0": bytes(25)}, "a needs a storage of 24 bytes and storage 0 has 25"),
    ],
)
def test_members_must_be_there_whole(tmp_path, changes, message):
    assert message in refusal(archive(tmp_path / "a.pth", **changes))


def test_compressed_members_are_refused(tmp_path):
    assert "compressed or encrypted" in refusal(archive(tmp_path / "a.pth", zipfile.ZIP_DEFLATED))


def test_a_member_twice_is_refused(tmp_path):
    path = archive(tmp_path / "a.pth")
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("a/data/0", bytes(24))
    assert "has a/data/0 twice" in refusal(path)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "of the form before version 1.6"),
        (b"text", "4 bytes that are no torch file"),
        (b"PK\x03\x04", "damaged or cut short"),
    ],
)
def test_other_files(tmp_path, raw, message):
    path = tmp_path / "a.pth"
    path.write_bytes(raw)
    assert message in refusal(path)


def test_what_cannot_be_opened(tmp_path):
    assert "cannot be read: No such file" in refusal(tmp_path / "absent.pth")
    assert "cannot be read: Is a directory" in refusal(tmp_path)


def test_every_cut_is_noticed(tmp_path):
    whole = write_torch(tmp_path / "a.pth", {"a": A}).read_bytes()
    path = tmp_path / "cut.pth"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        refusal(path)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_gives_arrays_or_a_refusal(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    raw = bytearray(write_torch(folder / "a.pth", {"a": A}).read_bytes())
    for _ in range(3):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    (folder / "a.pth").write_bytes(raw)
    try:
        found = read_torch(folder / "a.pth")
    except InputError:
        return
    for tensor in found.values():
        assert tensor.open().shape == tensor.shape
