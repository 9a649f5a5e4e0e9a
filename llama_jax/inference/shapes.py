"""Which few array shapes a set of rows is computed in. Pure.

Every shape costs a compilation and every padded position costs time. `choose_shapes` weighs the one
against the other; `fill` lays rows out in the chosen shapes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

# What one more call costs, in tokens that could be computed meanwhile: dispatch, reading the
# weights, waiting for the host. A guess for a CPU; accelerators compute more tokens in that time.
CALL_TOKENS = 64

# What one more compiled shape costs, in tokens, where the caller does not know better.
SHAPE_TOKENS = 1024


class Shape(NamedTuple):
    """A batch of `rows` rows of `length` tokens."""

    rows: int
    length: int


# Rows of one group, longest first: pairs of a bucket length and how many rows it holds.
Runs = tuple[tuple[int, int], ...]


def buckets(limit: int, smallest: int = 8) -> tuple[int, ...]:
    """The lengths that arrays may have, up to `limit`: powers of two, one and a half times these.

    >>> buckets(100)
    (8, 12, 16, 24, 32, 48, 64, 96, 100)
    """
    powers = [smallest << k for k in range(limit.bit_length())]
    sizes = sorted({*powers, *(3 * power // 2 for power in powers)})
    return (*(size for size in sizes if size < limit), limit)


def bucket(length: int, sizes: Sequence[int]) -> int:
    """The smallest of `sizes` (ascending) that holds `length`."""
    return next(size for size in sizes if size >= length)


def fill(runs: Runs, menu: Iterable[Shape]) -> Iterator[tuple[Shape, int]]:
    """Lays the rows of a group out, longest first: shapes and how many batches of each, in order.

    A batch has the smallest length that holds its longest row, and the most rows that it can fill;
    the last one may stay part empty.
    """
    by_length: dict[int, list[int]] = {}
    for rows, length in sorted(menu):
        by_length.setdefault(length, []).append(rows)
    lengths = sorted(by_length)
    left = sum(count for _, count in runs)
    taken = 0  # rows of `runs` that were laid out beyond the runs already passed
    for length, count in runs:
        while taken < count:
            fitting = bucket(length, lengths)
            sizes = by_length[fitting]
            rows = max((size for size in sizes if size <= left), default=sizes[0])
            batches = max(1, (count - taken) // rows)
            yield Shape(rows, fitting), batches
            taken += batches * rows
            left -= batches * rows
        taken -= count


def choose_shapes(
    groups: Sequence[Runs],
    batch_tokens: int,
    call_tokens: int = CALL_TOKENS,
    shape_tokens: int = SHAPE_TOKENS,
) -> tuple[Shape, ...]:
    """A short menu of shapes in which all `groups` can be computed.

    The cost of a menu is the padded tokens of all batches, `call_tokens` for each batch, and
    `shape_tokens` for each shape used, for its compilation. Beginning with the best single shape,
    the shape that lowers the cost most is added, until none does. A row longer than `batch_tokens`
    goes alone.
    """
    distinct = Counter(groups)
    lengths = sorted({length for runs in distinct for length, _ in runs})
    smallest_group = min(sum(count for _, count in runs) for runs in distinct)
    candidates = [
        Shape(rows, length)
        for length in lengths
        for rows in _row_counts(max(1, batch_tokens // length), smallest_group)
    ]

    def cost_of(menu: tuple[Shape, ...]) -> int:
        used, tokens = set(), 0
        for runs, times in distinct.items():
            for shape, batches in fill(runs, menu):
                used.add(shape)
                tokens += times * batches * (shape.rows * shape.length + call_tokens)
        return tokens + len(used) * shape_tokens

    longest = [shape for shape in candidates if shape.length == lengths[-1]]
    cost, menu = min((cost_of((shape,)), (shape,)) for shape in longest)
    while True:
        wider_menus = ((*menu, shape) for shape in candidates)
        best, wider = min((cost_of(wider), wider) for wider in wider_menus)
        if best >= cost:
            break
        cost, menu = best, wider
    return tuple(sorted({shape for runs in distinct for shape, _ in fill(runs, menu)}))


def _row_counts(full: int, smallest_group: int) -> list[int]:
    """Row counts to consider where `full` rows make a full batch: a few, largest first."""
    least = min(full // 16, smallest_group)
    return [size for size in reversed(buckets(full, 1)) if size >= least]
