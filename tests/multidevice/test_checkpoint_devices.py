import jax
import numpy as np
import pytest

from llama_jax import checkpoint

MESHES = ["one", "2x2", "8", "4x2"]


@pytest.fixture(scope="module")
def run(tmp_path_factory, devices):
    """Runs that were trained and saved on every mesh, each read on every other."""
    run = tmp_path_factory.mktemp("run")
    printed = devices.run(8, "checkpoint_devices.py", run)
    pairs = [f"{a} to {b}" for a in MESHES for b in MESHES]
    moves = [f"losses of {a} then {b}" for a, b in zip(MESHES, [*MESHES[1:], "one"], strict=True)]
    assert printed == pairs + moves
    return run


@pytest.mark.parametrize("mesh", MESHES)
def test_what_any_mesh_saved_is_read_without_one(run, mesh):
    """The parameters of ten steps: the same for every mesh but for rounding."""
    assert jax.device_count() == 1
    found = checkpoint.restore_params(run / mesh).params
    expected = checkpoint.restore_params(run / "one").params
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-4), found, expected)
