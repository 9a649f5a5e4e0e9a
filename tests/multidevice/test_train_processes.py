import numpy as np
import pytest

from llama_jax import checkpoint
from llama_jax.training.log import read_log
from llama_jax.weights.tree import flatten

SCRIPT = "train_processes.py"


def values(out, name):
    return [line[name] for line in read_log(out / "train_log.jsonl") if name in line]


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
    assert values(moved, "tokens") == values(alone, "tokens")
    for name in ("loss", "validation_loss"):
        np.testing.assert_allclose(values(moved, name), values(alone, name), atol=1e-5, rtol=0)
    ends = (flatten(checkpoint.restore_params(out, 20).params) for out in (moved, alone))
    for one, two in zip(*(end.values() for end in ends), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
