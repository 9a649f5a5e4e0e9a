"""Dropout (Srivastava et al. 2014) as a value: rates and a key. Llama 2 is trained without."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Dropout(NamedTuple):
    """What a forward pass drops in training; the rates are Python numbers, not traced.

    Attributes:
        key: of this pass; a typed PRNG key.
        attention: share of the attention weights.
        residual: share of what each branch adds to the residual stream.
        embedding: share of the token embeddings' channels.
    """

    key: Array
    attention: float = 0.0
    residual: float = 0.0
    embedding: float = 0.0

    def layer_keys(self, layers: int) -> Array:
        """One key per layer, [L]."""
        return jax.random.split(jax.random.fold_in(self.key, 0), layers)

    def embedding_key(self) -> Array:
        """The key of the embedding."""
        return jax.random.fold_in(self.key, 1)


def drop(key: Array, x: Float[Array, "*shape"], rate: float) -> Float[Array, "*shape"]:
    """Zeroes each value with probability `rate` and divides the others by 1 - rate."""
    if not rate:
        return x
    keep = jax.random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0).astype(x.dtype)
