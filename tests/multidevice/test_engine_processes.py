import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("engine_processes.py")
ONE = """
import json
from engine_processes import answers
print(json.dumps(answers(None)))
"""


@pytest.mark.slow
def test_two_processes_both_get_what_one_device_does(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    running = [
        start(4, str(SCRIPT), address, str(process), str(tmp_path / f"{process}.json"))
        for process in range(2)
    ]
    alone = start(1, "-c", ONE)
    try:
        expected = json.loads(finish(alone))
        for process in running:
            finish(process)
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


def start(devices: int, *arguments: str) -> subprocess.Popen:
    paths = [str(SCRIPT.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": str(devices),
        "PYTHONPATH": os.pathsep.join(paths),
    }
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, *arguments], env=environment, text=True, **pipes)


def finish(process: subprocess.Popen) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out
