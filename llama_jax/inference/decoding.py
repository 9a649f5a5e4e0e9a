"""The compiled functions of generation: feed prompts, put them into slots, take steps."""

import dataclasses
import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt

from llama_jax.config import LlamaConfig
from llama_jax.inference.sampling import row_keys, sample
from llama_jax.inference.scoring import matmul_precision
from llama_jax.model import cache as caches
from llama_jax.model import decoder
from llama_jax.model.cache import KVCache, SharedPrefix

# Steps of one call at most: rows that a stop string ends wait for the end of the next call.
CHUNK_STEPS = 16


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Fed:
    """Rows that were fed.

    Attributes:
        cache: the rows' own tokens.
        hidden: [B, D], the last real token's hidden state of each row: the next id comes from it.
    """

    cache: KVCache
    hidden: Float[Array, "B D"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Settings:
    """How the next id is drawn, per row; see `sampling.sample`."""

    seed: UInt[Array, "B"]
    temperature: Float[Array, "B"]
    top_k: Int[Array, "B"]
    top_p: Float[Array, "B"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SlotState:
    """What generation carries from call to call.

    Attributes:
        fed: the rows so far.
        remaining: ids that each row may still get; 0 for rows that have ended.
        settings: how each row draws.
    """

    fed: Fed
    remaining: Int[Array, "B"]
    settings: Settings


@functools.partial(jax.jit, static_argnames=("config", "rows", "capacity"))
def empty(params: dict, config: LlamaConfig, rows: int, capacity: int) -> Fed:
    """Rows that have seen nothing, in the layout and dtype of `params`."""
    dtype = params["embedding"].dtype
    stacked = isinstance(params["layers"], dict)
    cache = KVCache.empty(config, rows, capacity, dtype, stacked=stacked)
    return Fed(cache, jnp.zeros((rows, config.dim), dtype))


@functools.partial(jax.jit, static_argnames=("config", "rows", "capacity"))
def empty_slots(params: dict, config: LlamaConfig, rows: int, capacity: int) -> SlotState:
    """Slots that hold nothing."""
    zeros = [jnp.zeros(rows, kind) for kind in (jnp.int32, jnp.uint32, jnp.float32, jnp.int32)]
    settings = Settings(*zeros[1:], jnp.ones(rows, jnp.float32))
    return SlotState(empty(params, config, rows, capacity), zeros[0], settings)


@functools.partial(jax.jit, static_argnames="capacity")
def grow(state: SlotState, capacity: int) -> SlotState:
    """The same state with room for `capacity` tokens per row."""
    fed = Fed(_with_room(state.fed.cache, capacity), state.fed.hidden)
    return dataclasses.replace(state, fed=fed)


@functools.partial(jax.jit, static_argnames="capacity")
def rewind(fed: Fed, length: Int[Array, ""], capacity: int) -> Fed:
    """The rows as if only their first `length` tokens had been fed; room for `capacity`.

    Their hidden states are of no use until something is fed behind them.
    """
    cache = _with_room(fed.cache, capacity)
    lengths = jnp.full_like(cache.lengths, length)
    return Fed(dataclasses.replace(cache, lengths=lengths), fed.hidden)


def _with_room(cache: KVCache, capacity: int) -> KVCache:
    def pad(buffer):
        widths = [(0, 0)] * buffer.ndim
        widths[-2] = (0, capacity - buffer.shape[-2])
        return jnp.pad(buffer, widths)

    key, value = jax.tree.map(pad, (cache.key, cache.value))
    return KVCache(key, value, cache.lengths)


@functools.partial(jax.jit, static_argnames="config", donate_argnames="fed")
def feed(
    params: dict,
    config: LlamaConfig,
    prefix: tuple[SharedPrefix, ...],
    fed: Fed,
    tokens: Int[Array, "R C"],
    counts: Int[Array, "R"],
) -> Fed:
    """Feeds the next `counts[r]` (0 to C) tokens of each row's prompt."""
    with matmul_precision(params):
        hidden, cache = decoder.forward(
            params, config, tokens, prefix=prefix, cache=fed.cache, token_counts=counts
        )
    last = hidden[jnp.arange(len(counts)), jnp.maximum(counts - 1, 0)]
    return Fed(cache, jnp.where(counts[:, None] > 0, last, fed.hidden))


@functools.partial(jax.jit, donate_argnames="state")
def insert(
    state: SlotState,
    fed: Fed,
    sources: Int[Array, "B"],
    targets: Int[Array, "B"],
    count: Int[Array, ""],
    remaining: Int[Array, "B"],
    settings: Settings,
) -> SlotState:
    """Puts rows of `fed` into slots; see `cache.insert`. The other slots stay as they are.

    Args:
        state: the slots.
        fed: rows whose prompts were fed.
        sources: rows of `fed`; the first `count` are used.
        targets: the slots that they go to; B from `count` on.
        count: how many.
        remaining: of each new row.
        settings: of each new row.
    """
    cache = caches.insert(state.fed.cache, fed.cache, sources, targets, count)

    def put(old, new):
        return old.at[targets].set(new, mode="drop")

    hidden = put(state.fed.hidden, fed.hidden[sources])
    settings = jax.tree.map(put, state.settings, settings)
    return SlotState(Fed(cache, hidden), put(state.remaining, remaining), settings)


@functools.partial(jax.jit, static_argnames="config", donate_argnames="state")
def decode(
    params: dict,
    config: LlamaConfig,
    prefix: tuple[SharedPrefix, ...],
    state: SlotState,
    live: Bool[Array, "B"],
    steps: Int[Array, ""],
    leave_at: Int[Array, ""],
    stop_ids: Int[Array, "stops"],
    vocab_size: Int[Array, ""],
) -> tuple[SlotState, Int[Array, "steps B"]]:
    """Takes up to `steps` steps; returns the ids of each, -1 where a row had ended.

    Args:
        params: the decode layout is fastest.
        config: what `params` were built from.
        prefix: keys and values that stand before every row.
        state: after prompts were put into its slots.
        live: False ends a row.
        steps: at most CHUNK_STEPS; it is no part of the compiled shape.
        leave_at: no step is taken when this few rows are left, since others wait for their slots.
        stop_ids: the ids that end a row.
        vocab_size: ids below this can be drawn; embeddings are often padded beyond the tokenizer.
    """
    closed, opened = (_one_row, _as_batch) if len(live) == 1 else (_same, _same)
    offset = sum((part.length for part in prefix), start=jnp.int32(0))
    settings = state.settings

    def step(carry):
        index, fed, remaining, ids = carry
        fed = opened(fed)
        logits = decoder.logits(params, config, fed.hidden)
        logits = jnp.where(jnp.arange(config.vocab_size) < vocab_size, logits, -jnp.inf)
        keys = row_keys(settings.seed, offset + fed.cache.lengths)
        # A row that has ended asks for nothing.
        temperature = jnp.where(remaining > 0, settings.temperature, 0.0)
        drawn = sample(logits, keys, temperature, settings.top_k, settings.top_p)
        ids = ids.at[index].set(jnp.where(remaining > 0, drawn, -1))
        ended = jnp.any(drawn[:, None] == stop_ids, axis=1)
        remaining = jnp.where(ended, 0, jnp.maximum(remaining - 1, 0))
        counts = (remaining > 0).astype(jnp.int32)
        hidden, cache = decoder.forward(
            params, config, drawn[:, None], prefix=prefix, cache=fed.cache, token_counts=counts
        )
        return index + 1, closed(Fed(cache, hidden[:, 0])), remaining, ids

    def unfinished(carry):
        index, _, remaining, _ = carry
        return (index < steps) & (jnp.sum(remaining > 0, dtype=jnp.int32) > leave_at)

    with matmul_precision(params):
        ids = jnp.full((CHUNK_STEPS, len(live)), -1, jnp.int32)
        start = jnp.int32(0), closed(state.fed), jnp.where(live, state.remaining, 0), ids
        _, fed, remaining, ids = jax.lax.while_loop(unfinished, step, start)
    return SlotState(opened(fed), remaining, settings), ids


# From step to step one row's buffers have no batch dimension: what is reshaped between its write
# and its use XLA on CPUs copies, here all keys and values.
def _one_row(fed: Fed) -> tuple[SharedPrefix, Array]:
    return caches.as_prefix(fed.cache), fed.hidden


def _as_batch(row: tuple[SharedPrefix, Array]) -> Fed:
    return Fed(caches.as_cache(row[0]), row[1])


def _same(fed: Fed) -> Fed:
    return fed
