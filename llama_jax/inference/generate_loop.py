"""Runs a plan of generation on the device, group by group."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.inference import decoding, scoring
from llama_jax.inference.generation import GenerateGroup, GeneratePlan
from llama_jax.inference.kept import Kept
from llama_jax.inference.placement import Placement
from llama_jax.inference.slot_calls import Served, SlotCalls
from llama_jax.inference.slot_sizes import Sizes
from llama_jax.inference.slots import Job, Slots
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
        self._tokenizer = tokenizer
        self._counts = counts
        self._most_rows: int | None = None  # that memory has sufficed for, where it once did not
        self._served = Served(
            params=params,
            config=config,
            stop_ids=tuple(stop_ids(tokenizer)),
            # Embeddings are often padded beyond the tokenizer; such ids have no text.
            vocab_size=min(tokenizer.vocab_size, config.vocab_size),
            call_tokens=call_tokens,
            compiled_shapes=compiled_shapes,
            placement=placement,
        )

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
                slots = Slots(self._calls(group, prefix, count, jobs, kept), jobs, count, chunk)
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
        prefix, served = plan.prefixes[index], self._served
        served.compiled_shapes.add(("decode prefix", len(prefix.ids)))
        return scoring.compute_prefix(
            served.params, served.config, prefix.ids, np.int32(prefix.length)
        )

    def _calls(
        self,
        group: GenerateGroup,
        prefix: tuple[SharedPrefix, ...],
        count: int,
        jobs: Sequence[Job],
        kept: Kept | None,
    ) -> SlotCalls:
        """The compiled functions for `count` slots of a group."""
        rows = [(len(job.prompt), job.limit) for job in jobs]
        sizes = Sizes.of(group, count, rows, self._served.config.context)
        return SlotCalls(self._served, prefix, sizes, kept)


def _job(index: int, item: GenerateItem, row: Continuation, depth: int) -> Job:
    """What is left to do for an item; what it has got already is fed as a part of its prompt."""
    prompt = np.array([*item.ids[depth:], *row.ids], np.int32)
    return Job(index, item, row, prompt, row.remaining)
