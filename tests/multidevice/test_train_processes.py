import json

import numpy as np
import pytest

from llama_jax import checkpoint
from llama_jax.training.log import read_log
from llama_jax.weights.tree import flatten

SCRIPT = "train_processes.py"


def values(out, name):
    return [line[name] for line in read_log(out / "train_log.jsonl") if name in line]


def example_ids(out):
    """For each process that trained into `out`: step -> the ids of its batch."""
    files = sorted(out.parent.glob(f"{out.name}-ids-*.jsonl"))
    return [dict(map(json.loads, file.read_text().splitlines())) for file in files]


@pytest.mark.slow
def test_two_processes_train_and_one_goes_on(tmp_path, devices):
    """The batches are a function of the step: the same rows, whoever trains."""
    address = devices.free_address()
    moved, alone = tmp_path / "moved", tmp_path / "alone"
    both = [devices.start(4, SCRIPT, moved, 10, address, process) for process in range(2)]
    try:
        for process in both:
            devices.finish(process)
    finally:
        for process in both:
            process.kill()
    names = {path.name for path in (moved / "checkpoints" / "10" / "digests").iterdir()}
    assert {"0-of-2.json", "1-of-2.json"} <= names
    assert checkpoint.latest_good_step(moved) == 10
    devices.finish(devices.start(1, SCRIPT, moved, 20))
    devices.finish(devices.start(1, SCRIPT, alone, 20))
    [expected] = example_ids(alone)
    assert sorted(expected) == list(range(20)) and len({tuple(i) for i in expected.values()}) == 20
    parts = example_ids(moved)  # two processes to step 10 and one from there
    assert sorted(len(part) for part in parts) == [10, 10, 11]
    assert sorted(max(part) for part in parts) == [9, 9, 19]
    for part in parts:
        assert part == {step: expected[step] for step in part}
    assert values(moved, "tokens") == values(alone, "tokens")
    for name in ("loss", "validation_loss"):
        np.testing.assert_allclose(values(moved, name), values(alone, name), atol=1e-5, rtol=0)
    ends = (flatten(checkpoint.restore_params(out, 20).params) for out in (moved, alone))
    for one, two in zip(*(end.values() for end in ends), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
