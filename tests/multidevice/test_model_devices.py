import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("model_devices.py")


def test_four_devices_compute_what_one_does():
    """In a process of its own: the number of CPU devices is fixed when JAX starts."""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "4"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "attention jit equal",
        "attention shard_map equal",
        "attention pmap equal",
        "segments shard_map equal",
        "decoder data=4 fsdp=1 tensor=1 equal",
        "decoder data=1 fsdp=4 tensor=1 equal",
        "decoder data=1 fsdp=2 tensor=2 equal",
        "mesh refused",
        "heads refused",
    ]
