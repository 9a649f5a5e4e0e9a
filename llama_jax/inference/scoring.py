"""The compiled functions of scoring."""

import contextlib
import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from llama_jax.config import LlamaConfig
from llama_jax.inference.batches import SLOT_CHUNK
from llama_jax.inference.placement import split_rows
from llama_jax.model import decoder
from llama_jax.model.cache import KVCache, SharedPrefix, as_cache, as_prefix


def matmul_precision(params: dict) -> contextlib.AbstractContextManager:
    """Full float32 products for float32 parameters.

    GPUs would otherwise round the factors to TF32's ten bits, and scores would change.
    """
    if params["embedding"].dtype == jnp.float32:
        return jax.default_matmul_precision("highest")
    return contextlib.nullcontext()


def require_out_of_memory(error: jax.errors.JaxRuntimeError) -> None:
    """Passes an error of the device on, unless it says that memory ran out."""
    if "RESOURCE_EXHAUSTED" not in str(error):
        raise error


@functools.partial(jax.jit, static_argnames="config")
def compute_prefix(
    params: dict, config: LlamaConfig, ids: Int[Array, "P"], length: Int[Array, ""]
) -> SharedPrefix:
    """Keys and values of the first `length` of `ids`."""
    with matmul_precision(params):
        return decoder.prefill_prefix(params, config, ids, length=length)


@functools.partial(jax.jit, static_argnames=("config", "capacity"))
def start_prefix(
    params: dict, config: LlamaConfig, capacity: int, parent: SharedPrefix | None
) -> SharedPrefix:
    """Room for `capacity` ids, with the keys and values of `parent` (a copy) in it."""
    dtype = params["embedding"].dtype
    stacked = isinstance(params["layers"], dict)
    empty = as_prefix(KVCache.empty(config, 1, capacity, dtype, stacked=stacked))
    if parent is None:
        return empty

    def put(room, held):
        return jax.lax.dynamic_update_slice(room, held, (0,) * room.ndim)

    key, value = jax.tree.map(put, (empty.key, empty.value), (parent.key, parent.value))
    return SharedPrefix(key, value, parent.length)


@functools.partial(jax.jit, static_argnames="config", donate_argnames="prefix")
def extend_prefix(
    params: dict,
    config: LlamaConfig,
    prefix: SharedPrefix,
    ids: Int[Array, "C"],
    count: Int[Array, ""],
) -> SharedPrefix:
    """The prefix with the first `count` of `ids` behind it; there must be room for them."""
    with matmul_precision(params):
        _, cache = decoder.forward(
            params, config, ids[None], cache=as_cache(prefix), token_counts=count[None]
        )
    return as_prefix(cache)


@functools.partial(jax.jit, static_argnames="config")
def score_batch(
    params: dict,
    config: LlamaConfig,
    prefix: tuple[SharedPrefix, ...],
    tokens: Int[Array, "B T"],
    depths: Int[Array, "B T"],
    ends: Int[Array, "B T"],
    positions: Int[Array, "N"],
    slots: Int[Array, ""],
    targets: Int[Array, "N K"],
) -> tuple[Float[Array, "N K"], Bool[Array, "N K"]]:
    """Log-probabilities of `targets` behind the given positions, and whether they are the argmax.

    Only hidden states at `positions` meet the vocabulary, SLOT_CHUNK at a time, and no more chunks
    than the first `slots` fill: there is never an array [B, T, V].

    Args:
        params: in either layout.
        config: what `params` were built from.
        prefix: keys and values that stand before every row.
        tokens: the packed rows' own ids, right-padded.
        depths: their positions.
        ends: where their subtrees end, see `tree_mask`.
        positions: row * T + column; N is a multiple of SLOT_CHUNK.
        slots: how many positions are real; results behind them are zero.
        targets: ids; of the real positions' entries any may be padding.
    """
    with matmul_precision(params):
        hidden, _ = decoder.forward(
            params, config, tokens, positions=depths, subtree_ends=ends, prefix=prefix
        )
        read = hidden.reshape(-1, hidden.shape[-1])[positions]

        def score_chunk(chunk, results):
            start = chunk * SLOT_CHUNK
            states = split_rows(jax.lax.dynamic_slice_in_dim(read, start, SLOT_CHUNK))
            wanted = jax.lax.dynamic_slice_in_dim(targets, start, SLOT_CHUNK)
            new = _score_states(decoder.logits(params, config, states), wanted)
            return tuple(
                jax.lax.dynamic_update_slice_in_dim(whole, part, start, axis=0)
                for whole, part in zip(results, new, strict=True)
            )

        empty = jnp.zeros(targets.shape, jnp.float32), jnp.zeros(targets.shape, bool)
        chunks = (slots + SLOT_CHUNK - 1) // SLOT_CHUNK
        return jax.lax.fori_loop(0, chunks, score_chunk, empty)


def _score_states(
    logits: Float[Array, "C V"], targets: Int[Array, "C K"]
) -> tuple[Float[Array, "C K"], Bool[Array, "C K"]]:
    chosen = jnp.take_along_axis(logits, targets, axis=-1)
    log_sum = jax.nn.logsumexp(logits, axis=-1, keepdims=True)
    return chosen - log_sum, jnp.argmax(logits, axis=-1)[:, None] == targets
