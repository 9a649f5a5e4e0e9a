import json

import numpy as np
import pytest

ONE = """
import json
from engine_processes import answers
print(json.dumps(answers(None)))
"""


@pytest.mark.slow
def test_two_processes_both_get_what_one_device_does(tmp_path, devices):
    address = devices.free_address()
    running = [
        devices.start(4, "engine_processes.py", address, process, tmp_path / f"{process}.json")
        for process in range(2)
    ]
    alone = devices.start(1, "-c", ONE)
    try:
        expected = json.loads(devices.finish(alone))
        for process in running:
            devices.finish(process)
    finally:
        for process in running:
            process.kill()
    first, second = (json.loads((tmp_path / f"{n}.json").read_text()) for n in range(2))
    assert first == second
    assert list(first) == ["data=4 tensor=2", "data=2 tensor=4"]
    for found in first.values():
        for ours, one in zip(found["logprobs"], expected["logprobs"], strict=True):
            np.testing.assert_allclose(ours, one, atol=1e-5, rtol=0)
        assert found["greedy"] == expected["greedy"]
        assert found["texts"] == expected["texts"]
