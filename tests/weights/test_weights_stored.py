import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from reference.weight_files import draw, hf_config, hf_tensors, llama2c_bytes, write_hf

from llama_jax import checkpoint, weights
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.weights import place_param
from llama_jax.weights.stored import layers_of
from llama_jax.weights.tree import flatten

GQA = LlamaConfig(61, 16, 3, 4, 2, 24, 32, 1e-5, rope_theta=5e5)
TIED = LlamaConfig(61, 16, 3, 4, 4, 24, 32, 1e-5, tied_embeddings=True)


def write(kind, folder, config, dtype=np.float32):
    params = draw(config, dtype)
    if kind == "hf":
        write_hf(folder, hf_tensors(params, config), hf_config(config), shards=2)
        return folder
    if kind == "llama_jax":
        checkpoint.save(folder, 3, params, config)
        return folder
    (folder / "model.bin").write_bytes(llama2c_bytes(params, config))
    return folder / "model.bin"


def assert_same(found, expected):
    found, expected = flatten(found), flatten(expected)
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        assert found[path].dtype == array.dtype, path
        np.testing.assert_array_equal(np.asarray(found[path]), array, path)


@pytest.mark.parametrize("staging", [place_param.STAGING_BYTES, 0], ids=["whole", "by layer"])
@pytest.mark.parametrize("config", [GQA, TIED], ids=["gqa", "tied"])
@pytest.mark.parametrize("kind", ["hf", "llama2c", "llama_jax"])
def test_on_the_host_and_on_the_device_the_values_are_the_files(
    kind, config, staging, tmp_path, monkeypatch
):
    monkeypatch.setattr(place_param, "STAGING_BYTES", staging)
    stored = weights.open_weights(write(kind, tmp_path, config))
    assert stored.kind == kind and stored.params.keys() == flatten(draw(config)).keys()
    assert_same(weights.read_all(stored), draw(config))
    placed = weights.place(stored)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(placed))
    assert_same(placed, draw(config))


@pytest.mark.parametrize("kind", ["hf", "llama_jax"])
def test_bfloat16_stays_and_is_converted_when_asked(kind, tmp_path):
    path = write(kind, tmp_path, GQA, ml_dtypes.bfloat16)
    stored = weights.open_weights(path)
    assert_same(weights.place(stored), draw(GQA, ml_dtypes.bfloat16))
    half = draw(GQA, ml_dtypes.bfloat16)
    expected = jax.tree.map(lambda array: array.astype(np.float32), half)
    assert_same(weights.place(stored, None, "float32"), expected)
    assert_same(weights.read_all(stored, jnp.float32), expected)


@pytest.mark.parametrize("kind", ["hf", "llama2c", "llama_jax"])
def test_layers_may_be_read_in_any_order_and_again(kind, tmp_path):
    stored = weights.open_weights(write(kind, tmp_path, GQA))
    expected = flatten(draw(GQA))
    for path, param in stored.params.items():
        for layer in [*reversed(layers_of(path, param)), *layers_of(path, param)]:
            wanted = expected[path] if layer is None else expected[path][layer]
            np.testing.assert_array_equal(param.read(layer), wanted, path)


def test_what_is_stored_may_not_be_written_to(tmp_path):
    stored = weights.open_weights(write("hf", tmp_path, GQA))
    with pytest.raises(ValueError, match="read-only"):
        stored.params["embedding"].read(None)[0, 0] = 1


def test_describing_a_model_reads_no_values(tmp_path):
    """The file's values are cut off, and its length is restored by a hole."""
    write("hf", tmp_path, TIED)
    for file in tmp_path.glob("*.safetensors"):
        size, start = file.stat().st_size, 8 + int.from_bytes(file.read_bytes()[:8], "little")
        with file.open("r+b") as opened:
            opened.truncate(start)
            opened.truncate(size)
    assert weights.open_weights(tmp_path).config == TIED


def test_a_damaged_step_gives_way_when_its_values_are_read(tmp_path, caplog):
    checkpoint.save(tmp_path, 1, draw(GQA, seed=1), GQA)
    checkpoint.save(tmp_path, 2, draw(GQA, seed=2), GQA)
    for file in (tmp_path / "checkpoints/2/params").rglob("[0-9]*"):
        raw = bytearray(file.read_bytes())
        raw[len(raw) // 2] ^= 1
        file.write_bytes(raw)
    found = weights.load(tmp_path, weights.place)
    assert_same(found, draw(GQA, seed=1))
    assert "falling back to step 1" in caplog.text
    with pytest.raises(InputError, match="checkpoints/2: damaged: params"):
        weights.read_all(weights.open_weights(tmp_path))
    with pytest.raises(InputError, match="no good checkpoint: step 2"):
        weights.read(tmp_path / "checkpoints/2")
