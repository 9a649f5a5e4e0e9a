"""Several hosts, one program: start-up, and what only one of them does."""

from typing import Any

import jax
import numpy as np


def start(address: str | None = None, processes: int | None = None, process: int | None = None):
    """Joins the processes of a run; to be called before anything else asks JAX for devices.

    On SLURM, Open MPI, GKE and TPU pods nothing need be given: `jax.distributed` finds it in the
    environment. Anywhere else, `address` is HOST:PORT of process 0.
    """
    if jax.config.jax_platforms == "cpu":
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(address, num_processes=processes, process_id=process)


def is_first() -> bool:
    """Whether this process is the one that writes logs and settings."""
    return jax.process_index() == 0


def on_every_host(tree: Any) -> Any:
    """The arrays of a tree, whole, as NumPy arrays on each host, which must have memory for them.

    All processes call it at the same time.
    """
    if jax.process_count() == 1:
        return jax.device_get(tree)
    from jax.experimental import multihost_utils

    return jax.tree.map(np.asarray, multihost_utils.process_allgather(tree, tiled=True))
