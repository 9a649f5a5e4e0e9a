"""A corpus as training rows that are made when they are asked for.

Only index arrays are in memory: a few numbers for each document, none for each token. A packing
with the same corpus, length and options has the same rows, forever: their numbers are the example
ids of a run.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64

from llama_jax.data.assemble import Pieces, across_rows, ragged_arange, segment_rows
from llama_jax.data.corpus import Corpus
from llama_jax.data.packing import Rows
from llama_jax.data.shuffle import derived_seed, shuffled
from llama_jax.errors import InputError


@runtime_checkable
class PackedRows(Protocol):
    """Numbered training rows.

    Attributes:
        length: T, tokens in a row.
        largest_id: no token id is larger.
    """

    length: int
    largest_id: int

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def rows(self, numbers: Int64[np.ndarray, "R"]) -> Rows:
        """The rows with these numbers, in this order."""
        ...

    def identity(self) -> dict[str, Any]:
        """What must be equal for the rows to be equal, as JSON values."""
        ...


@dataclass(frozen=True, eq=False)
class Concatenated:
    """Documents behind each other, cut into rows: see `concatenate`.

    Attributes:
        corpus: whose tokens these are.
        length: T, tokens in a row.
        across_documents: whether attention and targets cross the borders between documents.
        shuffle_seed: of the order of the documents; None for the corpus's own.
        starts: where each document begins in the store, in the order of the stream.
        ends: where each document ends in the stream.
    """

    corpus: Corpus
    length: int
    across_documents: bool
    shuffle_seed: int | None
    starts: Int64[np.ndarray, "_"]
    ends: Int64[np.ndarray, "_"]

    @property
    def largest_id(self) -> int:
        """The largest token id of the store."""
        return self.corpus.store.largest_id

    def __len__(self) -> int:
        """Rows with a target: every token but the first of the stream is one (or a border)."""
        return -(-(int(self.ends[-1]) - 1) // self.length)

    def rows(self, numbers: Int64[np.ndarray, "R"]) -> Rows:
        """The rows with these numbers."""
        total = int(self.ends[-1])
        begin = numbers * self.length
        stop = np.minimum(begin + self.length + int(self.across_documents), total)
        first = np.searchsorted(self.ends, begin, side="right")
        counts = np.searchsorted(self.ends, stop - 1, side="right") - first + 1
        row = np.repeat(np.arange(len(numbers)), counts)
        document = np.repeat(first, counts) + ragged_arange(counts)
        ends = self.ends[document]
        document_begin = np.where(document > 0, self.ends[document - 1], 0)
        piece_begin = np.maximum(document_begin, begin[row])
        piece_stop = np.minimum(ends, stop[row])
        start = self.starts[document] + piece_begin - document_begin
        size = piece_stop - piece_begin
        tokens = self.corpus.store.tokens
        if self.across_documents:
            place = np.repeat(start, size) + ragged_arange(size)
            return across_rows(tokens, place, stop - begin, self.length)
        pieces = Pieces(row, start, size, piece_stop < ends)
        return segment_rows(tokens, pieces, len(numbers), self.length)

    def identity(self) -> dict[str, Any]:
        """Corpus and options."""
        return {
            "packing": "concatenate",
            "length": self.length,
            "across_documents": self.across_documents,
            "shuffle_seed": self.shuffle_seed,
            "corpus": self.corpus.identity(),
        }


def concatenate(
    corpus: Corpus,
    length: int,
    *,
    across_documents: bool = True,
    shuffle_seed: int | None = None,
) -> Concatenated:
    """Concatenates the documents and cuts the stream into rows, as in pre-training.

    Row r reads tokens r * T to r * T + T - 1 of the stream; its targets are the tokens that follow,
    the last one being the first token of the next row. A document longer than a row goes on in the
    next. The last row is padded; nothing is dropped.

        across_documents     one segment a row, positions 0 to T - 1; a token attends to the end of
                             the document before, as in the Llama papers; BOS is a target, too
        without              rows as `pack` makes them: a segment for each document, positions from
                             0, no target across a border

    Args:
        corpus: the documents.
        length: T, tokens in a row.
        across_documents: see above.
        shuffle_seed: puts the documents in an order of this seed first; None keeps their order.

    Raises:
        InputError: a length below 1, or a corpus without a target.
    """
    order = _order(corpus, length, shuffle_seed)
    starts, sizes = corpus.starts[order], (corpus.stops - corpus.starts)[order]
    ends = np.cumsum(sizes, dtype=np.int64)
    if ends[-1] < 2:
        raise InputError(f"{corpus.store.path}: a corpus of one token has nothing to predict")
    return Concatenated(corpus, length, across_documents, shuffle_seed, starts, ends)


@dataclass(frozen=True, eq=False)
class InMemory:
    """Rows that are there already, for small data and for tests."""

    content: Rows

    @property
    def length(self) -> int:
        """T, tokens in a row."""
        return self.content.tokens.shape[1]

    @property
    def largest_id(self) -> int:
        """The largest id that is read or predicted."""
        return int(max(self.content.tokens.max(), self.content.targets.max()))

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.content.tokens)

    def rows(self, numbers: Int64[np.ndarray, "R"]) -> Rows:
        """The rows with these numbers."""
        return Rows(*(array[numbers] for array in self.content))

    def identity(self) -> dict[str, Any]:
        """Shape and digest."""
        digest = hashlib.sha256()
        for array in self.content:
            digest.update(np.ascontiguousarray(array, "<i4").tobytes())
        return {
            "packing": "given rows",
            "length": self.length,
            "rows": len(self),
            "sha256": digest.hexdigest(),
        }


def document_order(count: int, shuffle_seed: int | None) -> Int64[np.ndarray, "_"]:
    """The order of `count` documents; None keeps it."""
    order = np.arange(count)
    if shuffle_seed is None:
        return order
    return shuffled(order, count, derived_seed(shuffle_seed, "documents"))


def all_rows(packed: PackedRows) -> Rows:
    """All rows in order, for a validation set that fits into memory."""
    return packed.rows(np.arange(len(packed)))


def _order(corpus: Corpus, length: int, shuffle_seed: int | None) -> Int64[np.ndarray, "_"]:
    if length < 1:
        raise InputError(f"row length {length}: must be at least 1")
    if not len(corpus):
        raise InputError(f"{corpus.store.path}: no documents to pack")
    return document_order(len(corpus), shuffle_seed)
