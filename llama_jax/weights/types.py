"""What a reader of weights returns."""

from dataclasses import dataclass
from pathlib import Path

from llama_jax.config import LlamaConfig


@dataclass(frozen=True)
class Weights:
    """A model's configuration and parameters, as read from a file.

    Attributes:
        config: what the parameters belong to.
        params: the tree of `abstract_params(config)`, NumPy arrays on the host.
        kind: "hf", "llama2c" or "llama_jax".
        tokenizer: the tokenizer file that came with the weights, or None.
    """

    config: LlamaConfig
    params: dict
    kind: str
    tokenizer: Path | None = None
