"""llama2.c files written: round trips, export.py's own bytes, and what run.c cannot compute."""

import dataclasses
import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from reference import hf_model
from reference.weight_files import draw, hf_tensors, llama2c_bytes

from llama_jax.config import SCALING_31, LlamaConfig
from llama_jax.errors import InputError
from llama_jax.weights import llama2c, llama2c_write
from llama_jax.weights.stored import in_memory, open_weights, read_all
from llama_jax.weights.tree import flatten
from llama_jax.weights.types import Weights

GOLDEN = Path(__file__).parent.parent / "parity" / "golden" / "llama2c.json"
UNTIED = LlamaConfig(48, 32, 2, 4, 2, 80, 32, 1e-5)
TIED = dataclasses.replace(UNTIED, tied_embeddings=True)


def stored(config):
    return in_memory(Weights(config, draw(config), "hf"), "toy")


def refusal(path):
    with pytest.raises(InputError) as error:
        llama2c.open(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def write(tmp_path):
    def write(config, version, change=lambda raw: raw):
        path = tmp_path / "model.bin"
        llama2c_write.write(stored(config), path, version)
        path.write_bytes(change(path.read_bytes()))
        return path

    return write


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("config", [UNTIED, TIED, dataclasses.replace(TIED, kv_heads=4)])
def test_float32_round_trip(write, config, version):
    read = llama2c.open(write(config, version))
    assert (read.config, read.kind) == (config, "llama2c")
    found, expected = flatten(read_all(read)), flatten(draw(config))
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        np.testing.assert_array_equal(found[path], array)


@pytest.mark.parametrize("config", [UNTIED, TIED])
def test_version_0_is_the_file_that_was_read(tmp_path, config):
    """Byte for byte, but for the tables, which are NaN in the reference's file."""
    raw = llama2c_bytes(draw(config), config)
    (tmp_path / "in.bin").write_bytes(raw)
    llama2c_write.write(open_weights(tmp_path / "in.bin"), tmp_path / "out.bin")
    output = 0 if config.tied_embeddings else 4 * config.vocab_size * config.dim
    end = len(raw) - output
    start = end - 4 * config.context * config.head_size
    written = (tmp_path / "out.bin").read_bytes()
    assert (written[:start], written[end:]) == (raw[:start], raw[end:])
    cos, sin = np.frombuffer(written[start:end], "<f4").reshape(2, config.context, -1)
    angles = np.outer(np.arange(config.context), 1e4 ** (-np.arange(4) / 4))
    np.testing.assert_allclose(cos, np.cos(angles), atol=2e-6)
    np.testing.assert_allclose(sin, np.sin(angles), atol=2e-6)


@pytest.mark.shared
def test_stories260k_is_written_again(shared, tmp_path):
    source = shared / "models" / "stories260K" / "stories260K.bin"
    llama2c_write.write(open_weights(source), tmp_path / "out.bin")
    raw, written = source.read_bytes(), (tmp_path / "out.bin").read_bytes()
    tables = 4 * 512 * 8
    assert written[:-tables] == raw[:-tables]
    # cosines and sines by another library
    ours, theirs = (np.frombuffer(data[-tables:], "<f4") for data in (written, raw))
    np.testing.assert_allclose(ours, theirs, atol=1e-7)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("case", ["mha", "gqa", "tied"])
def test_bytes_are_those_of_export_py(case, version, tmp_path):
    source = open_weights(hf_model.write(case, tmp_path / "hf"))
    llama2c_write.write(source, tmp_path / "out.bin", int(version))
    digest = hashlib.sha256((tmp_path / "out.bin").read_bytes()).hexdigest()
    assert digest == json.loads(GOLDEN.read_text())[case][version]


@pytest.mark.parametrize("config", [UNTIED, TIED])
def test_int8_is_within_half_a_step_of_each_group(write, config):
    """By hand: each matrix, as the file has it, in groups of 16 of a row; norms stay exact."""
    assert llama2c_write.group_size(config) == 16
    read = Weights(config, read_all(llama2c.open(write(config, 2))), "llama2c")
    found, expected = (hf_tensors(params, config) for params in (read.params, draw(config)))
    for name, matrix in expected.items():
        if matrix.ndim == 1:
            np.testing.assert_array_equal(found[name], matrix)
            continue
        # The rows of queries and keys are in another order in the file; groups lie within rows.
        step = np.abs(matrix.reshape(len(matrix), -1, 16)).max(2, keepdims=True) / 127
        off = np.abs(found[name] - matrix).reshape(len(matrix), -1, 16)
        assert (off <= step * 0.5001).all() and off.max() > 0, name


def test_int8_values_by_hand(write):
    """The first group of the embedding, taken from the bytes of the file."""
    path = write(TIED, 2)
    raw, norms = path.read_bytes(), 4 * (2 * 2 + 1) * 32
    start = 256 + norms
    scales = np.frombuffer(raw[start + 48 * 32 :][: 4 * 96], "<f4")
    values = np.frombuffer(raw[start:][: 48 * 32], np.int8).reshape(96, 16)
    expected = (values * scales[:, None]).reshape(48, 32)
    np.testing.assert_array_equal(llama2c.open(path).params["embedding"].read(None), expected)
    assert (np.abs(values).max(1) == 127).all()


def test_int8_of_a_group_of_zeros_is_zero():
    quantised, scales = llama2c_write.quantise(np.zeros((2, 4)), 4)
    assert not quantised.any() and not scales.any()


@pytest.mark.parametrize("ffn_size, size", [(64, 32), (172, 4), (33, 1)])
def test_groups_divide_every_row_that_runq_multiplies(ffn_size, size):
    assert llama2c_write.group_size(dataclasses.replace(UNTIED, ffn_size=ffn_size)) == size


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norm_eps": 1e-6}, "norm_eps is 1e-06; llama2.c computes with 1e-05"),
        ({"rope_theta": 5e5}, "rope_theta is 500000.0; llama2.c computes with 10000.0"),
        ({"rope_scaling": SCALING_31}, "rope_scaling is RopeScaling(factor=8.0"),
    ],
)
def test_refuses_models_that_llama2c_does_not_compute(tmp_path, change, message):
    config = dataclasses.replace(UNTIED, **change)
    with pytest.raises(InputError) as error:
        llama2c_write.write(stored(config), tmp_path / "out.bin")
    assert message in str(error.value) and not (tmp_path / "out.bin").exists()


