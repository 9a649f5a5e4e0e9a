"""Places in a token array -> training rows: the vectorised last step of every packing."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64, Shaped

from llama_jax.data.packing import Rows


class Pieces(NamedTuple):
    """Runs of consecutive tokens that rows are made of, row by row and from left to right.

    Attributes:
        row: which row of the result a piece stands in; never decreasing.
        start: where it begins in the token array.
        size: how many tokens of it the model reads.
        goes_on: whether the token behind the piece is the target of its last token.
    """

    row: Int64[np.ndarray, "P"]
    start: Int64[np.ndarray, "P"]
    size: Int64[np.ndarray, "P"]
    goes_on: Bool[np.ndarray, "P"]


def ragged_arange(sizes: Int64[np.ndarray, "P"]) -> Int64[np.ndarray, "_"]:
    """0 .. size - 1 for each size, one behind the other: [2, 3] gives [0, 1, 0, 1, 2]."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)


def segment_rows(tokens: Shaped[np.ndarray, "_"], pieces: Pieces, count: int, length: int) -> Rows:
    """Rows in which each piece is a segment: nothing is attended to or predicted across pieces.

    Args:
        tokens: of the corpus; may be a memory map.
        pieces: of all rows; those of one row fill it from the left.
        count: R, rows of the result.
        length: T, tokens in a row.
    """
    new_row = np.append(True, pieces.row[1:] != pieces.row[:-1])
    first = np.maximum.accumulate(np.where(new_row, np.arange(len(pieces.row)), 0))
    before = np.cumsum(pieces.size) - pieces.size
    column = before - before[first]
    within = ragged_arange(pieces.size)
    cell = np.repeat(pieces.row * length + column, pieces.size) + within
    place = np.repeat(pieces.start, pieces.size) + within
    has_target = np.ones(len(place), np.int64)
    has_target[np.cumsum(pieces.size) - 1] = pieces.goes_on

    def laid(values: np.ndarray) -> np.ndarray:
        array = np.zeros(count * length, np.int32)
        array[cell] = values
        return array.reshape(count, length)

    return Rows(
        laid(tokens[place]),
        laid(tokens[place + has_target] * has_target),
        laid(np.repeat(np.arange(len(first)) - first + 1, pieces.size)),
        laid(within),
        laid(has_target),
    )


def across_rows(
    tokens: Shaped[np.ndarray, "_"],
    place: Int64[np.ndarray, "_"],
    sizes: Int64[np.ndarray, "R"],
    length: int,
) -> Rows:
    """Rows of one segment each, whatever documents they hold: each token predicts the next.

    Args:
        tokens: of the corpus; may be a memory map.
        place: where the tokens of all rows stand in it, row by row.
        sizes: tokens of each row, T + 1 where the row is full: the last one is only a target.
        length: T, tokens in a row.
    """
    columns = np.arange(length + 1)
    there = columns < sizes[:, None]
    ids = np.zeros(there.shape, np.int32)
    ids[there] = tokens[place]
    mask = there[:, 1:].astype(np.int32)
    segments = there[:, :-1].astype(np.int32)
    positions = columns[:-1].astype(np.int32) * segments
    # Contiguous, as everything that goes to a device should be.
    return Rows(
        np.ascontiguousarray(ids[:, :-1]),
        np.ascontiguousarray(ids[:, 1:]),
        segments,
        positions,
        mask,
    )
