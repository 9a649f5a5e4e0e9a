"""`llama-jax train` as it is called, on a disk that becomes full while the run is under way."""

import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from etils import epath

from llama_jax import checkpoint, samples
from llama_jax.checkpoint_read import good_arrays, metadata_of
from llama_jax.training.log import read_log
from llama_jax.weights.tree import flatten

STEPS = 60
SETTINGS = (
    *("model.dim=64", "model.layers=2", "model.heads=4", "model.kv_heads=2", "model.ffn_size=96"),
    *("model.vocab_size=512", "model.context=64", "length=32", "batch_size=4", f"steps={STEPS}"),
    *(f"optimizer.steps={STEPS}", "optimizer.warmup_steps=2", "save_every=2", "validate_every=2"),
)
# More than the log and TensorBoard's file take, much less than the arrays of a step.
ROOM = 100_000
TIMES = ("seconds", "tokens_per_second", "flops_per_second", "memory_bytes")


@pytest.fixture
def start(tmp_path):
    """Starts the command in a process of its own."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text(samples.CORPUS.read_text(encoding="utf-8")[:20_000], encoding="utf-8")
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "LLAMA_JAX_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    command = [sys.executable, "-c", "from llama_jax import cli; cli.main()", "train"]
    command += ["--config", "books", "--data", str(corpus), "--tokenizer", str(samples.TOKENIZER)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

    def begin(out):
        arguments = [*command, "--out", str(out), "--set", *SETTINGS]
        return subprocess.Popen(arguments, env=environment, **pipes)

    return begin


def finish(process):
    try:
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
    return process.returncode, out, err


def fill_the_disk(process, out):
    """From the first checkpoint on the process can write no file of more than ROOM bytes."""
    while process.poll() is None and not checkpoint.steps(out):
        time.sleep(0.002)
    hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (ROOM, hard))


def state_of(out, step):
    """Path -> array of parameters and optimizer state, each compared with its digest."""
    metadata = metadata_of(epath.Path(out) / "checkpoints" / str(step))
    return flatten({item: good_arrays(metadata, item) for item in ("params", "opt_state")})


def lines(out):
    log = read_log(out / "train_log.jsonl")
    return [{k: v for k, v in line.items() if k not in TIMES} for line in log]


@pytest.mark.slow
def test_a_full_disk_stops_the_run_and_costs_nothing_but_time(start, tmp_path):
    straight, out = tmp_path / "straight", tmp_path / "out"
    status, _, err = finish(start(straight))
    assert status == 0, err

    process = start(out)
    fill_the_disk(process, out)
    status, said, err = finish(process)
    assert (status, said) == (1, "")
    found = re.search(
        r"llama-jax: error: step (\d+) could not be saved to (\S+): .*"
        r"; the newest step there is (\d+)\n",
        err,
    )
    assert found and "Traceback" not in err, err
    assert err.count("\n") == 1
    step, newest = int(found[1]), int(found[3])
    assert Path(found[2]) == (out / "checkpoints" / str(step)).resolve()
    assert step == newest + 2 <= STEPS

    kept = checkpoint.steps(out)
    assert kept[-1] == newest and checkpoint.latest_good_step(out) == newest
    for intact in kept:
        assert any(path.startswith("opt_state") for path in state_of(out, intact))

    status, said, err = finish(start(out))
    assert status == 0, err
    assert said.startswith(f"step {STEPS}, gone on from step {newest}: loss ")
    assert lines(out) == lines(straight)
    one, two = state_of(out, STEPS), state_of(straight, STEPS)
    assert one.keys() == two.keys()
    for path, array in one.items():
        np.testing.assert_array_equal(array, two[path])
    names = {path.name for path in (out / "checkpoints").iterdir()}
    assert names == {str(step) for step in checkpoint.steps(out)}  # nothing half-written is left