def test_refuses_another_version(tmp_path):
    with pytest.raises(InputError, match="llama2.c version 3; versions 0, 1 and 2 are written"):
        llama2c_write.write(stored(UNTIED), tmp_path / "out.bin", 3)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("cut", [-4, 1])
def test_length_must_agree_to_the_byte(write, version, cut):
    path = write(TIED, version, lambda raw: raw[:cut] if cut < 0 else raw + b"\0")
    what = "cut short" if cut < 0 else "too long"
    assert f"not a llama2.c version {version} file, or {what}: its header" in refusal(path)


@pytest.mark.parametrize("version", [1, 2])
def test_says_when_the_length_is_that_of_the_other_classifier(write, version):
    path = write(UNTIED, version, lambda raw: raw[:36] + b"\1" + raw[37:])
    assert refusal(path).endswith("as with a classifier of its own")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw[:100], "100 bytes, less than a llama2.c header of 256"),
        (lambda raw: raw[:37] + struct.pack("<i", 0) + raw[41:], "with a group size of 0"),
        (lambda raw: raw[:37] + struct.pack("<i", 7) + raw[41:], "which groups of 7 do not divide"),
        (lambda raw: raw[:8] + struct.pack("<i", -2) + raw[12:], "config: dim is -2"),
        (lambda raw: raw[:28] + struct.pack("<i", -48) + raw[32:], "vocab_size is -48"),
    ],
)
def test_refuses_headers_that_cannot_be(write, change, message):
    assert message in refusal(write(TIED, 2, change))
