"""Where batches come from: anything that gives batch t for t = 0, 1, ..., whatever came before.

So a run goes on anywhere without the state of an iterator: the step is the state.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
from jax.sharding import Mesh

from llama_jax.config import LlamaConfig
from llama_jax.data.batches import batch_at
from llama_jax.data.packing import Rows
from llama_jax.data.prefetch import made_ahead
from llama_jax.errors import InputError
from llama_jax.sharding import batch_sharding
from llama_jax.training.checks import check_rows
from llama_jax.weights.digest import array_digest

AHEAD = 2  # batches that are made and on their way while a step is computed


@runtime_checkable
class BatchSource(Protocol):
    """Global batches; every process of a run is given the same and keeps its devices' part."""

    def batch(self, step: int) -> Rows:
        """Batch `step`, from 0; each array [B, T]."""
        ...

    def identity(self) -> dict[str, Any]:
        """What decides the content of the batches, as JSON values: digests, seed."""
        ...


@dataclass(frozen=True)
class PackedRows:
    """Batches out of packed rows that are in memory."""

    rows: Rows
    seed: int
    batch_size: int

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= len(self.rows.tokens):
            raise InputError(
                f"train: batches of {self.batch_size} rows, but there are "
                f"{len(self.rows.tokens)} rows; give more text, shorter rows or another batch size"
            )

    def batch(self, step: int) -> Rows:
        """See `batch_at`."""
        return batch_at(self.rows, self.seed, step, self.batch_size)

    def identity(self) -> dict[str, Any]:
        """Number, length and digest of the rows."""
        digests = " ".join(array_digest(array) for array in self.rows)
        return {
            "rows": len(self.rows.tokens),
            "row_length": self.rows.tokens.shape[1],
            "sha256": hashlib.sha256(digests.encode()).hexdigest(),
        }


def checked_source(
    config: LlamaConfig, rows: Rows | BatchSource, seed: int, batch_size: int
) -> BatchSource:
    """A source as it is; of rows, which the model must be able to read, batches drawn by `seed`."""
    if not isinstance(rows, Rows):
        return rows
    check_rows(config, rows, "training rows")
    return PackedRows(rows, seed, batch_size)


def batches(
    source: BatchSource, start: int, stop: int, place: Callable[[int, Rows], Rows]
) -> Iterator[Rows]:
    """Batches `start` to `stop` - 1, made and placed by a thread while the device computes.

    What goes wrong there is raised when that batch's turn comes. Close the generator to end early.
    """
    made = (place(step, source.batch(step)) for step in range(start, stop))
    return made_ahead(made, AHEAD)


def on_mesh(batch: Rows, mesh: Mesh | None) -> Rows:
    """The batch on its devices; without a mesh it stays as it is.

    Each process has the whole batch in memory and hands over the rows of its own devices.
    """
    if mesh is None:
        return batch
    sharding = batch_sharding(mesh)
    return Rows(
        *(
            jax.make_array_from_callback(array.shape, sharding, lambda index, a=array: a[index])
            for array in batch
        )
    )
