"""Keys and values that queries attend to."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array


class Segment(NamedTuple):
    """Keys and values that queries attend to, with or without a batch dimension.

    Heads stand before slots, as in the cache: each head is one matrix, and its products need no
    transpose.

    Attributes:
        key: [B, K, S, H], or [K, S, H] when every row of the batch shares the segment.
        value: as `key`.
        mask: bool, broadcastable to [B, T, S]; True where the query may look.
    """

    key: Array
    value: Array
    mask: Array

    @classmethod
    def of(cls, key: Array, value: Array, mask: Array) -> "Segment":
        """From keys and values [B, S, K, H] or [S, K, H]."""
        return cls(jnp.swapaxes(key, -3, -2), jnp.swapaxes(value, -3, -2), mask)
