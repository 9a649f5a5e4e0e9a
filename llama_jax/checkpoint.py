"""Our checkpoints: parameters, optimizer state and metadata of a step, each array with digests.

Orbax has no checksum of array data and casts dtypes silently, so every array is compared with the
digests, the shape and the dtype that were recorded. A step that cannot be trusted is passed over
for the newest older one that can, and a warning says so. The files beside this one: what lies where
(`checkpoint_files`), what is recorded (`checkpoint_metadata`, `checkpoint_digests`), how it is
written and read (`checkpoint_saver`, `checkpoint_read`; Orbax in `checkpoint_orbax`, and only
there).
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from etils import epath

from llama_jax import checkpoint_metadata as described
from llama_jax.checkpoint_files import PathLike, newest_good, steps
from llama_jax.checkpoint_metadata import Metadata
from llama_jax.checkpoint_read import (
    best_step,
    good_arrays,
    good_layer,
    good_param,
    metadata_of,
    place,
    reads_layers,
    verify,
)
from llama_jax.checkpoint_saver import SaveError, Saver
from llama_jax.config import LlamaConfig
from llama_jax.weights.tree import unflatten

__all__ = [
    "OpenedParams",
    "RestoredParams",
    "RestoredState",
    "SaveError",
    "Saver",
    "best_step",
    "latest_good_step",
    "open_params",
    "restore_params",
    "restore_state",
    "save",
    "steps",
]


class RestoredParams(NamedTuple):
    """Parameters as NumPy arrays on the host."""

    config: LlamaConfig
    params: dict
    metadata: Metadata


class RestoredState(NamedTuple):
    """What training goes on from; arrays lie where the abstract trees asked for them."""

    params: Any
    opt_state: Any
    metadata: Metadata


class OpenedParams(NamedTuple):
    """Parameters still in their files; what is read is compared with its digest.

    Attributes:
        metadata: of the step.
        by_layer: paths of those of which a layer is read alone; in older steps none.
        read: of a path, that parameter as a NumPy array; raises BadStep where it is damaged.
        read_layer: likewise of a path in `by_layer` and a layer's index.
    """

    metadata: Metadata
    by_layer: set[str]
    read: Callable[[str], np.ndarray]
    read_layer: Callable[[str, int], np.ndarray]


def save(
    run: PathLike,
    step: int,
    params: Any,
    config: LlamaConfig,
    *,
    opt_state: Any = None,
    tokenizer_bytes: bytes | None = None,
    tokenizer_name: str = "tokenizer.model",
    extra: Any = None,
    metrics: Mapping[str, float] | None = None,
    keep: int | None = None,
    replace: bool = False,
) -> epath.Path:
    """Writes RUN/checkpoints/STEP, whole or not at all, and returns that path when it is there.

    Left-overs of interrupted saves are removed: one process tree at a time may write to a run.
    `Saver` does the same in the background.

    Args:
        run: directory of the run; made if absent.
        step: training steps done; 0 for converted weights.
        params: the tree of `abstract_params(config)`: NumPy or JAX arrays, or `StoredParam`s, which
            are read a layer at a time while they are written, and once more for the digests.
        config: of the model.
        opt_state: any pytree of arrays; None saves parameters alone.
        tokenizer_bytes: content of the tokenizer's file, kept inside the step.
        tokenizer_name: name of that file.
        extra: anything that JSON can hold: state of the data, seed, settings.
        metrics: of the parameters; see `Saver.keep`.
        keep: see `Saver`.
        replace: overwrite the step if it exists.

    Raises:
        InputError: params do not fit config, the step exists, or extra is not JSON.
        SaveError: it could not be written, or reads back wrong.
    """
    with Saver(run, config, tokenizer_bytes, tokenizer_name, keep) as saver:
        return saver.save(step, params, opt_state, extra=extra, metrics=metrics, replace=replace)


def restore_params(path: PathLike, step: int | None = None) -> RestoredParams:
    """Configuration, parameters and metadata of a checkpoint; optimizer state is not read.

    Args:
        path: a run directory, its directory of checkpoints, or one step.
        step: which step; None for the newest that is good. A step named by either is read or
            refused; otherwise a damaged one gives way to the next older, with a warning.

    Raises:
        InputError: no such step, or none that is good.
    """

    def read(directory: epath.Path) -> RestoredParams:
        metadata = metadata_of(directory)
        params = unflatten(good_arrays(metadata, "params"))
        return RestoredParams(metadata.config, params, metadata)

    return newest_good(path, step, read)


def open_params(directory: epath.Path) -> OpenedParams:
    """The parameters of one step, to be read one by one; BadStep where the step is damaged."""
    metadata = metadata_of(directory)
    return OpenedParams(
        metadata,
        {path for path in metadata.arrays_of("params") if reads_layers(metadata, path)},
        functools.partial(good_param, metadata),
        functools.partial(good_layer, metadata),
    )


def restore_state(
    path: PathLike,
    config: LlamaConfig,
    params: Any,
    opt_state: Any,
    step: int | None = None,
    *,
    another_config: bool = False,
) -> RestoredState:
    """Parameters and optimizer state to go on training from, in the structure of abstract trees.

    Args:
        path: as in `restore_params`.
        config: must be the checkpoint's.
        params: tree of `jax.ShapeDtypeStruct`; a leaf with a sharding is restored onto it, one
            without onto the default device. Mesh and number of processes may differ from those
            that saved; each process reads all arrays and keeps its devices' parts, see
            `checkpoint_read.place`.
        opt_state: likewise, e.g. `jax.eval_shape(optimizer.init, params)`.
        step: as in `restore_params`.
        another_config: accept a checkpoint of a configuration that differs, as long as names,
            shapes and dtypes agree.

    Raises:
        InputError: no such step, none that is good, or config, names, shapes or dtypes differ.
    """
    trees = {"params": params, "opt_state": opt_state}

    def read(directory: epath.Path) -> RestoredState:
        metadata = metadata_of(directory)
        if not another_config:
            described.check_config(metadata, config)
        for item, tree in trees.items():
            described.check_tree(metadata, item, tree)
        placed = {item: place(metadata, item, tree) for item, tree in trees.items()}
        return RestoredState(**placed, metadata=metadata)

    return newest_good(path, step, read)


def latest_good_step(path: PathLike) -> int | None:
    """The newest step of which every array agrees with its digest; None where there are no steps.

    Reads all of it. Raises InputError when there are steps and none is good.
    """
    if not steps(path):
        return None
    return newest_good(path, None, verify).step
