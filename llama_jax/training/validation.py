"""The loss on rows that are held out."""

from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from llama_jax.config import LlamaConfig
from llama_jax.data.batches import padded_batches
from llama_jax.data.packing import Rows
from llama_jax.training.batch_source import on_mesh
from llama_jax.training.options import StepOptions
from llama_jax.training.step import compile_eval_step


class ValidationLoss(NamedTuple):
    """Mean loss in nats per token, and over how many tokens."""

    loss: float
    tokens: int


class Validation:
    """Computes the mean loss over rows, in batches of the size of a microbatch."""

    def __init__(
        self,
        config: LlamaConfig,
        options: StepOptions,
        rows: Rows | None,
        batch_size: int,
        mesh: Mesh | None = None,
    ):
        self.present = rows is not None
        if rows is None:
            return
        self._step = compile_eval_step(config, options, mesh=mesh)
        self._batches = padded_batches(rows, batch_size // options.accumulation)
        self._mesh = mesh

    def __call__(self, params: dict) -> ValidationLoss:
        """The loss of `params`; there must be rows."""
        sums = [self._step(params, on_mesh(batch, self._mesh)) for batch in self._batches]
        total, count = np.sum(np.array(jax.device_get(sums), np.float64), axis=0)
        return ValidationLoss(float(total / count), int(count))
