"""What the layers of one call of the decoder share, and what each has of its own."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from llama_jax.model.attention import causal_mask, segment_mask, tree_mask
from llama_jax.model.layers import LayerState, Shared
from llama_jax.model.rope import rope_angles, rope_frequencies


def shared_inputs(config, tokens, positions, segment_ids, subtree_ends, prefix, cache) -> Shared:
    """Masks and angles of one call; the arguments are those of `decoder.forward`."""
    offset = sum((p.length for p in prefix), start=jnp.int32(0))
    index = jnp.arange(tokens.shape[1], dtype=jnp.int32)[None]
    if cache is not None:
        index = index + cache.lengths[:, None]
        own_mask = causal_mask(index, jnp.arange(cache.capacity)[None])
    else:
        own_mask = causal_mask(index, index)
    if subtree_ends is not None:
        own_mask = tree_mask(subtree_ends)
    if segment_ids is not None:
        own_mask = own_mask & segment_mask(segment_ids, segment_ids)
        index = positions_in_segments(segment_ids)
    if positions is None:
        positions = index + offset
    sin, cos = rope_angles(positions, rope_frequencies(config))
    prefix_masks = tuple((jnp.arange(p.capacity) < p.length)[None, None] for p in prefix)
    return Shared(
        sin, cos, own_mask, prefix_masks, None if cache is None else cache.lengths, segment_ids
    )


def positions_in_segments(segment_ids: Int[Array, "B T"]) -> Int[Array, "B T"]:
    """Each token's distance from the first token of its segment.

    [1, 1, 1, 2, 2, 0] -> [0, 1, 2, 0, 1, 0]
    """
    index = jnp.arange(segment_ids.shape[1], dtype=jnp.int32)[None]
    starts = jnp.diff(segment_ids, axis=1, prepend=-1) != 0
    return index - jax.lax.cummax(jnp.where(starts, index, 0), axis=1)


def layer_of(state: LayerState, index: int) -> LayerState:
    """Layer `index` of a state in the decode layout, whose leaves are tuples of L arrays."""
    prefixes = tuple((key[index], value[index]) for key, value in state.prefixes)
    cache = None if state.cache is None else (state.cache[0][index], state.cache[1][index])
    key = None if state.dropout_key is None else state.dropout_key[index]
    return LayerState(prefixes, cache, key)
