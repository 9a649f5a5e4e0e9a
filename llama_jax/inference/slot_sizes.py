"""In which few sizes the rows of a group are fed and generated. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from llama_jax.inference.generation import SMALLEST_CAPACITY, GenerateGroup, capacities
from llama_jax.inference.shapes import bucket, buckets


class Sizes(NamedTuple):
    """Of a group.

    Attributes:
        count: B, its slots.
        columns: most tokens of a prompt that are fed at a time.
        feed_rows: in how many rows prompts are fed, ascending.
        longest: tokens of its longest prompt.
        whole: most tokens that a row may come to, its prompt included.
        context: most tokens that the model takes.
    """

    count: int
    columns: int
    feed_rows: tuple[int, ...]
    longest: int
    whole: int
    context: int

    @classmethod
    def of(
        cls, group: GenerateGroup, count: int, rows: Iterable[tuple[int, int]], context: int
    ) -> "Sizes":
        """For `count` slots; `rows` has the tokens of each prompt, and the most that may follow."""
        lengths, limits = zip(*rows, strict=True)
        return cls(
            count,
            group.columns,
            tuple(sorted({min(fed, count) for fed in group.feed_rows})),
            longest=max(lengths),
            whole=max(length + limit for length, limit in zip(lengths, limits, strict=True)),
            context=context,
        )

    @property
    def prompt_capacity(self) -> int:
        """Tokens per row of the array that prompts are fed in: one size for all of the group."""
        if self.longest <= self.columns:
            return self.columns
        return self._bounded(self.longest, self.longest)

    def capacity(self, need: int) -> int:
        """Tokens per row, in few sizes, that hold `need`; no more than any row can come to."""
        return self._bounded(need, self.whole)

    def rows_to_feed(self, prompts: int, call_tokens: int) -> int:
        """The size of array in which feeding all of the prompts costs least.

        Args:
            prompts: how many.
            call_tokens: what one more call costs, in tokens.
        """

        def cost(rows: int) -> tuple[int, int]:
            calls = -(-prompts // rows)
            return calls * (rows * self.columns + call_tokens), rows

        return min(self.feed_rows, key=cost)

    def _bounded(self, need: int, whole: int) -> int:
        """A size that holds `need` tokens; no row gets more than `whole`, whatever is asked.

        Attention reads all slots of a cache, the empty ones too.
        """
        most = bucket(whole, buckets(self.context, SMALLEST_CAPACITY // 4))
        return min(most, bucket(min(need, self.context), capacities(self.context)))
