"""Which rows are in batch t: a pure function of (seed, step, batch size).

So a run goes on anywhere, on any number of hosts, without the state of an iterator.
"""

import functools

import numpy as np
from jaxtyping import Int64

from llama_jax.data.packing import Rows
from llama_jax.errors import InputError


@functools.lru_cache(maxsize=2)
def permutation(count: int, seed: int, epoch: int) -> Int64[np.ndarray, "_"]:
    """The order in which epoch `epoch` visits rows 0 .. count - 1; not writeable.

    Rows are sorted by Philox's raw output, which NumPy keeps the same from version to version;
    it does not promise that for `Generator.permutation`.
    """
    keys = np.random.Philox(key=np.array([seed, epoch], np.uint64)).random_raw(count)
    order = np.argsort(keys, kind="stable")
    order.setflags(write=False)
    return order


def row_indices(count: int, seed: int, step: int, batch_size: int) -> Int64[np.ndarray, "B"]:
    """Rows of batch `step` (from 0), out of `count`.

    The permutations of epoch 0, 1, ... stand one behind the other and are cut into batches: every
    row comes once per epoch, and a batch may hold the end of one epoch and the start of the next.

        count 5, batch size 2:   [p0 p0] [p0 p0] [p0 p1] [p1 p1] [p1 p1] [p2 ...

    Raises:
        InputError: there are no rows, or a number is out of range.
    """
    if count < 1:
        raise InputError("no rows to take batches from")
    if batch_size < 1 or step < 0 or not 0 <= seed < 2**64:
        raise InputError(
            f"batch {step} of {batch_size} rows with seed {seed}: the step must be at least 0, "
            "the batch size at least 1, the seed from 0 to 2**64 - 1"
        )
    places = step * batch_size + np.arange(batch_size)
    epochs = places // count
    return np.concatenate(
        [
            permutation(count, seed, int(epoch))[places[epochs == epoch] % count]
            for epoch in np.unique(epochs)
        ]
    )


def batch_at(rows: Rows, seed: int, step: int, batch_size: int) -> Rows:
    """Batch `step` (from 0): `batch_size` of the rows, see `row_indices`."""
    index = row_indices(len(rows.tokens), seed, step, batch_size)
    return Rows(*(array[index] for array in rows))


def padded_batches(rows: Rows, batch_size: int) -> list[Rows]:
    """All rows in order, in batches of one shape.

    The last is filled up with rows of padding (segment 0, mask 0), which count in no loss.
    """
    filling = ((0, -len(rows.tokens) % batch_size), (0, 0))
    whole = [np.pad(array, filling) for array in rows]
    starts = range(0, len(whole[0]), batch_size)
    return [Rows(*(array[at : at + batch_size] for array in whole)) for at in starts]
