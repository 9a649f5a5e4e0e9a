"""The compiled functions of generation: feed prompts, then take steps."""

import dataclasses
import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt

from llama_jax.config import LlamaConfig
from llama_jax.inference.sampling import row_keys, sample
from llama_jax.inference.scoring import matmul_precision
from llama_jax.model import decoder
from llama_jax.model.cache import KVCache, SharedPrefix

# Steps of one call at most: rows that a stop string ends wait for the end of the call.
CHUNK_STEPS = 16


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class DecodeState:
    """What generation carries from call to call.

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


@functools.partial(jax.jit, static_argnames=("config", "rows", "capacity"))
def empty_state(params: dict, config: LlamaConfig, rows: int, capacity: int) -> DecodeState:
    """Rows that have seen nothing, in the layout and dtype of `params`."""
    dtype = params["embedding"].dtype
    stacked = isinstance(params["layers"], dict)
    cache = KVCache.empty(config, rows, capacity, dtype, stacked=stacked)
    return DecodeState(cache, jnp.zeros((rows, config.dim), dtype))


@functools.partial(jax.jit, static_argnames="capacity")
def grow(state: DecodeState, capacity: int) -> DecodeState:
    """The same state with room for `capacity` tokens per row."""

    def pad(buffer):
        widths = [(0, 0)] * buffer.ndim
        widths[-2] = (0, capacity - buffer.shape[-2])
        return jnp.pad(buffer, widths)

    cache = state.cache
    key, value = jax.tree.map(pad, (cache.key, cache.value))
    return dataclasses.replace(state, cache=KVCache(key, value, cache.lengths))


@functools.partial(jax.jit, static_argnames="config", donate_argnames="state")
def feed(
    params: dict,
    config: LlamaConfig,
    prefix: tuple[SharedPrefix, ...],
    state: DecodeState,
    tokens: Int[Array, "B C"],
    counts: Int[Array, "B"],
) -> DecodeState:
    """Feeds the next `counts[b]` (0 to C) tokens of each row's prompt."""
    with matmul_precision(params):
        hidden, cache = decoder.forward(
            params, config, tokens, prefix=prefix, cache=state.cache, token_counts=counts
        )
    last = hidden[jnp.arange(len(counts)), jnp.maximum(counts - 1, 0)]
    return DecodeState(cache, jnp.where(counts[:, None] > 0, last, state.hidden))


@functools.partial(jax.jit, static_argnames="config", donate_argnames="state")
def decode(
    params: dict,
    config: LlamaConfig,
    prefix: tuple[SharedPrefix, ...],
    state: DecodeState,
    settings: Settings,
    remaining: Int[Array, "B"],
    steps: Int[Array, ""],
    eos_id: Int[Array, ""],
    vocab_size: Int[Array, ""],
) -> tuple[DecodeState, Int[Array, "steps B"]]:
    """Takes up to `steps` steps; returns the ids of each, -1 where a row had ended.

    Args:
        params: the decode layout is fastest.
        config: what `params` were built from.
        prefix: keys and values that stand before every row.
        state: after the prompts were fed.
        settings: how to draw.
        remaining: ids that each row may still get; 0 for rows that have ended.
        steps: at most CHUNK_STEPS; it is no part of the compiled shape.
        eos_id: the id that ends a row.
        vocab_size: ids below this can be drawn; embeddings are often padded beyond the tokenizer.
    """
    offset = sum((part.length for part in prefix), start=jnp.int32(0))

    def step(carry):
        index, state, remaining, ids = carry
        logits = decoder.logits(params, config, state.hidden)
        logits = jnp.where(jnp.arange(config.vocab_size) < vocab_size, logits, -jnp.inf)
        keys = row_keys(settings.seed, offset + state.cache.lengths)
        drawn = sample(logits, keys, settings.temperature, settings.top_k, settings.top_p)
        ids = ids.at[index].set(jnp.where(remaining > 0, drawn, -1))
        remaining = jnp.where(drawn == eos_id, 0, jnp.maximum(remaining - 1, 0))
        counts = (remaining > 0).astype(jnp.int32)
        hidden, cache = decoder.forward(
            params, config, drawn[:, None], prefix=prefix, cache=state.cache, token_counts=counts
        )
        return index + 1, DecodeState(cache, hidden[:, 0]), remaining, ids

    def unfinished(carry):
        index, _, remaining, _ = carry
        return (index < steps) & jnp.any(remaining > 0)

    with matmul_precision(params):
        ids = jnp.full((CHUNK_STEPS, len(remaining)), -1, jnp.int32)
        start = jnp.int32(0), state, remaining, ids
        _, state, _, ids = jax.lax.while_loop(unfinished, step, start)
    return state, ids
