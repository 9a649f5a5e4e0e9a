"""What a reader of weights returns: parameters still in their file, and parameters in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llama_jax.config import LlamaConfig


@dataclass(frozen=True)
class StoredParam:
    """One of our parameters, still in its file: what it is, and how to read a layer of it.

    Attributes:
        shape: of the whole parameter, the layers first where it is stacked.
        dtype: as stored; what is quantised in the file has the dtype it is expanded to.
        read: of a layer's index (None for a parameter without layers), that layer in our layout.
            A view of a mapped file where the layouts allow it; the caller must not write to it.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[int | None], np.ndarray]


@dataclass(frozen=True)
class WholeParam(StoredParam):
    """A parameter whose file gives it whole only.

    Attributes:
        whole: reads all layers into memory that the caller may keep.
    """

    whole: Callable[[], np.ndarray]


@dataclass(frozen=True)
class StoredWeights:
    """A model's configuration and parameters; the values are still in the file.

    Attributes:
        config: what the parameters belong to.
        params: path of `abstract_params(config)`, such as "layers/attention/query" -> parameter.
            Complete, and of the right shapes: the reader has checked that.
        kind: "hf", "meta", "llama2c", "gguf" or "llama_jax".
        where: the file or directory, for messages.
        tokenizer: the tokenizer file that came with the weights, or None.
    """

    config: LlamaConfig
    params: dict[str, StoredParam]
    kind: str
    where: str
    tokenizer: Path | None = None


@dataclass(frozen=True)
class Weights:
    """A model's configuration and parameters, as read from a file.

    Attributes:
        config: what the parameters belong to.
        params: the tree of `abstract_params(config)`, NumPy arrays on the host.
        kind: "hf", "meta", "llama2c", "gguf" or "llama_jax".
        tokenizer: the tokenizer file that came with the weights, or None.
    """

    config: LlamaConfig
    params: dict
    kind: str
    tokenizer: Path | None = None
