import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("train_step_devices.py")


def test_four_devices_take_the_step_of_one():
    """In a process of its own: the number of CPU devices is fixed when JAX starts."""
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": "4",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",  # compiles three times as fast
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["jit", "equal", "pmap", "equal"]
