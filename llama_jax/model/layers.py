"""The parts of a decoder layer as Flax NNX modules.

Parameters may carry leading dimensions (`leading`, for stacking layers); the modules' calls never
look at them, since the scan over layers hands each call the slices of one layer.

`fused` is the decode layout: matrices that read the same input are one, and all have two
dimensions. At one token a step, time is what it takes to read the weights, and few large products
read them faster than many small ones; these matrices may also be quantised.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from llama_jax.config import LlamaConfig
from llama_jax.model import cache as caches
from llama_jax.model.attention import Segment, attend, attention
from llama_jax.model.dropout import Dropout, drop
from llama_jax.model.norm import rms_norm
from llama_jax.model.quantization import product
from llama_jax.model.rope import apply_rope
from llama_jax.model.self_attention import SelfAttention

# The paper gives no initialisation. GPT-2's: 0.02, and less by sqrt(2 L) where a branch is added to
# the residual stream, so that its variance does not grow with the depth.
INIT_STD = 0.02


class Shared(NamedTuple):
    """What all layers of one call use alike."""

    sin: Array  # [B or 1, T, H/2]
    cos: Array
    own_mask: Array  # over the row's own tokens, or over the slots of its cache
    prefix_masks: tuple[Array, ...]  # one per shared prefix
    lengths: Array | None  # [B] slots of the cache that are filled; None without a cache
    segment_ids: Array | None = None  # [B, T] documents packed into a row
    self_attention: SelfAttention | None = None  # other than XLA's
    dropout: Dropout | None = None


class LayerState(NamedTuple):
    """What one layer of one call uses: its part of the prefixes and of the cache."""

    prefixes: tuple[tuple[Array, Array], ...]
    cache: tuple[Array, Array] | None
    dropout_key: Array | None = None


class RMSNorm(nnx.Module):
    """RMSNorm with a learned gain."""

    def __init__(self, config: LlamaConfig, leading: tuple[int, ...], dtype):
        self.scale = nnx.Param(jnp.ones((*leading, config.dim), dtype))
        self.eps = config.norm_eps

    def __call__(self, x: Float[Array, "B T D"]) -> Float[Array, "B T D"]:
        """See `rms_norm`."""
        return rms_norm(x, self.scale[...], self.eps)


class Attention(nnx.Module):
    """Multi-head (K = N), grouped-query or multi-query (K = 1) attention with RoPE."""

    def __init__(self, config: LlamaConfig, leading: tuple[int, ...], rngs, dtype, *, fused: bool):
        D, N, K, H = config.dim, config.heads, config.kv_heads, config.head_size
        self.heads, self.kv_heads, self.fused = N, K, fused
        if fused:
            self.query_key_value = weight(rngs, (D, (N + 2 * K) * H), INIT_STD, dtype)
            self.output = weight(rngs, (N * H, D), _residual_std(config), dtype)
        else:
            self.query = weight(rngs, (*leading, D, N, H), INIT_STD, dtype)
            self.key = weight(rngs, (*leading, D, K, H), INIT_STD, dtype)
            self.value = weight(rngs, (*leading, D, K, H), INIT_STD, dtype)
            self.output = weight(rngs, (*leading, N, H, D), _residual_std(config), dtype)

    def __call__(self, x: Float[Array, "B T D"], shared: Shared, state: LayerState):
        """What is added to the residual stream, and the layer's new cache buffers (or None)."""
        with jax.named_scope("query_key_value"):
            query, key, value = self._query_key_value(x)
        with jax.named_scope("rotary_embedding"):
            query = apply_rope(query, shared.sin, shared.cos)
            key = apply_rope(key, shared.sin, shared.cos)
        if state.cache is None:
            cache, own = None, functools.partial(Segment.of, key, value)
        else:
            with jax.named_scope("cache_write"):
                cache = (
                    caches.write(state.cache[0], key, shared.lengths),
                    caches.write(state.cache[1], value, shared.lengths),
                )
                own = functools.partial(Segment, *cache)
        with jax.named_scope("attention"):
            if state.cache is None and not state.prefixes:
                attended = self._attend_to_self(query, key, value, shared, state.dropout_key)
            else:
                segments = [
                    Segment(*prefix, mask)
                    for prefix, mask in zip(state.prefixes, shared.prefix_masks, strict=True)
                ]
                attended = attend(query, [*segments, own(shared.own_mask)])
        with jax.named_scope("attention_output"):
            flat = attended.reshape(*attended.shape[:2], -1)
            output = self.output.get_value()
            if not self.fused:
                output = output.reshape(-1, output.shape[-1])
            return product(flat, output), cache

    def _attend_to_self(self, query, key, value, shared: Shared, dropout_key: Array | None):
        if shared.self_attention is None:
            return attention(query, key, value, shared.own_mask)
        drops = dropout_key is not None and shared.dropout.attention
        dropout_key = jax.random.fold_in(dropout_key, 2) if drops else None
        return shared.self_attention(
            query, key, value, shared.own_mask, shared.segment_ids, dropout_key
        )

    def _query_key_value(self, x):
        if not self.fused:
            return tuple(_heads(x, w.get_value()) for w in (self.query, self.key, self.value))
        N, K = self.heads, self.kv_heads
        joined = product(x, self.query_key_value.get_value())
        return jnp.split(joined.reshape(*x.shape[:2], N + 2 * K, -1), (N, N + K), axis=2)


