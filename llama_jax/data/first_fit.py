"""First-fit packing: whole documents side by side in rows, each a segment of its own."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64

from llama_jax.data.assemble import Pieces, ragged_arange, segment_rows
from llama_jax.data.corpus import Corpus
from llama_jax.data.packed import document_order
from llama_jax.data.packing import Rows
from llama_jax.errors import InputError

LONG_DOCUMENTS = ("refuse", "split")


@dataclass(frozen=True, eq=False)
class FirstFit:
    """Documents that share rows: see `first_fit`.

    Attributes:
        corpus: whose tokens these are.
        length: T, tokens in a row.
        long_documents: what was done with documents longer than a row.
        open_rows: how many rows were open at a time.
        shuffle_seed: of the order of the documents; None for the corpus's own.
        starts: where each piece begins in the store, row by row.
        sizes: how many tokens of it are read.
        row_ends: pieces of the rows up to each; row r has row_ends[r - 1] to row_ends[r].
    """

    corpus: Corpus
    length: int
    long_documents: str
    open_rows: int
    shuffle_seed: int | None
    starts: Int64[np.ndarray, "_"]
    sizes: Int64[np.ndarray, "_"]
    row_ends: Int64[np.ndarray, "_"]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.row_ends)

    @property
    def largest_id(self) -> int:
        """The largest token id of the store."""
        return self.corpus.store.largest_id

    @property
    def fill(self) -> float:
        """Share of the rows' places that hold a token; the rest is padding."""
        return int(self.sizes.sum()) / (len(self) * self.length)

    def rows(self, numbers: Int64[np.ndarray, "R"]) -> Rows:
        """The rows with these numbers."""
        begin = np.where(numbers > 0, self.row_ends[numbers - 1], 0)
        counts = self.row_ends[numbers] - begin
        piece = np.repeat(begin, counts) + ragged_arange(counts)
        row = np.repeat(np.arange(len(numbers)), counts)
        # The token behind what is read of a piece is always its own: its last target.
        pieces = Pieces(row, self.starts[piece], self.sizes[piece], np.ones(len(piece), bool))
        return segment_rows(self.corpus.store.tokens, pieces, len(numbers), self.length)

    def identity(self) -> dict[str, Any]:
        """Corpus and options."""
        return {
            "packing": "first-fit",
            "length": self.length,
            "long_documents": self.long_documents,
            "open_rows": self.open_rows,
            "shuffle_seed": self.shuffle_seed,
            "corpus": self.corpus.identity(),
        }


def first_fit(
    corpus: Corpus,
    length: int,
    *,
    long_documents: str = "refuse",
    open_rows: int = 256,
    shuffle_seed: int | None = None,
) -> FirstFit:
    """Puts each document into the first open row that has room for it, as a segment.

    A document of n tokens takes n - 1 places: its last token is a target and is not read. Where no
    open row has room, a new one is opened, in place of the fullest one when there are `open_rows`.

    Args:
        corpus: the documents; those of a single token have no target and are left out.
        length: T, tokens in a row.
        long_documents: of a document with more than T targets: "refuse" it, or "split" it into
            pieces, which do not see each other; every token but the first is a target once.
        open_rows: more of them waste fewer places and take longer.
        shuffle_seed: puts the documents in an order of this seed first; None keeps their order.

    Raises:
        InputError: a document that is too long, no document with a target, wrong numbers.
    """
    if length < 1 or open_rows < 1:
        raise InputError(f"row length {length}, {open_rows} open rows: must both be at least 1")
    if long_documents not in LONG_DOCUMENTS:
        raise InputError(
            f"long_documents {long_documents!r}: must be one of {', '.join(LONG_DOCUMENTS)}"
        )
    order = document_order(len(corpus), shuffle_seed)
    starts, targets = corpus.starts[order], (corpus.stops - corpus.starts)[order] - 1
    if not (targets > 0).any():
        raise InputError(f"{corpus.store.path}: no document has a token to predict")
    if long_documents == "refuse" and targets.max() > length:
        worst = int(order[targets.argmax()])
        raise InputError(
            f"{corpus.store.path}: document {worst} has {int(targets.max()) + 1} tokens, a row of "
            f"{length} holds {length + 1} (the last as a target only); give longer rows, "
            "long_documents='split', or the packing 'concatenate'"
        )
    counts = -(-targets // length)  # pieces of each document; none of a document of one token
    within = ragged_arange(counts) * length
    starts = np.repeat(starts, counts) + within
    sizes = np.minimum(np.repeat(targets, counts) - within, length)
    row = place_first_fit(sizes, length, open_rows)
    by_row = np.argsort(row, kind="stable")
    row_ends = np.cumsum(np.bincount(row))
    return FirstFit(
        corpus,
        length,
        long_documents,
        open_rows,
        shuffle_seed,
        starts[by_row],
        sizes[by_row],
        row_ends,
    )


def place_first_fit(
    sizes: Int64[np.ndarray, "P"], length: int, open_rows: int
) -> Int64[np.ndarray, "P"]:
    """The row of each piece; rows are numbered as they are opened."""
    free = np.zeros(open_rows, np.int64)  # places left in each open row
    number = np.zeros(open_rows, np.int64)
    opened = 0
    result = np.empty(len(sizes), np.int64)
    for index, size in enumerate(sizes.tolist()):
        slot = int(np.argmax(free >= size))
        if free[slot] < size:
            slot = opened if opened < open_rows else int(np.argmin(free))
            free[slot], number[slot] = length, opened
            opened += 1
        free[slot] -= size
        result[index] = number[slot]
    return result
