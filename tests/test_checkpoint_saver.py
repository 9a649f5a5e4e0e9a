"""Saving in the background: what is written, what is kept, what goes wrong."""

import dataclasses
import errno
import os
import resource
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference.weight_files import draw

from llama_jax import checkpoint, checkpoint_orbax
from llama_jax.checkpoint import SaveError, Saver
from llama_jax.config import LlamaConfig
from llama_jax.weights.tree import flatten

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 32, 1e-5)


def params(seed=0):
    return jax.tree.map(jnp.asarray, draw(CONFIG, seed=seed))


@pytest.fixture
def held(monkeypatch):
    """While it is not set, no array's digest, and so no step, is complete."""
    event, original = threading.Event(), checkpoint_orbax._FileHandler._write

    async def write(self, path, content):
        event.wait(60)
        await original(self, path, content)

    monkeypatch.setattr(checkpoint_orbax._FileHandler, "_write", write)
    return event


def test_training_goes_on_and_the_saved_values_are_those_of_the_call(tmp_path, held):
    """The next step is given the memory of the state; the values were copied before."""
    state, expected = params(), draw(CONFIG)
    twice = jax.jit(lambda tree: jax.tree.map(lambda a: 2 * a, tree), donate_argnums=0)
    with Saver(tmp_path, CONFIG) as saver:
        saver.save(1, state)
        for _ in range(3):
            state = twice(state)
        jax.block_until_ready(state)
        assert checkpoint.steps(tmp_path) == []
        held.set()
    found = flatten(checkpoint.restore_params(tmp_path, 1).params)
    for path, array in flatten(expected).items():
        np.testing.assert_array_equal(found[path], array)


def test_keeps_the_newest_and_the_best(tmp_path):
    losses = {1: 3.0, 2: 1.0, 3: 2.0, 4: 1.5, 5: None, 6: 1.2}
    with Saver(tmp_path, CONFIG, keep=2) as saver:
        for step, loss in losses.items():
            saver.save(step, params(), metrics={} if loss is None else {"validation_loss": loss})
    assert checkpoint.steps(tmp_path) == [2, 5, 6]
    assert checkpoint.best_step(tmp_path) == 2
    assert checkpoint.restore_params(tmp_path, 2).metadata.metrics == {"validation_loss": 1.0}


def test_what_goes_wrong_is_raised_by_the_next_call_with_step_and_path(tmp_path, monkeypatch):
    async def full(self, path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Saver(tmp_path, CONFIG) as saver:
        saver.save(1, params())
        saver.wait()
        monkeypatch.setattr(checkpoint_orbax._FileHandler, "_write", full)
        target = saver.save(2, params())
        saver._thread.join()
        with pytest.raises(SaveError) as error:
            saver.check()
        assert f"step 2 could not be saved to {target}: " in str(error.value)
        assert "No space left on device; the newest step there is 1" in str(error.value)
        saver.check()  # said once
        monkeypatch.undo()
        saver.save(3, params())
    assert checkpoint.steps(tmp_path) == [1, 3]
    assert checkpoint.latest_good_step(tmp_path) == 3


def test_the_end_of_the_block_raises_too(tmp_path, monkeypatch):
    async def broken(self, path, content):
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(checkpoint_orbax._FileHandler, "_write", broken)
    with pytest.raises(SaveError, match=r"step 7 .*the disk is gone; there is no older step"):
        checkpoint.save(tmp_path, 7, params(), CONFIG)


# TensorStore complains that nobody waits any more when it gives up the other files.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_limit_on_the_size_of_files_leaves_older_steps_intact(tmp_path):
    """The array files are what is too large: as on a full disk, in the middle of a save."""
    config = dataclasses.replace(CONFIG, vocab_size=1024)
    checkpoint.save(tmp_path, 1, draw(config), config)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        with pytest.raises(
            SaveError, match="step 2 could not be saved to .*newest step there is 1"
        ):
            checkpoint.save(tmp_path, 2, draw(config), config)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert checkpoint.steps(tmp_path) == [1]
    assert checkpoint.latest_good_step(tmp_path) == 1
    checkpoint.save(tmp_path, 2, draw(config, seed=2), config)
    assert checkpoint.latest_good_step(tmp_path) == 2
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"1", "2"}
