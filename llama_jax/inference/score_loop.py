"""Runs a plan of scoring on the device, batch by batch."""

from collections import Counter
from collections.abc import Iterator

import jax
import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.inference import scoring
from llama_jax.inference.batches import TokenBatch, halve
from llama_jax.inference.heap import release_free_memory
from llama_jax.inference.placement import Placement
from llama_jax.inference.plan import Plan
from llama_jax.inference.types import ScoreResult
from llama_jax.model.cache import SharedPrefix


class ScoreLoop:
    """One call per batch; a batch is read when the next one is under way.

    Args:
        params: of the model.
        config: what `params` were built from.
        counts: "halved" is counted here: batches that memory did not suffice for.
        compiled_shapes: what is compiled for is added here.
        placement: where arrays are put.
    """

    def __init__(
        self,
        params: dict,
        config: LlamaConfig,
        counts: Counter[str],
        compiled_shapes: set[tuple],
        placement: Placement,
    ) -> None:
        self._params = params
        self._config = config
        self._counts = counts
        self._compiled_shapes = compiled_shapes
        self._place = placement
        self._too_large: set[tuple] = set()

    def run(self, plan: Plan) -> Iterator[tuple[int, ScoreResult]]:
        """(item, result) pairs as they arrive.

        A node is computed when its first batch comes and dropped behind its last one. Where the
        next one's arrays have other sizes, its memory goes back.
        """
        in_flight = None
        alive: dict[int, SharedPrefix] = {}  # the nodes on the path to the batch at hand
        for batch in plan.batches:
            prefix = self._prefix(plan, plan.path(batch.node), alive)
            started = batch, prefix, self._start(batch, prefix)
            resized = in_flight is not None and _slots(in_flight[1]) != _slots(prefix)
            if in_flight is not None:
                yield from self._finish(*in_flight)
            in_flight = started
            if resized:
                release_free_memory()
        if in_flight is not None:
            yield from self._finish(*in_flight)

    def _prefix(
        self, plan: Plan, path: tuple[int, ...], alive: dict[int, SharedPrefix]
    ) -> tuple[SharedPrefix, ...]:
        """Computes the nodes of a path that are not alive, and drops those that are not on it."""
        for node in alive.keys() - set(path):
            del alive[node]
        parent = None
        for node in path:
            if node not in alive:
                self._compiled_shapes.update(plan.node_shapes(node))
                capacity = plan.capacity(node)
                prefix = scoring.start_prefix(self._params, self._config, capacity, parent)
                for ids, count in plan.chunks(node):
                    prefix = scoring.extend_prefix(
                        self._params, self._config, prefix, ids, np.int32(count)
                    )
                alive[node] = prefix
            parent = alive[node]
        return () if parent is None else (parent,)

    def _start(
        self, batch: TokenBatch, prefix: tuple[SharedPrefix, ...]
    ) -> tuple[jax.Array, jax.Array] | None:
        """Arrays that will hold the results; None if memory does not suffice."""
        shape = _shape(batch, prefix)
        if shape in self._too_large:
            return None
        self._compiled_shapes.add(shape)
        try:
            return scoring.score_batch(
                self._params,
                self._config,
                prefix,
                *map(self._place.padded_rows, (batch.tokens, batch.depths, batch.ends)),
                batch.positions,
                np.int32(batch.slots),
                batch.targets,
            )
        except jax.errors.JaxRuntimeError as error:
            scoring.require_out_of_memory(error)
            return None

    def _finish(
        self,
        batch: TokenBatch,
        prefix: tuple[SharedPrefix, ...],
        outputs: tuple[jax.Array, jax.Array] | None,
    ) -> Iterator[tuple[int, ScoreResult]]:
        """Results of a batch; one that memory did not suffice for is done in halves."""
        try:
            arrays = None if outputs is None else [self._place.read(a) for a in outputs]
        except jax.errors.JaxRuntimeError as error:
            scoring.require_out_of_memory(error)
            arrays = None
        if arrays is not None:
            logprobs, greedy = arrays
            for item, *cells in batch.reads:
                values = logprobs[*cells].tolist()
                yield item, ScoreResult(tuple(values), bool(greedy[*cells].all()))
            return
        rows, length = batch.tokens.shape
        if rows == 1:
            raise InputError(
                f"the memory does not suffice for one row of {length} tokens; use a smaller dtype "
                f"or more devices"
            )
        self._too_large.add(_shape(batch, prefix))
        self._counts["halved"] += 1
        for half in halve(batch):
            if half.slots:
                yield from self._finish(half, prefix, self._start(half, prefix))


def _shape(batch: TokenBatch, prefix: tuple[SharedPrefix, ...]) -> tuple:
    """As `Plan.shape` gives it."""
    return ("score", _slots(prefix), *batch.tokens.shape, *batch.targets.shape)


def _slots(prefix: tuple[SharedPrefix, ...]) -> int:
    return prefix[0].capacity if prefix else 0
