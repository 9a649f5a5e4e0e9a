"""Logits -> the next id: greedy, temperature, top-k, top-p. Pure, float32, one setting per row.

Settings are arrays, so that one compiled program serves every mixture of them. Nothing is sorted:
what top-k and top-p keep is everything from some logit on, and that logit is found by bisection; a
pass over all logits is cheap, sorting them is not.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, UInt

# Ids per block of `draw_ids`; about the square root of a vocabulary needs least noise.
BLOCK = 128


def row_keys(seeds: UInt[Array, "B"], positions: Int[Array, "B"]) -> Key[Array, "B"]:
    """A random key per row: a function of the row's seed and position, of nothing else.

    So a sample does not depend on the other rows, on the size of the batch or on their order.
    """
    return jax.vmap(lambda seed, t: jax.random.fold_in(jax.random.key(seed), t))(seeds, positions)


def largest(logits: Float[Array, "B V"]) -> Int[Array, "B"]:
    """The most likely id of each row, the lowest among equals.

    Two plain reductions: XLA's argmax, one reduction over pairs, takes ten times longer on a CPU.
    """
    V = logits.shape[-1]
    at_top = logits == jnp.max(logits, axis=-1, keepdims=True)
    lowest = jnp.min(jnp.where(at_top, jnp.arange(V, dtype=jnp.int32), V), axis=-1)
    return jnp.minimum(lowest, V - 1)  # V where a logit is not a number


def filter_top_k(logits: Float[Array, "B V"], top_k: Int[Array, "B"]) -> Float[Array, "B V"]:
    """Keeps the `top_k` largest logits of each row; the others become minus infinity.

    0 keeps all. Ids that tie with the k-th largest are all kept, so that more than k may be left.

    Args:
        logits: unnormalised log-probabilities.
        top_k: how many to keep.
    """
    ranks = _ranks(logits)

    def few_above(rank: Int[Array, "B"]) -> Bool[Array, "B"]:
        return jnp.sum(ranks > rank[:, None], axis=-1, dtype=jnp.int32) < top_k

    keep = (ranks >= _lowest(ranks, few_above)[:, None]) | (top_k <= 0)[:, None]
    return jnp.where(keep, logits, -jnp.inf)


def filter_top_p(logits: Float[Array, "B V"], top_p: Float[Array, "B"]) -> Float[Array, "B V"]:
    """Keeps the most likely ids of each row that together hold probability `top_p`.

    An id stays while the probability of all ids before it, in falling order, is at most `top_p`
    (meta-llama/llama, generation.py, sample_top_p): the id that crosses the line is kept, the most
    likely one always. Among equal ids the lower comes first. 1 keeps all, whatever the rounding.

    Args:
        logits: unnormalised log-probabilities; minus infinity for ids that are out already.
        top_p: probability to hold, 0 to 1.
    """
    ranks, probabilities = _ranks(logits), jax.nn.softmax(logits, axis=-1)

    def held_above(rank: Int[Array, "B"]) -> Float[Array, "B"]:
        return jnp.sum(jnp.where(ranks > rank[:, None], probabilities, 0.0), axis=-1)

    last = _lowest(ranks, lambda rank: held_above(rank) <= top_p)
    above, equal = ranks > last[:, None], ranks == last[:, None]

    def first_of_equals() -> Bool[Array, "B V"]:
        share = jnp.max(jnp.where(equal, probabilities, 0.0), axis=-1)
        before = jnp.cumsum(equal, axis=-1, dtype=jnp.int32) - 1
        return equal & (held_above(last)[:, None] + before * share[:, None] <= top_p[:, None])

    # Where the last logit is held by one id in every row, as it is nearly always, that id stays.
    tied = jnp.any(jnp.sum(equal, axis=-1, dtype=jnp.int32) > 1)
    equal = jax.lax.cond(tied, first_of_equals, lambda: equal)
    return jnp.where(above | equal | (top_p >= 1)[:, None], logits, -jnp.inf)


def draw_ids(logits: Float[Array, "B V"], keys: Key[Array, "B"]) -> Int[Array, "B"]:
    """Draws an id of each row with the probabilities that its logits stand for.

    By the Gumbel-max trick in two stages, a block of ids and then an id of the block: that takes
    V / BLOCK + BLOCK random numbers, where one stage takes V. Logits that differ by their rounding
    only, as those of differently sized batches do, give another id about as rarely as one stage
    does; an inverted distribution function over a flat vocabulary would give one far more often.
    """
    blocks = -(-logits.shape[-1] // BLOCK)
    padding = ((0, 0), (0, blocks * BLOCK - logits.shape[-1]))
    padded = jnp.pad(logits, padding, constant_values=-jnp.inf)
    padded = padded.reshape(-1, blocks, BLOCK)
    noise = jax.vmap(lambda key: jax.random.gumbel(key, (blocks + BLOCK,)))(keys)
    top = jnp.max(padded, axis=(1, 2), keepdims=True)
    block_logits = jnp.log(jnp.sum(jnp.exp(padded - top), axis=-1))
    block = largest(block_logits + noise[:, :blocks])
    inside = jnp.take_along_axis(padded, block[:, None, None], axis=1)[:, 0]
    return block * BLOCK + largest(inside + noise[:, blocks:])


def sample(
    logits: Float[Array, "B V"],
    keys: Key[Array, "B"],
    temperature: Float[Array, "B"],
    top_k: Int[Array, "B"],
    top_p: Float[Array, "B"],
) -> Int[Array, "B"]:
    """Draws one id per row.

    The order is that of Hugging Face: temperature, then top-k, then top-p of what is left. Rows
    with temperature 0 get their largest logit, the lowest id among equals. Steps that no row asks
    for are not taken.
    """
    logits = logits.astype(jnp.float32)
    drawing = temperature > 0

    def draw() -> Int[Array, "B"]:
        kept = logits / jnp.where(drawing, temperature, 1.0)[:, None]
        kept = _where_asked(drawing & (top_k > 0), filter_top_k, kept, top_k)
        kept = _where_asked(drawing & (top_p < 1), filter_top_p, kept, top_p)
        return jnp.where(drawing, draw_ids(kept, keys), largest(logits))

    return jax.lax.cond(jnp.any(drawing), draw, lambda: largest(logits))


def _where_asked(
    asked: Bool[Array, "B"], keep: Callable, logits: Float[Array, "B V"], setting: Array
) -> Float[Array, "B V"]:
    return jax.lax.cond(jnp.any(asked), keep, lambda logits, _: logits, logits, setting)


def _ranks(logits: Float[Array, "B V"]) -> Int[Array, "B V"]:
    """Integers that are ordered as the logits are: the bits of a float, those below zero turned."""
    logits = jnp.where(logits == 0, 0.0, logits)  # there are two zeros
    bits = jax.lax.bitcast_convert_type(logits, jnp.int32)
    return jnp.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def _lowest(
    ranks: Int[Array, "B V"], holds: Callable[[Int[Array, "B"]], Bool[Array, "B"]]
) -> Int[Array, "B"]:
    """The lowest rank, an occurring one, from which on `holds` is true; it is at the highest.

    Bisection: at most 32 steps, since ranks have 32 bits.
    """

    def halve(bounds):
        low, high = bounds
        middle = (low >> 1) + (high >> 1) + (low & high & 1)  # low + high may overflow
        found = holds(middle)
        return jnp.where(found, low, middle + 1), jnp.where(found, middle, high)

    bounds = jnp.min(ranks, axis=-1), jnp.max(ranks, axis=-1)
    low, _ = jax.lax.while_loop(lambda bounds: jnp.any(bounds[0] < bounds[1]), halve, bounds)
    return low
