"""Orders that are never written down: place i of a shuffled order, computed alone.

A run over a billion rows needs the rows of one batch, of any step, at once: no list of a billion
numbers is sorted or kept. Values are fixed by this file alone (NumPy promises no such thing for
its own shuffles), and tests hold them fast: a changed order would break the resumption of runs.
"""

import hashlib

import numpy as np
from jaxtyping import Int64, UInt64

_ROUNDS = 12
_SEED_LIMIT = 1 << 64


def mix(values: UInt64[np.ndarray, "*shape"]) -> UInt64[np.ndarray, "*shape"]:
    """The output function of splitmix64: each bit of the result depends on all of the input."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def derived_seed(*names: int | str) -> int:
    """A seed from 0 to 2**64 - 1 for each use of a run's seed, such as (seed, "rows", epoch)."""
    text = "/".join(map(str, names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def shuffled(places: Int64[np.ndarray, "_"], count: int, seed: int) -> Int64[np.ndarray, "_"]:
    """What stands in each of `places` of an order of 0 .. count - 1 that `seed` determines.

    A Feistel network over the fewest bits that hold `count`: a bijection of the numbers of so many
    bits. What comes out at or above `count` is sent through again until it is below, which makes
    it a bijection of 0 .. count - 1; on average that takes fewer than two turns.

    Args:
        places: numbers from 0 to count - 1, each for itself.
        count: at least 1.
        seed: 0 to 2**64 - 1.
    """
    if not 0 <= seed < _SEED_LIMIT or count < 1:
        raise ValueError(f"seed {seed}, count {count}: out of range")
    if places.size and not 0 <= places.min() <= places.max() < count:
        raise ValueError(f"places {places.min()} to {places.max()} of {count}")
    # At least one bit for each half.
    bits = max(2, (count - 1).bit_length())
    right = bits // 2
    left = bits - right
    keys = mix(
        np.uint64(seed) ^ np.arange(_ROUNDS, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95)
    )
    result = places.astype(np.uint64)
    above = np.arange(len(result))
    while above.size:
        result[above] = _feistel(result[above], left, right, keys)
        above = above[result[above] >= count]
    return result.astype(np.int64)


def _feistel(
    values: UInt64[np.ndarray, "_"], left: int, right: int, keys: UInt64[np.ndarray, "_"]
) -> UInt64[np.ndarray, "_"]:
    """Rounds that change the left bits by the right ones, and the other way round, in turn."""
    low_mask, high_mask = np.uint64((1 << right) - 1), np.uint64((1 << left) - 1)
    high, low = values >> np.uint64(right), values & low_mask
    for number, key in enumerate(keys):
        if number % 2:
            low = low ^ (mix(high ^ key) & low_mask)
        else:
            high = high ^ (mix(low ^ key) & high_mask)
    return (high << np.uint64(right)) | low
