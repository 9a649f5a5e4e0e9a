"""Arrays in files of their own, a chunk or more per layer; and steps that older versions wrote."""

import asyncio
import dataclasses
import json
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest
from etils import epath
from reference.weight_files import draw

from llama_jax import checkpoint, checkpoint_arrays, checkpoint_metadata, weights
from llama_jax.checkpoint_arrays import chunk_shape, read_array, write_array
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.weights.digest import array_digest
from llama_jax.weights.tree import flatten, unflatten

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 32, 1e-5)


def test_a_chunk_is_a_layer_or_the_rows_of_it_that_fit(monkeypatch):
    monkeypatch.setattr(checkpoint_arrays, "CHUNK_BYTES", 64)
    assert chunk_shape((3, 2, 4), 4, stacked=True) == (1, 2, 4)
    assert chunk_shape((3, 5, 4), 4, stacked=True) == (1, 4, 4)
    assert chunk_shape((5, 4), 4, stacked=False) == (4, 4)
    assert chunk_shape((5, 400), 4, stacked=False) == (1, 400)
    assert chunk_shape((3, 7), 4, stacked=True) == (1, 7)
    assert chunk_shape((3,), 4, stacked=True) == (1,)
    assert chunk_shape((), 4, stacked=False) == ()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_layers_come_back_one_by_one(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(checkpoint_arrays, "CHUNK_BYTES", 64)
    array = np.asarray(jax.random.normal(jax.random.key(0), (3, 5, 4), dtype))
    asyncio.run(write_array(epath.Path(tmp_path / "a"), array, stacked=True))
    for layer in range(3):
        found = read_array(epath.Path(tmp_path / "a"), layer)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array[layer])
    np.testing.assert_array_equal(read_array(epath.Path(tmp_path / "a"), None), array)


def test_a_missing_chunk_is_not_read_as_zeros(tmp_path):
    asyncio.run(write_array(epath.Path(tmp_path / "a"), np.ones((2, 3), np.float32), stacked=True))
    (tmp_path / "a" / "1.0").unlink()
    np.testing.assert_array_equal(read_array(epath.Path(tmp_path / "a"), 0), np.ones(3))
    with pytest.raises(ValueError, match="missing"):
        read_array(epath.Path(tmp_path / "a"), 1)


def as_version_1(run: Path, params: dict) -> None:
    """Step 1 of `run` as it was written once: one database of whole arrays, and digests of such
    inside the metadata.
    """
    step = run / "checkpoints" / "1"
    shutil.rmtree(step / "params")
    ocp.PyTreeCheckpointer().save(step / "params", params)
    assert (step / "params" / "manifest.ocdbt").exists()
    path = step / "metadata" / "metadata"
    content = json.loads(path.read_text())
    del content["sha256"], content["metrics"]
    content["version"] = 1
    for name, leaf in flatten(params).items():
        content["arrays"][f"params/{name}"]["sha256"] = array_digest(leaf)
    content["sha256"] = checkpoint_metadata._digest(content)
    path.write_text(json.dumps(content))
    shutil.rmtree(step / "digests")


@pytest.mark.parametrize("layers", [1, 2])
def test_steps_of_version_1_are_read(tmp_path, layers):
    config = dataclasses.replace(CONFIG, layers=layers)
    params = jax.tree.map(jnp.asarray, draw(config, seed=1))
    checkpoint.save(tmp_path, 1, params, config)
    as_version_1(tmp_path, params)
    assert checkpoint.latest_good_step(tmp_path) == 1
    stored = weights.open_weights(tmp_path)
    for name, param in stored.params.items():
        if name.startswith("layers/"):
            found = np.stack([param.read(layer) for layer in range(layers)])
        else:
            found = param.read(None)
        np.testing.assert_array_equal(found, flatten(params)[name], err_msg=name)


def test_steps_of_version_1_are_verified(tmp_path):
    params = jax.tree.map(jnp.asarray, draw(CONFIG, seed=1))
    checkpoint.save(tmp_path, 1, params, CONFIG)
    wrong = flatten(params)
    wrong["layers/feed_forward/up"] = wrong["layers/feed_forward/up"].at[1, 2, 3].add(1.0)
    as_version_1(tmp_path, params)
    shutil.rmtree(tmp_path / "checkpoints" / "1" / "params")
    ocp.PyTreeCheckpointer().save(tmp_path / "checkpoints" / "1" / "params", unflatten(wrong))
    with pytest.raises(InputError, match="layers/feed_forward/up does not match its digest"):
        weights.open_weights(tmp_path).params["layers/feed_forward/up"].read(0)
