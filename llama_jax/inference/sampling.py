"""Logits -> the next id: greedy, temperature, top-k, top-p. Pure, float32, one setting per row.

Settings are arrays, so that one compiled program serves every mixture of them.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, UInt


def row_keys(seeds: UInt[Array, "B"], positions: Int[Array, "B"]) -> Key[Array, "B"]:
    """A random key per row: a function of the row's seed and position, of nothing else.

    So a sample does not depend on the other rows, on the size of the batch or on their order.
    """
    return jax.vmap(lambda seed, t: jax.random.fold_in(jax.random.key(seed), t))(seeds, positions)


def falling_order(logits: Float[Array, "B V"]) -> Int[Array, "B V"]:
    """Ids of each row, the most likely first; the lower id first among equals."""
    return jnp.argsort(logits, axis=-1, stable=True, descending=True)


def filter_top_k(
    logits: Float[Array, "B V"], top_k: Int[Array, "B"], order: Int[Array, "B V"] | None = None
) -> Float[Array, "B V"]:
    """Keeps the `top_k` largest logits of each row; the others become minus infinity.

    0 keeps all. Ids that tie with the k-th largest are all kept, so that more than k may be left.

    Args:
        logits: unnormalised log-probabilities.
        top_k: how many to keep.
        order: `falling_order(logits)`, where it is known already.
    """
    order = falling_order(logits) if order is None else order
    last = jnp.clip(jnp.where(top_k > 0, top_k, logits.shape[-1]), 1, logits.shape[-1]) - 1
    last_kept = jnp.take_along_axis(order, last[:, None], axis=-1)
    threshold = jnp.take_along_axis(logits, last_kept, axis=-1)
    return jnp.where(logits >= threshold, logits, -jnp.inf)


def filter_top_p(
    logits: Float[Array, "B V"], top_p: Float[Array, "B"], order: Int[Array, "B V"] | None = None
) -> Float[Array, "B V"]:
    """Keeps the most likely ids of each row that together hold probability `top_p`.

    An id stays while the probability of all ids before it, in falling order, is at most `top_p`
    (meta-llama/llama, generation.py, sample_top_p): the id that crosses the line is kept, the most
    likely one always. Among equal ids the lower comes first. 1 keeps all, whatever the rounding.

    Args:
        logits: unnormalised log-probabilities; minus infinity for ids that are out already.
        top_p: probability to hold, 0 to 1.
        order: `falling_order(logits)`, where it is known already.
    """
    order = falling_order(logits) if order is None else order
    probabilities = jax.nn.softmax(jnp.take_along_axis(logits, order, axis=-1), axis=-1)
    before = jnp.cumsum(probabilities, axis=-1) - probabilities
    in_order = (before <= top_p[:, None]) | (top_p[:, None] >= 1)
    # Nothing stands before the first, but the difference above may round to more than zero.
    in_order = in_order.at[:, 0].set(True)
    rows = jnp.arange(logits.shape[0])[:, None]
    keep = jnp.zeros(logits.shape, bool).at[rows, order].set(in_order, unique_indices=True)
    return jnp.where(keep, logits, -jnp.inf)


def sample(
    logits: Float[Array, "B V"],
    keys: Key[Array, "B"],
    temperature: Float[Array, "B"],
    top_k: Int[Array, "B"],
    top_p: Float[Array, "B"],
) -> Int[Array, "B"]:
    """Draws one id per row.

    The order is that of Hugging Face: temperature, then top-k, then top-p of what is left. Rows
    with temperature 0 get their largest logit, the lowest id among equals; when all rows are such,
    nothing is sorted.
    """
    logits = logits.astype(jnp.float32)
    greedy = jnp.argmax(logits, axis=-1).astype(jnp.int32)

    def draw() -> Int[Array, "B"]:
        scaled = logits / jnp.where(temperature > 0, temperature, 1.0)[:, None]
        order = falling_order(scaled)  # top-k drops the end of it, and leaves the order as it is
        kept = filter_top_p(filter_top_k(scaled, top_k, order), top_p, order)
        drawn = jax.vmap(jax.random.categorical)(keys, kept).astype(jnp.int32)
        return jnp.where(temperature > 0, drawn, greedy)

    return jax.lax.cond(jnp.any(temperature > 0), draw, lambda: greedy)
