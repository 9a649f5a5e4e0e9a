"""Keys and values that outlive a generation, for a next prompt that begins alike.

A dialogue goes on from its last turn: the next prompt is the last one, the reply and what is new.
"""

from collections.abc import Callable, Sequence

import jax
import numpy as np

from llama_jax.inference.decoding import Fed, rewind


class Kept:
    """What one row has seen, from one call of one engine's `generate` to the next.

    The rows change hands: while a generation runs, and after one that did not end (Ctrl-C), nothing
    is held, and the next prompt is computed as a whole.

    Attributes:
        ids: whose keys and values are held.
        reused: how many ids of the last prompt were not computed again.
    """

    def __init__(self) -> None:
        self.ids: tuple[int, ...] = ()
        self.reused = 0
        self._fed: Fed | None = None

    def take(self, prompt: Sequence[int], capacity: Callable[[int], int]) -> Fed | None:
        """Rows that have seen the first `reused` ids of a prompt; None where these are none.

        The prompt's last id is never among them: the first new id comes from its hidden state.

        Args:
            prompt: at least one id.
            capacity: that of the rows at hand -> the one wanted.
        """
        fed, self._fed = self._fed, None
        self.reused = 0 if fed is None else common_length(self.ids, prompt[:-1])
        self.ids = ()
        if not self.reused:
            return None
        return rewind(fed, np.int32(self.reused), capacity(fed.cache.capacity))

    def put(self, ids: Sequence[int], fed: Fed) -> None:
        """Keeps the first of the rows, which has seen at least `ids`; the others are never read."""
        self.ids, self._fed = tuple(ids), fed

    @property
    def nbytes(self) -> int:
        """Bytes of what is held."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self._fed))


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many ids two sequences begin with in common."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(first), len(second)))
