"""Torch files: what torch.save wrote is read right, and what we write torch reads."""

import numpy as np
import pytest
from parity import make_torch_file
from reference.torch_files import write_torch

from llama_jax.errors import InputError
from llama_jax.weights.torch_file import read_torch


def assert_read_right(path):
    found, expected = read_torch(path), make_torch_file.expected()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name].open(), value, err_msg=name)
        assert not found[name].open().flags.writeable or 0 in value.shape


def test_reads_what_torch_saved():
    assert_read_right(make_torch_file.GOLDEN)


@pytest.mark.parity
def test_reads_what_torch_saves_live(tmp_path):
    import torch

    for protocol in (2, 4):
        torch.save(make_torch_file.tensors(), tmp_path / "a.pth", pickle_protocol=protocol)
        assert_read_right(tmp_path / "a.pth")
    model = torch.nn.Linear(3, 2)
    torch.save(model.state_dict(), tmp_path / "b.pth")  # an OrderedDict with metadata
    found = read_torch(tmp_path / "b.pth")
    np.testing.assert_array_equal(found["weight"].open(), model.weight.detach().numpy())


@pytest.mark.parity
@pytest.mark.parametrize("mapped", [False, True])
def test_torch_reads_what_we_write(tmp_path, mapped):
    import torch

    path = write_torch(tmp_path / "a.pth", make_torch_file.expected())
    found, expected = torch.load(path, weights_only=True, mmap=mapped), make_torch_file.tensors()
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


@pytest.mark.parity
def test_what_torch_saves_of_other_things_is_refused_by_name(tmp_path):
    import torch

    base = torch.arange(60.0).reshape(5, 12)
    cases = {
        "torch.nn.modules.linear.Linear": torch.nn.Linear(3, 2),
        "torch._utils._rebuild_parameter": {"a": torch.nn.Parameter(base)},
        "torch._utils._rebuild_tensor_v3": {"a": base.to(torch.float8_e4m3fn)},
        "each once": {"a": base.expand(3, 5, 12)},
    }
    for name, thing in cases.items():
        torch.save(thing, tmp_path / "a.pth")
        with pytest.raises(InputError, match=name):
            read_torch(tmp_path / "a.pth")
    torch.save({"a": base}, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(InputError, match="before version 1.6"):
        read_torch(tmp_path / "a.pth")
