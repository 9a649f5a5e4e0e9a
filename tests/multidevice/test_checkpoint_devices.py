import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from reference.weight_files import draw

from llama_jax import checkpoint
from llama_jax.config import LlamaConfig

SCRIPT = Path(__file__).with_name("checkpoint_devices.py")
MESHES = ["one", "fsdp4", "tensor4", "mixed"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """In a process of its own: the number of CPU devices is fixed when JAX starts."""
    run = tmp_path_factory.mktemp("run")
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": "4",
        "PYTHONPATH": str(SCRIPT.parents[1]),
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(run)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{a} to {b}" for a in MESHES for b in MESHES]
    return run


@pytest.mark.parametrize("mesh", MESHES)
def test_what_any_mesh_saved_is_read_without_one(run, mesh):
    assert jax.device_count() == 1
    config, params, _ = checkpoint.restore_params(run / mesh)
    assert config == LlamaConfig(64, 32, 2, 4, 4, 48, 32, 1e-5)
    jax.tree.map(np.testing.assert_array_equal, params, draw(config, seed=1))
