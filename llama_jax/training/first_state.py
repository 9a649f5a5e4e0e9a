"""The state that a run begins with: from the seed, or from its newest good checkpoint."""

import functools
from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh

from llama_jax import checkpoint
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.sharding import state_shardings
from llama_jax.training.optimizer import Optimizer
from llama_jax.training.step import TrainState, init_on, init_state


def first_state(
    resume_from: Path | None,
    config: LlamaConfig,
    optimizer: Optimizer,
    seed: int,
    steps: int,
    mesh: Mesh | None = None,
    another_config: bool = False,
) -> TrainState:
    """The state to go on from, on `mesh`.

    Args:
        resume_from: folder of the run; None to begin.
        config: the model.
        optimizer: whose state it is.
        seed: of the initial parameters.
        steps: updates asked for; the checkpoint may not be beyond.
        mesh: None for the default device.
        another_config: see `checkpoint.restore_state`.
    """
    make = functools.partial(init_state, config=config, optimizer=optimizer)
    key = jax.random.key(seed)
    shapes = jax.eval_shape(make, key)
    if mesh is not None:
        shapes = jax.tree.map(
            lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
            shapes,
            state_shardings(shapes, mesh),
        )
    if resume_from is None:
        return make(key) if mesh is None else init_on(key, config, optimizer, mesh)
    restored = checkpoint.restore_state(
        resume_from, config, shapes.params, shapes.opt_state, another_config=another_config
    )
    step = restored.metadata.step
    if step > steps:
        raise InputError(
            f"{resume_from}: has a checkpoint of step {step}, beyond the {steps} steps asked for; "
            "ask for more steps, or choose another folder"
        )
    counter = np.int32(step)
    if mesh is None:
        # Placed as the checkpoint places the other leaves: jit compiles anew when that changes.
        placed = jax.device_put(counter, shapes.step.sharding)
    else:
        placed = jax.make_array_from_callback((), shapes.step.sharding, lambda _: counter)
    return TrainState(placed, restored.params, restored.opt_state)
