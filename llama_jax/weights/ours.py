"""Our own checkpoints as stored weights: a layer is read when it is wanted, and then compared.

Those of older versions have one chunk and one digest per array, which is read whole.

Orbax is imported when a checkpoint is opened: it takes over a second, and only our own need it.
"""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from llama_jax.checkpoint_files import BadStep, newest_good
from llama_jax.errors import InputError
from llama_jax.weights.checks import float_dtype
from llama_jax.weights.types import StoredParam, StoredWeights, WholeParam

T = TypeVar("T")


def open(path: Path) -> StoredWeights:
    """Describes the newest checkpoint whose description is good; values are read later.

    Args:
        path: a run directory, its directory of checkpoints, or one step.

    Raises:
        InputError: no such step, or none that is good. Reading a damaged array raises it as well.
    """
    stored = newest_good(path, None, _open_step)
    params = {name: _refusing(stored.where, param) for name, param in stored.params.items()}
    return dataclasses.replace(stored, params=params)


def use_newest_good(path: str | Path, use: Callable[[StoredWeights], T]) -> T:
    """What `use` makes of the newest checkpoint whose values, where it reads them, are good."""
    return newest_good(path, None, lambda directory: use(_open_step(directory)))


def _open_step(directory) -> StoredWeights:
    """Reading a damaged array raises BadStep."""
    from llama_jax import checkpoint

    opened = checkpoint.open_params(directory)
    metadata = opened.metadata
    params = {
        name: _param(record, name, opened) for name, record in metadata.arrays_of("params").items()
    }
    tokenizer = metadata.tokenizer_path
    return StoredWeights(
        metadata.config,
        params,
        "llama_jax",
        str(directory),
        None if tokenizer is None else Path(tokenizer),
    )


def _param(record, name: str, opened) -> StoredParam:
    shape, dtype = tuple(record.shape), float_dtype(record.dtype)
    if name in opened.by_layer:
        return StoredParam(shape, dtype, functools.partial(opened.read_layer, name))
    return _whole_param(shape, dtype, functools.partial(opened.read, name))


def _whole_param(shape, dtype, whole: Callable[[], np.ndarray]) -> WholeParam:
    """A parameter that is read whole: it is kept until its last layer was asked for."""
    kept: list[np.ndarray] = []

    def layer_of(layer: int | None) -> np.ndarray:
        array = kept.pop() if kept else whole()
        if layer is None:
            return array
        if layer < shape[0] - 1:
            kept.append(array)
        return array[layer]

    return WholeParam(shape, dtype, layer_of, whole)


def _refusing(where: str, param: StoredParam) -> StoredParam:
    def refusing(read):
        def call(*layer):
            try:
                return read(*layer)
            except BadStep as bad:
                raise InputError(f"{where}: damaged: {bad}") from bad

        return call

    changes = {"read": refusing(param.read)}
    if isinstance(param, WholeParam):
        changes["whole"] = refusing(param.whole)
    return dataclasses.replace(param, **changes)
