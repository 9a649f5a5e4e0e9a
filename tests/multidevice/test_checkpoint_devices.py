import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from llama_jax import checkpoint

SCRIPT = Path(__file__).with_name("checkpoint_devices.py")
MESHES = ["one", "2x2", "8", "4x2"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """In a process of its own: the number of CPU devices is fixed when JAX starts."""
    run = tmp_path_factory.mktemp("run")
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": "8",
        "PYTHONPATH": os.pathsep.join(map(str, SCRIPT.parents[1:3])),
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(run)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    pairs = [f"{a} to {b}" for a in MESHES for b in MESHES]
    moves = [f"losses of {a} then {b}" for a, b in zip(MESHES, [*MESHES[1:], "one"], strict=True)]
    assert done.stdout.splitlines() == pairs + moves
    return run


@pytest.mark.parametrize("mesh", MESHES)
def test_what_any_mesh_saved_is_read_without_one(run, mesh):
    """The parameters of ten steps: the same for every mesh but for rounding."""
    assert jax.device_count() == 1
    found = checkpoint.restore_params(run / mesh).params
    expected = checkpoint.restore_params(run / "one").params
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-4), found, expected)
