import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("train_meshes.py")


def test_the_losses_of_twenty_steps_do_not_depend_on_the_mesh():
    """In a process of its own: the number of CPU devices is fixed when JAX starts."""
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": "8",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",  # compiles three times as fast
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    expected = ["1", "2x2", "8", "4x2", "refused", "12", "refused", "24", "refused", "4"]
    assert done.stdout.split() == expected
