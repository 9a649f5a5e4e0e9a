"""Runs a plan of generation on the device, group by group."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.inference import decoding, scoring
from llama_jax.inference.generation import (
    SMALLEST_CAPACITY,
    GenerateGroup,
    GeneratePlan,
    capacities,
)
from llama_jax.inference.kept import Kept
from llama_jax.inference.placement import Placement
from llama_jax.inference.shapes import bucket, buckets
from llama_jax.inference.slots import Device, Job, Slots
from llama_jax.inference.text import Continuation
from llama_jax.inference.types import GenerateItem, GenerateResult
from llama_jax.model.cache import SharedPrefix
from llama_jax.tokenizer import Tokenizer, stop_ids


class GenerateLoop:
    """Feeds prompts and takes steps until every item has ended; `Slots` says which when.

    The host follows the text between calls: it ends rows at stop strings, and gives the caches more
    room, in few sizes, as they fill.

    Args:
        params: of the model, in the decode layout.
        config: what `params` were built from.
        tokenizer: its stop ids end a row; its `decode` makes the text.
        counts: "generated" is counted here, and "halved": how often memory did not suffice for the
            slots, so that half of them went on.
        compiled_shapes: what is compiled for is added here.
        call_tokens: what one more call costs, in tokens.
        placement: where arrays are put.
    """

    def __init__(
        self,
        params: dict,
        config: LlamaConfig,
        tokenizer: Tokenizer,
        counts: Counter[str],
        compiled_shapes: set[tuple],
        call_tokens: int,
        placement: Placement,
    ) -> None:
        self._params = params
        self._config = config
        self._tokenizer = tokenizer
        # Embeddings are often padded beyond the tokenizer; such ids have no text.
        self._vocab_size = min(tokenizer.vocab_size, config.vocab_size)
        self._counts = counts
        self._compiled_shapes = compiled_shapes
        self._call_tokens = call_tokens
        self._most_rows: int | None = None  # that memory has sufficed for, where it once did not
        self._place = placement

    def run(
        self,
        plan: GeneratePlan,
        items: Sequence[GenerateItem],
        on_text: Callable[[int, str], None] | None,
        kept: Kept | None = None,
    ) -> Iterator[tuple[int, GenerateResult]]:
        """(item, result) pairs as items end; `on_text` gets new text as it comes.

        A single item may go on from what is `kept`, and leaves there what it has seen.
        """
        for group in plan.groups:
            rows = [
                Continuation(items[index], plan.limits[index], self._tokenizer)
                for index in group.items
            ]
            left = list(zip(group.items, rows, strict=True))
            yield from self._run_group(plan, group, left, items, on_text, kept)

    def _run_group(
        self,
        plan: GeneratePlan,
        group: GenerateGroup,
        left: list[tuple[int, Continuation]],
        items: Sequence[GenerateItem],
        on_text: Callable[[int, str], None] | None,
        kept: Kept | None,
    ) -> Iterator[tuple[int, GenerateResult]]:
        """Runs the group; where memory does not suffice, what is left of it in half the slots."""
        # Somebody who reads along gets every token; otherwise the host looks less often.
        chunk = decoding.CHUNK_STEPS if on_text is None else 1
        while left:
            jobs = [_job(index, items[index], row, group.depth) for index, row in left]
            count = min(group.rows, self._most_rows or group.rows)
            try:
                prefix = () if group.prefix is None else (self._prefix(plan, group.prefix),)
                slots = Slots(self._device(group, prefix, count, jobs, kept), jobs, count, chunk)
                for job, token in slots.run():
                    text = job.row.push(token)
                    self._counts["generated"] += 1
                    if text and on_text is not None:
                        on_text(job.index, text)
                    if not job.row.remaining:
                        yield job.index, job.row.result()
                if kept is not None:
                    [(index, row)] = left
                    # The last id may have been drawn and not have gone through the model.
                    kept.put((*items[index].ids, *row.ids[:-1]), slots.rows)
                return
            except jax.errors.JaxRuntimeError as error:
                scoring.require_out_of_memory(error)
                if count == 1:
                    longest = max(len(job.prompt) for job in jobs) + group.depth
                    raise InputError(
                        f"the memory does not suffice to generate one row behind {longest} tokens; "
                        f"use a smaller dtype or more devices"
                    ) from error
            self._most_rows = count // 2
            self._counts["halved"] += 1
            left = [(index, row) for index, row in left if row.remaining]

    def _prefix(self, plan: GeneratePlan, index: int) -> SharedPrefix:
        prefix = plan.prefixes[index]
        self._compiled_shapes.add(("decode prefix", len(prefix.ids)))
        return scoring.compute_prefix(
            self._params, self._config, prefix.ids, np.int32(prefix.length)
        )

    def _device(
        self,
        group: GenerateGroup,
        prefix: tuple[SharedPrefix, ...],
        count: int,
        jobs: Sequence[Job],
        kept: Kept | None,
    ) -> Device:
        """The compiled functions for `count` slots of a group."""
        longest = max(len(job.prompt) for job in jobs)
        # One array holds the prompts of the group, whichever come together.
        prompt_capacity = (
            group.columns if longest <= group.columns else self._capacity(longest, longest)
        )
        whole = max(len(job.prompt) + job.limit for job in jobs)
        feed_rows = sorted({min(rows, count) for rows in group.feed_rows})

        def empty(capacity: int) -> decoding.SlotState:
            self._compiled_shapes.add(("slots", count, capacity))
            slots = decoding.empty_slots(self._params, self._config, count, capacity)
            return self._place.rows(slots)

        def feed(prompts: Sequence[np.ndarray]) -> tuple[decoding.Fed, int]:
            if kept is not None:
                begun = kept.take(prompts[0].tolist(), lambda held: max(held, prompt_capacity))
                if begun is not None:
                    new = prompts[0][kept.reused :]
                    columns = bucket(min(len(new), group.columns), buckets(group.columns))
                    self._note("feed", prefix, count, columns, begun.cache.capacity)
                    return self._feed(prefix, [new], columns, self._place.rows(begun))
            rows = self._rows_to_feed(len(prompts), feed_rows, group.columns)
            self._note("feed", prefix, rows, group.columns, prompt_capacity)
            self._compiled_shapes.add(("rows", rows, prompt_capacity))
            fed = decoding.empty(self._params, self._config, rows, prompt_capacity)
            return self._feed(prefix, prompts[:rows], group.columns, self._place.rows(fed))

        def insert(state, fed, *rest):
            sizes = state.fed.cache.capacity, len(fed.hidden), fed.cache.capacity
            self._compiled_shapes.add(("insert", count, *sizes))
            return decoding.insert(state, fed, *rest)

        def grow(state, capacity):
            self._compiled_shapes.add(("grow", count, state.fed.cache.capacity, capacity))
            return decoding.grow(state, capacity)

        def decode(state, live, steps, leave_at):
            self._note("decode", prefix, count, state.fed.cache.capacity)
            return decoding.decode(
                self._params,
                self._config,
                prefix,
                state,
                self._place.rows(live),
                np.int32(steps),
                np.int32(leave_at),
                np.array(stop_ids(self._tokenizer), np.int32),
                np.int32(self._vocab_size),
            )

        def capacity(need: int) -> int:
            return self._capacity(need, whole)

        return Device(empty, feed, insert, grow, decode, capacity, self._place)

    def _rows_to_feed(self, prompts: int, sizes: Sequence[int], columns: int) -> int:
        """The size of array in which feeding all of the prompts costs least."""

        def cost(rows: int) -> tuple[int, int]:
            return -(-prompts // rows) * (rows * columns + self._call_tokens), rows

        return min(sizes, key=cost)

    def _feed(
        self,
        prefix: tuple[SharedPrefix, ...],
        prompts: Sequence[np.ndarray],
        columns: int,
        fed: decoding.Fed,
    ) -> tuple[decoding.Fed, int]:
        """Feeds the prompts, `columns` tokens at a time, and says how many these are."""
        rows = len(fed.hidden)
        for start in range(0, max(map(len, prompts)), columns):
            tokens = np.zeros((rows, columns), np.int32)
            counts = np.zeros(rows, np.int32)
            for row, prompt in enumerate(prompts):
                part = prompt[start : start + columns]
                tokens[row, : len(part)] = part
                counts[row] = len(part)
            arrays = self._place.rows((tokens, counts))
            fed = decoding.feed(self._params, self._config, prefix, fed, *arrays)
        return fed, len(prompts)

    def _capacity(self, need: int, whole: int) -> int:
        """A size that holds `need` tokens; no row gets more than `whole`, whatever is asked.

        Attention reads all slots of a cache, the empty ones too.
        """
        context = self._config.context
        most = bucket(whole, buckets(context, SMALLEST_CAPACITY // 4))
        return min(most, bucket(min(need, context), capacities(context)))

    def _note(self, function: str, prefix: tuple[SharedPrefix, ...], *sizes: int) -> None:
        slots = prefix[0].capacity if prefix else 0
        self._compiled_shapes.add((function, slots, *sizes))


def _job(index: int, item: GenerateItem, row: Continuation, depth: int) -> Job:
    """What is left to do for an item; what it has got already is fed as a part of its prompt."""
    prompt = np.array([*item.ids[depth:], *row.ids], np.int32)
    return Job(index, item, row, prompt, row.remaining)
