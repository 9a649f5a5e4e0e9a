"""Bars on stderr: how far a run is, how fast, and how long it still takes. Imports no jax."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from tqdm import tqdm

from llama_jax.evals.requests import Item
from llama_jax.inference.types import GenerateItem, GenerateResult, ScoreResult

# Of a generation that only the context ends.
_USUAL_NEW_TOKENS = 256


def progress_bar(what: str, total: int | None, progress: bool | None, **how: Any) -> tqdm:
    """A bar on stderr; with `progress` None only where stderr is a terminal."""
    hidden = None if progress is None else not progress
    return tqdm(desc=what, total=total, disable=hidden, **how)


def planned_tokens(items: Sequence[Item]) -> list[int]:
    """What each item costs: the ids that it does not share with the item before it, and new ones.

    >>> from llama_jax.inference.types import ScoreItem
    >>> planned_tokens([ScoreItem((1, 5, 6, 7), 3), ScoreItem((1, 5, 6, 8, 9), 3)])
    [4, 2]
    """
    planned, before = [], ()
    for item in items:
        new = 0
        if isinstance(item, GenerateItem):
            new = item.max_new_tokens or _USUAL_NEW_TOKENS
        planned.append(max(1, len(item.ids) - _shared(before, item.ids) + new))
        before = item.ids
    return planned


class TokenBar:
    """Counts items, shows real tokens per second, and tells the time that is left from the plan.

    Items differ in length by a factor of a hundred and the longest come first, so that their number
    would tell a time that is far too long.

    Args:
        what: stands before the bar.
        items: all that are to be answered.
        known: for each whether its answer is there already.
        progress: as for `progress_bar`.
        clock: seconds.
    """

    def __init__(
        self,
        what: str,
        items: Sequence[Item],
        known: Sequence[bool],
        progress: bool | None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._bar = progress_bar(
            what,
            None,
            progress,
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
        )
        self._count, self._answered = len(items), sum(known)
        self._clock, self._begun, self._tokens = clock, clock(), 0
        if self._bar.disable:  # nobody looks: nothing is counted
            return
        self._planned = dict(zip(items, planned_tokens(items), strict=True))
        done = sum(self._planned[item] for item, was in zip(items, known, strict=True) if was)
        self._bar.total = sum(self._planned[item] for item in items)
        self._bar.initial = self._bar.n = done
        self._show()
        self._bar.refresh()

    def __enter__(self) -> "TokenBar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def update(self, item: Item, result: ScoreResult | GenerateResult) -> None:
        """An item has been answered."""
        if self._bar.disable:
            return
        planned = self._planned[item]
        self._answered += 1
        self._tokens += planned
        if isinstance(item, GenerateItem):  # it may have ended before it had all it was given
            self._tokens += len(result.ids) - (item.max_new_tokens or _USUAL_NEW_TOKENS)
        self._show()
        self._bar.update(planned)

    def _show(self) -> None:
        seconds = max(self._clock() - self._begun, 1e-9)
        speed = f", {self._tokens / seconds:,.0f} tokens/s" if self._tokens > 0 else ""
        words = f"{self._answered}/{self._count} items{speed}"
        self._bar.set_postfix_str(words, refresh=False)


def _shared(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    """How many ids two sequences begin with in common, by halving."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
