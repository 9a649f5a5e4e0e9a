"""Runs a plan of generation on the device, a few steps at a time."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.inference import decoding, scoring
from llama_jax.inference.generation import GenerateBatch, GeneratePlan, capacities
from llama_jax.inference.shapes import bucket
from llama_jax.inference.text import Continuation
from llama_jax.inference.types import GenerateItem, GenerateResult
from llama_jax.model.cache import SharedPrefix
from llama_jax.tokenizer import Tokenizer


class GenerateLoop:
    """Feeds the prompts of a batch, then takes steps until every row has ended.

    The host follows the text between calls: it ends rows at stop strings, and gives the caches more
    room, in few sizes, as they fill.

    Args:
        params: of the model, in the decode layout.
        config: what `params` were built from.
        tokenizer: its `eos_id` ends a row; its `decode` makes the text.
        counts: "generated" is counted here.
        compiled_shapes: what is compiled for is added here.
    """

    def __init__(
        self,
        params: dict,
        config: LlamaConfig,
        tokenizer: Tokenizer,
        counts: Counter[str],
        compiled_shapes: set[tuple],
    ) -> None:
        self._params = params
        self._config = config
        self._tokenizer = tokenizer
        # Embeddings are often padded beyond the tokenizer; such ids have no text.
        self._vocab_size = min(tokenizer.vocab_size, config.vocab_size)
        self._counts = counts
        self._compiled_shapes = compiled_shapes

    def run(
        self,
        plan: GeneratePlan,
        items: Sequence[GenerateItem],
        on_text: Callable[[int, str], None] | None,
    ) -> Iterator[tuple[int, GenerateResult]]:
        """(item, result) pairs, batch by batch; `on_text` gets new text as it comes."""
        prefix, held = (), None
        for batch in plan.batches:
            try:
                if batch.prefix != held:
                    held = batch.prefix
                    prefix = () if held is None else (self._prefix(plan, held),)
                rows = self._run_batch(batch, plan, prefix, items, on_text)
            except jax.errors.JaxRuntimeError as error:
                scoring.require_out_of_memory(error)
                raise InputError(
                    f"the memory does not suffice to generate {batch.rows} rows together; lower "
                    f"batch_rows, or use a smaller dtype or more devices"
                ) from error
            for index, row in zip(batch.items, rows, strict=True):
                yield index, row.result()

    def _prefix(self, plan: GeneratePlan, index: int) -> SharedPrefix:
        prefix = plan.prefixes[index]
        self._compiled_shapes.add(("decode prefix", len(prefix.ids)))
        return scoring.compute_prefix(
            self._params, self._config, prefix.ids, np.int32(prefix.length)
        )

    def _run_batch(
        self,
        batch: GenerateBatch,
        plan: GeneratePlan,
        prefix: tuple[SharedPrefix, ...],
        items: Sequence[GenerateItem],
        on_text: Callable[[int, str], None] | None,
    ) -> list[Continuation]:
        """The rows of a batch, all of them ended."""
        asked = [items[index] for index in batch.items]
        prompts = [np.array(item.ids[batch.depth :], np.int32) for item in asked]
        limits = [plan.limits[index] for index in batch.items]
        rows = [Continuation(*pair, self._tokenizer) for pair in zip(asked, limits, strict=True)]
        lengths = np.zeros(batch.rows, np.int32)
        lengths[: len(rows)] = [len(prompt) for prompt in prompts]
        # Somebody who reads along gets every token; otherwise the host looks less often.
        most = decoding.CHUNK_STEPS if on_text is None else 1
        state = self._feed(batch, prefix, prompts)
        settings = _settings(asked, batch.rows)
        while any(row.remaining for row in rows):
            remaining = np.zeros(batch.rows, np.int32)
            remaining[: len(rows)] = [row.remaining for row in rows]
            steps = min(most, int(remaining.max()))
            state = self._make_room(state, int(max((lengths + steps)[remaining > 0])))
            state, ids = self._decode(prefix, state, settings, remaining, steps)
            for row, index, tokens in zip(rows, batch.items, ids.T.tolist(), strict=False):
                for token in tokens:
                    if token >= 0 and row.remaining:
                        text = row.push(token)
                        self._counts["generated"] += 1
                        if text and on_text is not None:
                            on_text(index, text)
            lengths += np.count_nonzero(ids >= 0, axis=0).astype(np.int32)
        return rows

    def _feed(
        self,
        batch: GenerateBatch,
        prefix: tuple[SharedPrefix, ...],
        prompts: Sequence[np.ndarray],
    ) -> decoding.DecodeState:
        """The state after the prompts, which are fed `batch.columns` tokens at a time."""
        longest, columns = len(prompts[0]), batch.columns
        capacity = self._capacity(longest + decoding.CHUNK_STEPS)
        self._note("feed", prefix, batch.rows, columns, capacity)
        state = decoding.empty_state(self._params, self._config, batch.rows, capacity)
        for start in range(0, longest, columns):
            tokens = np.zeros((batch.rows, columns), np.int32)
            counts = np.zeros(batch.rows, np.int32)
            for row, prompt in enumerate(prompts):
                part = prompt[start : start + columns]
                tokens[row, : len(part)] = part
                counts[row] = len(part)
            state = decoding.feed(self._params, self._config, prefix, state, tokens, counts)
        return state

    def _make_room(self, state: decoding.DecodeState, need: int) -> decoding.DecodeState:
        capacity = self._capacity(need)
        return state if capacity <= state.cache.capacity else decoding.grow(state, capacity)

    def _capacity(self, need: int) -> int:
        """A size that holds `need` tokens; no row gets more than the context, whatever is asked."""
        context = self._config.context
        return bucket(min(need, context), capacities(context))

    def _decode(
        self,
        prefix: tuple[SharedPrefix, ...],
        state: decoding.DecodeState,
        settings: decoding.Settings,
        remaining: np.ndarray,
        steps: int,
    ) -> tuple[decoding.DecodeState, np.ndarray]:
        """The state after `steps` steps and the ids [CHUNK_STEPS, B], -1 where there is none."""
        self._note("decode", prefix, len(remaining), state.cache.capacity)
        state, ids = decoding.decode(
            self._params,
            self._config,
            prefix,
            state,
            settings,
            remaining,
            np.int32(steps),
            np.int32(self._tokenizer.eos_id),
            np.int32(self._vocab_size),
        )
        return state, np.asarray(ids)

    def _note(self, function: str, prefix: tuple[SharedPrefix, ...], *sizes: int) -> None:
        slots = prefix[0].capacity if prefix else 0
        self._compiled_shapes.add((function, slots, *sizes))


def _settings(items: Sequence[GenerateItem], rows: int) -> decoding.Settings:
    """How each row draws; unused rows are greedy."""
    unused = [GenerateItem((0,), 1)] * (rows - len(items))
    every = [*items, *unused]
    return decoding.Settings(
        seed=jnp.asarray(np.array([item.seed for item in every], np.uint32)),
        temperature=jnp.asarray(np.array([item.temperature for item in every], np.float32)),
        top_k=jnp.asarray(np.array([item.top_k for item in every], np.int32)),
        top_p=jnp.asarray(np.array([item.top_p for item in every], np.float32)),
    )