def _heads(x: Float[Array, "B T D"], weight: Float[Array, "D N H"]) -> Float[Array, "B T N H"]:
    return product(x, weight.reshape(len(weight), -1)).reshape(*x.shape[:2], *weight.shape[1:])


class FeedForward(nnx.Module):
    """SwiGLU (Shazeer 2020): down(silu(gate(x)) * up(x)); w1, w3 and w2 in the reference code."""

    def __init__(self, config: LlamaConfig, leading: tuple[int, ...], rngs, dtype, *, fused: bool):
        D, F = config.dim, config.ffn_size
        self.fused = fused
        if fused:
            self.gate_up = weight(rngs, (D, 2 * F), INIT_STD, dtype)
        else:
            self.gate = weight(rngs, (*leading, D, F), INIT_STD, dtype)
            self.up = weight(rngs, (*leading, D, F), INIT_STD, dtype)
        self.down = weight(rngs, (*leading, F, D), _residual_std(config), dtype)

    def __call__(self, x: Float[Array, "B T D"]) -> Float[Array, "B T D"]:
        """What is added to the residual stream."""
        if self.fused:
            gate, up = jnp.split(product(x, self.gate_up.get_value()), 2, axis=-1)
        else:
            gate, up = product(x, self.gate.get_value()), product(x, self.up.get_value())
        return product(jax.nn.silu(gate) * up, self.down.get_value())


class Block(nnx.Module):
    """One decoder layer: pre-normalised attention, then pre-normalised feed-forward."""

    def __init__(
        self, config: LlamaConfig, leading: tuple[int, ...], rngs, dtype, *, fused: bool = False
    ) -> None:
        self.attention_norm = RMSNorm(config, leading, dtype)
        self.attention = Attention(config, leading, rngs, dtype, fused=fused)
        self.feed_forward_norm = RMSNorm(config, leading, dtype)
        self.feed_forward = FeedForward(config, leading, rngs, dtype, fused=fused)

    def __call__(self, x: Float[Array, "B T D"], shared: Shared, state: LayerState):
        """The residual stream after the layer, and its new cache buffers (or None)."""
        with jax.named_scope("attention_norm"):
            normed = self.attention_norm(x)
        attended, cache = self.attention(normed, shared, state)
        x = x + _dropped(attended, shared, state, 0)
        with jax.named_scope("feed_forward_norm"):
            normed = self.feed_forward_norm(x)
        with jax.named_scope("feed_forward"):
            return x + _dropped(self.feed_forward(normed), shared, state, 1), cache


def _dropped(branch: Array, shared: Shared, state: LayerState, index: int) -> Array:
    """What a branch adds to the residual stream, after dropout where there is any."""
    if shared.dropout is None:
        return branch
    key = jax.random.fold_in(state.dropout_key, index)
    return drop(key, branch, shared.dropout.residual)


def weight(rngs: nnx.Rngs, shape: tuple[int, ...], std: float, dtype) -> nnx.Param:
    """A parameter drawn from a normal distribution, in float32."""
    return nnx.Param(_normal(rngs.params(), math.prod(shape)).reshape(shape).astype(dtype) * std)


# Drawn flat and compiled per size: XLA takes five times longer over four dimensions, and a block
# has several weights of one size.
@functools.partial(jax.jit, static_argnums=1)
def _normal(key: Array, size: int) -> Float[Array, "size"]:
    return jax.random.normal(key, (size,), jnp.float32)


def _residual_std(config: LlamaConfig) -> float:
    return INIT_STD / (2 * config.layers) ** 0.5
