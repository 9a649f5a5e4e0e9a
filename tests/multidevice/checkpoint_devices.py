"""Run by test_checkpoint_devices.py on 4 CPU devices: saves on every mesh, restores on every other.

    checkpoint_devices.py RUN

RUN/NAME keeps the checkpoint saved on mesh NAME.
"""

import itertools
import sys
from pathlib import Path

import jax
import numpy as np
import optax
from reference.weight_files import draw

from llama_jax import checkpoint
from llama_jax.config import LlamaConfig
from llama_jax.model.decoder import abstract_params
from llama_jax.sharding import make_mesh, parameter_shardings

CONFIG = LlamaConfig(64, 32, 2, 4, 4, 48, 32, 1e-5)
MESHES = {
    "one": {},
    "fsdp4": {"fsdp": 4},
    "tensor4": {"tensor": 4},
    "mixed": {"fsdp": 2, "tensor": 2},
}
OPTIMIZER = optax.trace(0.9)


def placed(tree, mesh):
    return jax.tree.map(jax.device_put, tree, parameter_shardings(tree, mesh))


def abstract(mesh):
    params = abstract_params(CONFIG)
    params = jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        params,
        parameter_shardings(params, mesh),
    )
    return params, optax.TraceState(params)


def main(run):
    params, momentum = draw(CONFIG, seed=1), draw(CONFIG, seed=2)
    meshes = {name: make_mesh(**axes) for name, axes in MESHES.items()}
    for name, mesh in meshes.items():
        state = optax.TraceState(placed(momentum, mesh))
        checkpoint.save(run / name, 3, placed(params, mesh), CONFIG, opt_state=state)
    for source, target in itertools.product(meshes, meshes):
        wanted = abstract(meshes[target])
        state = checkpoint.restore_state(run / source, CONFIG, *wanted)
        for tree, expected, shapes in zip(
            state[:2], (params, optax.TraceState(momentum)), wanted, strict=True
        ):
            jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b), tree, expected)
            where = jax.tree.map(lambda a, b: a.sharding == b.sharding, tree, shapes)
            assert all(jax.tree.leaves(where))
        print(source, "to", target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
