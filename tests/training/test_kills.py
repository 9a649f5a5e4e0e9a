"""A run that is killed twenty times, among them inside a save, ends as one that never was."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from etils import epath

from llama_jax import checkpoint
from llama_jax.checkpoint_read import good_arrays, metadata_of
from llama_jax.training.log import read_log
from llama_jax.weights.tree import flatten

SCRIPT = Path(__file__).with_name("kill_run.py")
KILLS = 20
TIMES = ("seconds", "tokens_per_second", "flops_per_second")


def start(out, cache):
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "LLAMA_JAX_CACHE": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "PYTHONPATH": str(SCRIPT.parents[2]),
    }
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(out)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said


def lines(out):
    log = read_log(out / "train_log.jsonl")
    return [{k: v for k, v in line.items() if k not in TIMES} for line in log]


def final_state(out):
    """Path -> array of parameters and optimizer state, each compared with its digest."""
    metadata = metadata_of(epath.Path(out) / "checkpoints" / str(checkpoint.latest_good_step(out)))
    assert metadata.step == 3000
    return flatten({item: good_arrays(metadata, item) for item in ("params", "opt_state")})


def kill_once(process, out, rng, inside_a_save):
    """Kills the process: while a step is being written, or at a random moment of its work."""
    log, folder = out / "train_log.jsonl", out / "checkpoints"
    before = log.stat().st_size if log.exists() else 0
    while process.poll() is None and (log.stat().st_size if log.exists() else 0) == before:
        time.sleep(0.005)
    if inside_a_save:
        while process.poll() is None and not list(folder.glob("*.orbax-checkpoint-tmp")):
            time.sleep(0.001)
    time.sleep(rng.uniform(0, 0.02 if inside_a_save else 0.5))
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return alive


@pytest.mark.slow
def test_twenty_kills_leave_no_trace(tmp_path):
    rng, cache = random.Random(0), tmp_path / "cache"
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    finish(start(straight, cache))
    done = torn = 0
    for number in range(KILLS):
        done += kill_once(start(killed, cache), killed, rng, inside_a_save=number % 2 == 0)
        torn += bool(list((killed / "checkpoints").glob("*.orbax-checkpoint-tmp")))
    finish(start(killed, cache))
    assert done == KILLS  # none of them came after the end
    assert torn >= 3  # so many of them left a half-written step
    assert lines(killed) == lines(straight)
    one, two = (final_state(out) for out in (straight, killed))
    assert one.keys() == two.keys() and any(path.startswith("opt_state") for path in one)
    for path, array in one.items():
        np.testing.assert_array_equal(array, two[path])


@pytest.mark.slow
def test_sigterm_saves_and_ends_well(tmp_path):
    out, cache = tmp_path / "out", tmp_path / "cache"
    process = start(out, cache)
    while process.poll() is None and not checkpoint.steps(out):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    finish(process)
    step = checkpoint.steps(out)[-1]
    assert 50 <= step < 3000
    assert lines(out)[-1]["step"] == step
    assert checkpoint.latest_good_step(out) == step
