import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("engine_devices.py")


def test_meshes_answer_what_one_device_does():
    """In a process of its own: the number of CPU devices is fixed when JAX starts."""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "8"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    meshes = ("data=8", "tensor=4", "data=2 tensor=2", "data=3")
    assert done.stdout.splitlines() == [
        *(f"{mesh} {what} equal" for mesh in meshes for what in ("scores", "texts")),
        "heads refused",
        "eight bits refused",
    ]
