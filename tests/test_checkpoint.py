"""Our checkpoints: what is written comes back bit for bit, or not at all."""

import dataclasses
import gc
import json
import logging
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from reference.weight_files import draw

from llama_jax import (
    checkpoint,
    checkpoint_digests,
    checkpoint_metadata,
    checkpoint_read,
    weights,
)
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.model.decoder import abstract_params
from llama_jax.weights import params_sha256, place_param
from llama_jax.weights.tree import flatten

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 32, 1e-5)
OPTIMIZER = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3))
EXTRA = {"data": {"rows": 12, "order": [3, 1, 2]}, "seed": 7, "loss": 2.5}


def optimizer_state(seed):
    """A state with values: numbers from 1 on in every array."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(np.arange(leaf.size).reshape(leaf.shape) + seed, leaf.dtype),
        abstract_state()[1],
    )


def abstract_state(dtype=jnp.float32):
    params = abstract_params(CONFIG, dtype)
    return params, jax.eval_shape(OPTIMIZER.init, params)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run with steps 1 and 2; step n holds draw(CONFIG, seed=n). Copy it before damaging it."""
    run = tmp_path_factory.mktemp("run")
    for step in (1, 2):
        checkpoint.save(
            *(run, step, draw(CONFIG, seed=step), CONFIG),
            opt_state=optimizer_state(step),
            tokenizer_bytes=b"pieces",
            extra=EXTRA,
        )
    return run


@pytest.fixture
def run(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "run"))


def data_file(run, step, item="params"):
    """The largest file with values of an array."""
    arrays = (run / "checkpoints" / str(step) / item).iterdir()
    files = [path for folder in arrays if folder.is_dir() for path in folder.glob("[0-9]*")]
    return max(files, key=lambda path: path.stat().st_size)


def flip(path, position=0.5):
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * position)] ^= 64
    path.write_bytes(raw)


def assert_same(found, expected):
    found, expected = flatten(found), flatten(expected)
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        assert found[path].dtype == array.dtype, path
        np.testing.assert_array_equal(np.asarray(found[path]), np.asarray(array), err_msg=path)


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.float16])
@pytest.mark.parametrize("tied", [False, True])
def test_parameters_come_back_as_numpy(tmp_path, dtype, tied):
    config = dataclasses.replace(CONFIG, tied_embeddings=tied)
    params = draw(config, dtype)
    path = checkpoint.save(tmp_path, 0, jax.tree.map(jnp.asarray, params), config)
    assert str(path) == str(tmp_path / "checkpoints" / "0")
    restored = checkpoint.restore_params(tmp_path)
    assert restored.config == config
    assert all(type(leaf) is np.ndarray for leaf in jax.tree.leaves(restored.params))
    assert_same(restored.params, params)
    assert params_sha256(restored.params) == params_sha256(params)


def test_metadata(saved):
    metadata = checkpoint.restore_params(saved).metadata
    assert (metadata.step, metadata.extra) == (2, EXTRA)
    assert metadata.tokenizer_path.read_bytes() == b"pieces"
    assert metadata.arrays["params/embedding"].shape == (64, 32)
    assert "opt_state/1/0/mu/embedding" in metadata.arrays


def test_state_comes_back_in_its_structure(saved):
    state = checkpoint.restore_state(saved, CONFIG, *abstract_state())
    assert jax.tree.structure(state.opt_state) == jax.tree.structure(abstract_state()[1])
    assert_same(state.params, draw(CONFIG, seed=2))
    assert_same(state.opt_state, optimizer_state(2))
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(state[:2]))
    assert state.metadata.step == 2


@pytest.mark.parametrize("staging", [place_param.STAGING_BYTES, 0], ids=["whole", "by layer"])
def test_the_host_holds_a_layer_at_a_time(saved, monkeypatch, staging):
    monkeypatch.setattr(place_param, "STAGING_BYTES", staging)
    asked = []

    def noted(read):
        return lambda *place: asked.append(place[1:]) or read(*place)

    for name in ("read_array", "read_layer"):
        monkeypatch.setattr(checkpoint_read, name, noted(getattr(checkpoint_read, name)))
    state = checkpoint.restore_state(saved, CONFIG, *abstract_state())
    assert_same(state.params, draw(CONFIG, seed=2))
    assert_same(state.opt_state, optimizer_state(2))
    assert len(set(asked)) == len(asked)
    of_layers = {place[1].replace("layers/", "") for place in asked if len(place) == 3}
    whole = {place[1].rsplit("/", 1)[-1] for place in asked if len(place) == 2}
    assert len(asked) == CONFIG.layers * 9 * 3 + 3 * 3 + 1
    assert "attention/query" in of_layers
    assert whole == {"count", "embedding", "output", "scale"}


def test_an_optimizer_without_state(tmp_path):
    stateless = optax.sgd(0.1).init({})
    checkpoint.save(tmp_path, 1, draw(CONFIG), CONFIG, opt_state=stateless)
    state = checkpoint.restore_state(tmp_path, CONFIG, abstract_params(CONFIG), stateless)
    assert state.opt_state == stateless


