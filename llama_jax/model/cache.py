"""Keys and values that are kept: a cache per row, and a prefix that all rows share.

Both are values: a function takes one and returns another. Their arrays follow the layout of the
parameters: stacked [L, ...] for the scan over layers, or a tuple of L arrays for the decode layout
(one buffer per layer can be updated in place; a stacked one is copied by every scan). Heads stand
before slots: see `attention.Segment`.
"""

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from llama_jax.config import LlamaConfig


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class KVCache:
    """Keys and values of the tokens that each row has seen.

    Attributes:
        key: [L, B, K, S, H], or a tuple of L arrays [B, K, S, H]; RoPE is applied already.
        value: as `key`.
        lengths: [B] int32, how many of the S slots of each row are filled.
    """

    key: Array | tuple[Array, ...]
    value: Array | tuple[Array, ...]
    lengths: Int[Array, "B"]

    @classmethod
    def empty(
        cls, config: LlamaConfig, batch: int, capacity: int, dtype=jnp.float32, *, stacked: bool
    ) -> "KVCache":
        """A cache of `capacity` slots per row with nothing in it."""
        shape = (batch, config.kv_heads, capacity, config.head_size)

        def buffers():
            if stacked:
                return jnp.zeros((config.layers, *shape), dtype)
            return tuple(jnp.zeros(shape, dtype) for _ in range(config.layers))

        return cls(buffers(), buffers(), jnp.zeros((batch,), jnp.int32))

    @property
    def capacity(self) -> int:
        """S, slots per row."""
        return jax.tree.leaves(self.key)[0].shape[-2]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SharedPrefix:
    """Keys and values of tokens that stand before every row of a batch.

    Attributes:
        key: [L, K, P, H], or a tuple of L arrays [K, P, H]: no batch dimension, one copy.
        value: as `key`.
        length: int32 scalar; the slots from `length` to P are padding.
    """

    key: Array | tuple[Array, ...]
    value: Array | tuple[Array, ...]
    length: Int[Array, ""]

    @property
    def capacity(self) -> int:
        """P, slots."""
        return jax.tree.leaves(self.key)[0].shape[-2]


def write(
    buffer: Float[Array, "B K S H"], new: Float[Array, "B T K H"], lengths: Int[Array, "B"]
) -> Float[Array, "B K S H"]:
    """Writes row b's T new entries to the slots from `lengths[b]` on.

    Entries past the last slot are dropped; they can only be padding, because callers check that
    what is real fits.
    """
    new = new.astype(buffer.dtype)
    if new.shape[:2] == (1, 1):
        return _write_one(buffer[0], new[0, 0], lengths[0])[None]
    rows = jnp.arange(new.shape[0])[:, None]
    slots = lengths[:, None] + jnp.arange(new.shape[1])
    return buffer.at[rows, :, slots].set(
        new, mode="drop", indices_are_sorted=True, unique_indices=True
    )


def _write_one(
    buffer: Float[Array, "K S H"], new: Float[Array, "K H"], length: Int[Array, ""]
) -> Float[Array, "K S H"]:
    """`write` of one token of one row, without the scatter, whose buffer XLA on CPUs copies."""
    old = jax.lax.dynamic_slice_in_dim(buffer, length, 1, axis=1)
    fits = length < buffer.shape[1]
    one = jnp.where(fits, new[:, None], old)
    return jax.lax.dynamic_update_slice_in_dim(buffer, one, length, axis=1)


def insert(
    cache: KVCache,
    new: KVCache,
    sources: Int[Array, "N"],
    targets: Int[Array, "N"],
    count: Int[Array, ""],
) -> KVCache:
    """Puts row `sources[i]` of `new` in the place of row `targets[i]`, for i from 0 to `count`.

    Row by row, so that a donated cache is changed in place and nothing but the new rows is copied.
    Slots of `new` beyond the capacity of `cache` are dropped; they must be empty.

    Args:
        cache: the rows to keep but for those replaced.
        new: rows of the same layout, of any capacity; one may be put in several places.
        sources: rows of `new`.
        targets: rows of `cache`; those from `count` on must lie outside of it.
        count: how many rows are put.
    """
    slots = min(cache.capacity, new.capacity)

    def put(index, buffers):
        def one(buffer, rows):
            batch = buffer.ndim - 4
            row = jax.lax.dynamic_slice_in_dim(rows, sources[index], 1, batch)
            row = jax.lax.slice_in_dim(row, 0, slots, axis=batch + 2)
            return jax.lax.dynamic_update_slice_in_dim(buffer, row, targets[index], batch)

        return jax.tree.map(one, buffers, (new.key, new.value))

    key, value = jax.lax.fori_loop(0, count, put, (cache.key, cache.value))
    lengths = cache.lengths.at[targets].set(new.lengths[sources], mode="drop")
    return KVCache(key, value, lengths)


def as_prefix(cache: KVCache) -> SharedPrefix:
    """The cache of a batch of one row, without its batch dimension."""
    if isinstance(cache.key, tuple):
        key, value = (tuple(a[0] for a in arrays) for arrays in (cache.key, cache.value))
    else:
        key, value = cache.key[:, 0], cache.value[:, 0]
    return SharedPrefix(key, value, cache.lengths[0])


def as_cache(prefix: SharedPrefix) -> KVCache:
    """The inverse of `as_prefix`: a batch of one row, whose free slots are the prefix's padding."""
    if isinstance(prefix.key, tuple):
        key, value = (tuple(a[None] for a in arrays) for arrays in (prefix.key, prefix.value))
    else:
        key, value = prefix.key[:, None], prefix.value[:, None]
    return KVCache(key, value, prefix.length[None])


def advance(cache: KVCache, key, value, counts: Int[Array, "B"]) -> KVCache:
    """The cache with new buffers, `counts[b]` more entries being real in row b."""
    return dataclasses.replace(cache, key=key, value=value, lengths=cache.lengths + counts)
