"""Attention for one key/value head after the other, with its backward pass: for CPUs.

With query rows q, keys k and values v of one head, s the scale and o the output:

    p = exp(s q k' - log_sum),  log_sum = log sum exp(s q k'),  o = p v
    dv = p' do,  dp = do v',  ds = s p (dp - sum(do o)),  dq = ds k,  dk = ds' q

The backward pass keeps o and log_sum and computes p again: scores of one head exist at a time. A
rematerialised layer may keep what is called SAVED, so that its forward pass runs no attention.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Bool, Float

from llama_jax.model.segment import Segment

SAVED = ("attended", "attention_log_sum")

Masks = tuple[Bool[Array, "_ _ _"], ...]
Pairs = tuple[tuple[Array, Array], ...]  # keys and values of each segment


class _Heads(NamedTuple):
    """What the loop goes over: the leading dimension is K everywhere."""

    query: Float[Array, "K B M H"]  # the M = G T queries of a head are the rows of one matrix
    pairs: Pairs  # [K, B, S, H], or [K, S, H] when shared


@jax.custom_vjp
def attend_by_heads(
    query: Float[Array, "B T N H"], segments: tuple[Segment, ...]
) -> Float[Array, "B T N H"]:
    """One softmax over all segments, in the dtype of `query`; see `attention.attend`."""
    return _with_residuals(query, segments)[0]


def _with_residuals(query, segments):
    heads, masks = _heads_first(query, segments)
    attended, log_sum = jax.lax.map(functools.partial(_attend_one_head, masks), heads)
    attended, log_sum = map(checkpoint_name, (attended, log_sum), SAVED)
    return _heads_last(attended, query.shape), (query, segments, attended, log_sum)


def _gradients(residuals, gradient):
    query, segments, attended, log_sum = residuals
    heads, masks = _heads_first(query, segments)
    rows = _rows_of_heads(gradient, len(heads.query))
    head_gradients = functools.partial(_gradients_of_one_head, masks)
    to_rows, to_pairs = jax.lax.map(head_gradients, (heads, attended, log_sum, rows))
    to_segments = tuple(
        Segment(jnp.moveaxis(to_key, 0, -3), jnp.moveaxis(to_value, 0, -3), None)
        for to_key, to_value in to_pairs
    )
    return _heads_last(to_rows, query.shape), to_segments


attend_by_heads.defvjp(_with_residuals, _gradients)


def _heads_first(query: Array, segments: Sequence[Segment]) -> tuple[_Heads, Masks]:
    kv_heads = segments[0].key.shape[-3]
    group = query.shape[2] // kv_heads
    # Queries of one position have its mask, whichever head of the group they are.
    masks = tuple(
        s.mask if s.mask.shape[1] == 1 else jnp.tile(s.mask, (1, group, 1)) for s in segments
    )
    pairs = tuple((jnp.moveaxis(s.key, -3, 0), jnp.moveaxis(s.value, -3, 0)) for s in segments)
    return _Heads(_rows_of_heads(query, kv_heads), pairs), masks


def _rows_of_heads(array: Float[Array, "B T N H"], kv_heads: int) -> Float[Array, "K B M H"]:
    B, T, N, H = array.shape
    grouped = array.reshape(B, T, kv_heads, N // kv_heads, H)
    return grouped.transpose(2, 0, 3, 1, 4).reshape(kv_heads, B, -1, H)


def _heads_last(
    rows: Float[Array, "K B M H"], shape: tuple[int, int, int, int]
) -> Float[Array, "B T N H"]:
    B, T, N, H = shape
    K = len(rows)
    return rows.reshape(K, B, N // K, T, H).transpose(1, 3, 0, 2, 4).reshape(B, T, N, H)


def _attend_one_head(
    masks: Masks, head: _Heads
) -> tuple[Float[Array, "B M H"], Float[Array, "B M"]]:
    """The output, and the log of the softmax's denominator: infinite where all is masked."""
    scores = _scores(masks, head)
    largest = functools.reduce(jnp.maximum, [jnp.max(part, axis=-1) for part in scores])
    largest = jnp.where(jnp.isfinite(largest), largest, 0.0)
    weights = [jnp.exp(part - largest[..., None]) for part in scores]
    total = sum(jnp.sum(part, axis=-1) for part in weights)
    output = sum(
        _product("BMS,{}SH->BMH", part.astype(value.dtype), value)
        for part, (_, value) in zip(weights, head.pairs, strict=True)
    )
    some = jnp.where(total > 0, total, 1.0)
    log_sum = jnp.where(total > 0, largest + jnp.log(some), jnp.inf)
    return (output / some[..., None]).astype(head.query.dtype), log_sum


def _gradients_of_one_head(masks: Masks, inputs: tuple) -> tuple[Array, Pairs]:
    head, attended, log_sum, gradient = inputs
    query = head.query
    scale = query.shape[-1] ** -0.5
    common = jnp.sum(gradient * attended, axis=-1, dtype=jnp.float32, keepdims=True)
    to_query, to_pairs = 0.0, []
    for part, (key, value) in zip(_scores(masks, head), head.pairs, strict=True):
        weights = jnp.exp(part - log_sum[..., None])
        to_weights = _product("BMH,{}SH->BMS", gradient, value)
        to_scores = (weights * (to_weights - common) * scale).astype(key.dtype)
        to_query += _product("BMS,{}SH->BMH", to_scores, key)
        own = "B" if key.ndim == 3 else ""
        to_key, to_value = (
            jnp.einsum(f"BMS,BMH->{own}SH", left, right, preferred_element_type=jnp.float32)
            for left, right in ((to_scores, query), (weights.astype(value.dtype), gradient))
        )
        to_pairs.append((to_key.astype(key.dtype), to_value.astype(value.dtype)))
    return to_query.astype(query.dtype), tuple(to_pairs)


def _scores(masks: Masks, head: _Heads) -> list[Float[Array, "B M S"]]:
    scale = head.query.shape[-1] ** -0.5
    return [
        jnp.where(mask, scale * _product("BMH,{}SH->BMS", head.query, key), -jnp.inf)
        for mask, (key, _) in zip(masks, head.pairs, strict=True)
    ]


def _product(letters: str, rows: Float[Array, "B M _"], matrix: Float[Array, "..."]) -> Array:
    """Float32 product of every row with its matrix, or with the one that all rows share."""
    letters = letters.format("B" if matrix.ndim == 3 else "")
    return jnp.einsum(letters, rows, matrix, preferred_element_type=jnp.float32)