@pytest.mark.parametrize("path", ["", "checkpoints", "checkpoints/1"])
def test_steps_and_paths(saved, path):
    assert checkpoint.steps(saved) == [1, 2]
    step = 1 if path.endswith("1") else 2
    assert checkpoint.restore_params(saved / path).metadata.step == step
    read = weights.read(saved / path)
    assert (read.kind, read.config) == ("llama_jax", CONFIG)
    assert_same(read.params, draw(CONFIG, seed=step))
    assert read.tokenizer.read_bytes() == b"pieces"


def test_weights_are_converted_when_asked(saved):
    read = weights.read(saved, "bfloat16")
    assert_same(read.params, draw(CONFIG, ml_dtypes.bfloat16, seed=2))


def test_orbax_alone_would_return_the_flipped_bit(run):
    """Why the digests: without them this damage is silent."""
    flip(data_file(run, 2))
    target = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), draw(CONFIG))
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as orbax:
        found = orbax.restore(run / "checkpoints/2/params", ocp.args.PyTreeRestore(None, target))
    assert params_sha256(found) != params_sha256(draw(CONFIG, seed=2))


def test_a_flipped_bit_is_found_named_and_passed_over(run, caplog):
    flip(data_file(run, 2))
    restored = checkpoint.restore_params(run)
    assert restored.metadata.step == 1
    assert_same(restored.params, draw(CONFIG, seed=1))
    (record,) = caplog.records
    assert "step 2: params/" in record.getMessage()
    assert record.getMessage().endswith("does not match its digest; falling back to step 1")
    assert checkpoint.latest_good_step(run) == 1
    with pytest.raises(InputError, match=r"no good checkpoint: step 2: params/.* its digest"):
        checkpoint.restore_params(run, step=2)


def test_a_flipped_bit_of_the_optimizer_state_concerns_training_only(run):
    flip(data_file(run, 2, "opt_state"))
    assert checkpoint.restore_params(run).metadata.step == 2
    state = checkpoint.restore_state(run, CONFIG, *abstract_state())
    assert state.metadata.step == checkpoint.latest_good_step(run) == 1


# TensorStore complains when one array cannot be read while others are still being read.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "damage",
    [
        "flip",
        pytest.param("cut", marks=pytest.mark.slow),
        pytest.param("delete", marks=pytest.mark.slow),
    ],
)
def test_no_damage_to_any_file_gives_wrong_values(saved, tmp_path, damage, caplog):
    """Every file of a step in turn: the state is the saved one, or the older step is taken."""
    caplog.set_level(logging.CRITICAL, logger="asyncio")
    files = [path.relative_to(saved) for path in saved.glob("checkpoints/2/**/*") if path.is_file()]
    fallen_back = set()
    for number, name in enumerate(files):
        run = Path(shutil.copytree(saved, tmp_path / str(number)))
        if damage == "flip":
            flip(run / name)
        elif damage == "cut":
            (run / name).write_bytes((run / name).read_bytes()[: (run / name).stat().st_size // 2])
        else:
            (run / name).unlink()
        state = checkpoint.restore_state(run, CONFIG, *abstract_state())
        assert_same(state.params, draw(CONFIG, seed=state.metadata.step))
        if state.metadata.step == 1:
            fallen_back.add(name.parts[2])
    assert fallen_back == {"params", "opt_state", "metadata", "tokenizer", "digests"}
    assert all("falling back to step 1" in record.getMessage() for record in caplog.records)
    gc.collect()  # what asyncio says of the abandoned reads is said here, unheard


def test_metadata_is_protected_too(run):
    path = run / "checkpoints/2/metadata/metadata"
    path.write_text(path.read_text().replace('"rope_theta": 10000.0', '"rope_theta": 20000.0'))
    assert checkpoint.restore_params(run).metadata.step == 1
    with pytest.raises(InputError, match="step 2: metadata does not match its digest"):
        checkpoint.restore_params(run / "checkpoints/2")


def test_a_step_under_another_number_is_not_trusted(run):
    (run / "checkpoints/2").rename(run / "checkpoints/5")
    with pytest.raises(InputError, match="step 5: metadata is that of step 2"):
        checkpoint.restore_params(run, 5)


def test_a_newer_format_is_refused_with_both_versions(run, monkeypatch):
    monkeypatch.setattr(checkpoint_metadata, "VERSION", 3)
    checkpoint.save(run, 3, draw(CONFIG), CONFIG)
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"in version 3 of .* reads up to version 2: update it"):
        checkpoint.restore_params(run)


def test_refuses_when_nothing_is_good(run):
    for step in (1, 2):
        flip(data_file(run, step))
    with pytest.raises(InputError, match=r"no good checkpoint: step 2: .*; step 1: "):
        checkpoint.restore_params(run)
    with pytest.raises(InputError, match="no good checkpoint"):
        checkpoint.latest_good_step(run)


def test_a_run_without_checkpoints(tmp_path):
    assert checkpoint.steps(tmp_path) == []
    assert checkpoint.latest_good_step(tmp_path) is None
    with pytest.raises(InputError, match="no finished checkpoint there"):
        checkpoint.restore_params(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rope_theta": 5e5}, "another model: rope_theta is 10000.0 and 500000.0 was asked"),
        ({"ffn_size": 96}, "ffn_size is 48 and 96 was asked"),
    ],
)
def test_another_configuration_is_refused(saved, change, message):
    with pytest.raises(InputError, match=message):
        checkpoint.restore_state(saved, dataclasses.replace(CONFIG, **change), *abstract_state())


