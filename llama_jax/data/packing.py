"""Documents of token ids -> rows of one length, concatenated and split as in pre-training."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, Integer

from llama_jax.errors import InputError


class Rows(NamedTuple):
    """Training rows, or a batch of them; each array is [R, T] int32.

    Attributes:
        tokens: what the model reads.
        targets: the token that follows in the same document; 0 where `loss_mask` is 0.
        segment_ids: documents of the row, 1 and up; 0 is padding. Attention stays inside.
        positions: from 0 at the first token of each segment of the row.
        loss_mask: 1 where `targets` counts in the loss.
    """

    tokens: np.ndarray
    targets: np.ndarray
    segment_ids: np.ndarray
    positions: np.ndarray
    loss_mask: np.ndarray


def pack(documents: Sequence[Integer[np.ndarray, "_"]], length: int) -> Rows:
    """Concatenates the documents, in order, and cuts the stream into rows of `length` tokens.

        documents        [1 5 6 7 2], [1 8 2], [1 9 2]          length 4

        tokens           [1 5 6 7]    [2 1 8 2]    [1 9 2 0]
        targets          [5 6 7 2]    [0 8 2 0]    [9 2 0 0]
        segment_ids      [1 1 1 1]    [1 2 2 2]    [1 1 1 0]
        positions        [0 1 2 3]    [0 0 1 2]    [0 1 2 0]
        loss_mask        [1 1 1 1]    [0 1 1 0]    [1 1 0 0]

    A document that is cut goes on in the next row as a segment of its own, with positions from 0:
    the model no longer sees what stood before the cut. Its first target there still counts, and the
    last target of the row before is the first token after the cut, so that every token but the
    first of each document is a target exactly once. No target crosses a border between documents.
    The last row is padded with segment 0 and mask 0; nothing is dropped.

    Args:
        documents: token ids, BOS and EOS included where wanted; none may be empty.
        length: T, tokens in a row.

    Returns:
        R = ceil(number of tokens / T) rows.

    Raises:
        InputError: no documents, an empty document, or a length below 1.
    """
    if length < 1:
        raise InputError(f"row length {length}: must be at least 1")
    if not len(documents):
        raise InputError("no documents to pack")
    sizes = np.array([len(document) for document in documents])
    if not sizes.all():
        raise InputError(f"document {int(np.argmin(sizes))} has no tokens")
    stream = np.concatenate(documents)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    # From the end of the stream on, and at the last token of each document, there is no target.
    has_target = np.append(owner[1:] == owner[:-1], False)
    targets = np.where(has_target, np.append(stream[1:], 0), 0)

    index = np.arange(stream.size)
    row_start = index - index % length
    document_start = (np.cumsum(sizes) - sizes)[owner]
    return Rows(
        _rows(stream, length),
        _rows(targets, length),
        _rows(owner - owner[row_start] + 1, length),
        _rows(index - np.maximum(document_start, row_start), length),
        _rows(has_target, length),
    )


def _rows(stream: np.ndarray, length: int) -> Int32[np.ndarray, "R T"]:
    padding = -stream.size % length
    return np.pad(stream.astype(np.int32), (0, padding)).reshape(-1, length)
