"""Run by test_checkpoint_devices.py on 8 CPU devices: saves on every mesh, restores on every other.

    checkpoint_devices.py RUN

RUN/NAME keeps the run that was trained and saved on mesh NAME.
"""

import functools
import itertools
import shutil
import sys
from pathlib import Path

import jax
import numpy as np

from llama_jax import checkpoint
from llama_jax.config import LlamaConfig
from llama_jax.data.packing import pack
from llama_jax.sharding import make_mesh, state_shardings
from llama_jax.training.log import read_log
from llama_jax.training.loop import LOG_FILE, train
from llama_jax.training.optimizer import OptimizerConfig, make_optimizer
from llama_jax.training.step import init_state
from llama_jax.weights import place_param

CONFIG = LlamaConfig(64, 32, 2, 4, 4, 48, 32, 1e-5)
OPTIMIZER = OptimizerConfig(peak_learning_rate=1e-2, steps=20, warmup_steps=2)
MESHES = {
    "one": None,
    "2x2": {"fsdp": 2, "tensor": 2},
    "8": {"fsdp": 8},
    "4x2": {"data": 2, "fsdp": 2, "tensor": 2},
}
ROWS = pack([np.random.default_rng(n).integers(3, 64, size=n) for n in range(5, 60)], 16)


def run_to(out, steps, mesh, **more):
    settings = {"steps": steps, "batch_size": 8, "seed": 3, "progress": False, **more}
    return train(CONFIG, OPTIMIZER, ROWS, out_dir=out, mesh=mesh, **settings)


def shapes_on(mesh):
    make = functools.partial(init_state, config=CONFIG, optimizer=make_optimizer(OPTIMIZER))
    shapes = jax.eval_shape(make, jax.random.key(0))
    if mesh is None:
        return shapes
    return jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        shapes,
        state_shardings(shapes, mesh),
    )


def losses(out):
    return [line["loss"] for line in read_log(out / LOG_FILE) if "loss" in line]


def main(run):
    meshes = {name: axes and make_mesh(**axes) for name, axes in MESHES.items()}
    trained = {name: run_to(run / name, 10, mesh).state for name, mesh in meshes.items()}
    staging, place_param.STAGING_BYTES = place_param.STAGING_BYTES, 0  # as for large arrays
    for source, target in itertools.product(meshes, meshes):
        wanted = shapes_on(meshes[target])
        found = checkpoint.restore_state(run / source, CONFIG, wanted.params, wanted.opt_state)
        expected = trained[source]
        for tree, saved, shapes in zip(found[:2], expected[1:], wanted[1:], strict=True):
            jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b), tree, saved)
            if meshes[target] is not None:
                where = jax.tree.map(lambda a, b: a.sharding == b.sharding, tree, shapes)
                assert all(jax.tree.leaves(where))
        print(source, "to", target)
    place_param.STAGING_BYTES = staging
    # The same run goes on elsewhere: 10 steps on one mesh, 10 on the next, and none of it shows.
    straight = losses_of_20(run, "one", None)
    for (name, _), (other, mesh) in zip(
        meshes.items(), [*list(meshes.items())[1:], ("one", None)], strict=True
    ):
        moved = run / f"{name} then {other}"
        shutil.copytree(run / name, moved)
        run_to(moved, 20, mesh)
        np.testing.assert_allclose(losses(moved), straight, atol=1e-5, rtol=0)
        print("losses of", moved.name)


def losses_of_20(run, name, mesh):
    straight = run / "straight"
    run_to(straight, 20, mesh)
    return losses(straight)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