def test_other_dtypes_shapes_and_names_are_refused_and_never_cast(saved):
    params, opt_state = abstract_state()
    with pytest.raises(InputError, match="embedding is float32 and bfloat16 was asked"):
        checkpoint.restore_state(saved, CONFIG, *abstract_state(jnp.bfloat16))
    wide = {**params, "embedding": jax.ShapeDtypeStruct((64, 33), jnp.float32)}
    with pytest.raises(InputError, match=r"embedding is \[64, 32\] and should be \[64, 33\]"):
        checkpoint.restore_state(saved, CONFIG, wide, opt_state)
    with pytest.raises(InputError, match=r"opt_state: tensors 12 missing: .*; 25 unknown"):
        momentum = jax.eval_shape(optax.sgd(0.1, momentum=0.9).init, params)
        checkpoint.restore_state(saved, CONFIG, params, momentum)


def test_parameters_alone_are_no_state_to_train_on(tmp_path):
    checkpoint.save(tmp_path, 4, draw(CONFIG), CONFIG)
    with pytest.raises(
        InputError, match="opt_state: the checkpoint has none; it was saved without"
    ):
        checkpoint.restore_state(tmp_path, CONFIG, *abstract_state())
    assert checkpoint.restore_params(tmp_path).metadata.tokenizer_path is None


def test_interrupted_saves_are_ignored_and_removed_by_the_next(run):
    interrupted = run / "checkpoints/3.orbax-checkpoint-tmp"
    shutil.copytree(run / "checkpoints/2", interrupted)
    assert checkpoint.steps(run) == [1, 2]
    assert checkpoint.restore_params(run).metadata.step == 2
    checkpoint.save(run, 3, draw(CONFIG, seed=3), CONFIG)
    assert not interrupted.exists() and checkpoint.steps(run) == [1, 2, 3]


def test_keeps_the_newest(run):
    for step in (3, 4):
        checkpoint.save(run, step, draw(CONFIG, seed=step), CONFIG, keep=2)
    assert checkpoint.steps(run) == [3, 4]


def test_deletes_nothing_when_the_new_step_reads_back_wrong(run, monkeypatch):
    truth = checkpoint_digests.encode

    def encode(blocks):
        return truth({**blocks, "params/output": blocks["params/embedding"]})

    monkeypatch.setattr(checkpoint_digests, "encode", encode)
    with pytest.raises(OSError, match=r"reads back wrong \(params/output does not match"):
        checkpoint.save(run, 3, draw(CONFIG), CONFIG, keep=1)
    assert checkpoint.steps(run) == [1, 2, 3]


def test_an_existing_step_is_replaced_only_on_request(run):
    with pytest.raises(InputError, match="2: exists; save to another directory, or replace it"):
        checkpoint.save(run, 2, draw(CONFIG, seed=5), CONFIG)
    assert_same(checkpoint.restore_params(run).params, draw(CONFIG, seed=2))
    checkpoint.save(run, 2, draw(CONFIG, seed=5), CONFIG, replace=True)
    assert_same(checkpoint.restore_params(run).params, draw(CONFIG, seed=5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": -1}, "step -1 must be 0 or more"),
        ({"keep": 0}, "keep 0 must be 1 or more"),
        ({"extra": {"when": (1, 2)}}, "extra does not survive JSON"),
        ({"extra": {"loss": float("nan")}}, "extra does not survive JSON"),
        ({"extra": np.float32(1)}, "extra does not survive JSON"),
        ({"params": {"embedding": np.zeros((64, 32))}}, "11 missing: "),
        ({"params": draw(CONFIG, np.float64)}, "dtype float64 is not one of"),
        ({"config": dataclasses.replace(CONFIG, kv_heads=4)}, "should be [2, 32, 4, 8]"),
    ],
)
def test_nothing_is_written_when_refused(tmp_path, changes, message):
    arguments = {"step": 1, "params": draw(CONFIG), "config": CONFIG, **changes}
    with pytest.raises(InputError) as error:
        checkpoint.save(tmp_path, **arguments)
    assert message in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_metadata_on_disk_is_plain_json(saved):
    fields = json.loads((saved / "checkpoints/2/metadata/metadata").read_text())
    assert (fields["format"], fields["version"], fields["step"]) == ("llama_jax", 2, 2)
    assert fields["config"]["kv_heads"] == 2
    assert fields["arrays"]["params/embedding"]["dtype"] == "float32"
