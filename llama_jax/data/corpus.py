"""Some or all documents of a token store, and the split into training and validation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64

from llama_jax.data.shuffle import derived_seed, mix
from llama_jax.data.token_store import TokenStore
from llama_jax.errors import InputError


@dataclass(frozen=True, eq=False)
class Corpus:
    """Documents of a store as places in its tokens; the tokens themselves stay where they are.

    Attributes:
        store: what the places belong to.
        starts: where each document begins in `store.tokens`.
        stops: where it ends.
        about: which documents of the store these are, as JSON values.
    """

    store: TokenStore
    starts: Int64[np.ndarray, "_"]
    stops: Int64[np.ndarray, "_"]
    about: dict[str, Any]

    def __len__(self) -> int:
        """Number of documents."""
        return len(self.starts)

    @property
    def tokens(self) -> int:
        """Number of tokens."""
        return int((self.stops - self.starts).sum())

    def identity(self) -> dict[str, Any]:
        """What must be equal for this to be the same corpus, as JSON values."""
        return {"store_sha256": self.store.sha256, **self.about}


def whole(store: TokenStore) -> Corpus:
    """All documents."""
    return Corpus(store, store.offsets[:-1], store.offsets[1:], {"documents": "all"})


def split_by_hash(store: TokenStore, fraction: float, seed: int = 0) -> tuple[Corpus, Corpus]:
    """(training, validation): each document on the side that the hash of its text says.

    So copies of a text are on one side, and a document stays on its side whatever other documents
    the corpus has and in whatever order.

    Args:
        store: the documents.
        fraction: about this share of the documents is kept for validation.
        seed: another seed makes another split.

    Raises:
        InputError: `fraction` is not between 0 and 1, or one side would be empty.
    """
    _check(fraction)
    keys = mix(np.asarray(store.hashes, np.uint64) ^ np.uint64(derived_seed(seed, "validation")))
    kept = keys < np.uint64(int(fraction * 2**64))
    if not kept.any() or kept.all():
        raise InputError(
            f"{store.path}: a validation fraction of {fraction} with seed {seed} takes "
            f"{int(kept.sum())} of {len(store)} documents; change the fraction, use split='tail', "
            "or cut the text into more documents"
        )
    about = {"split": "hash", "fraction": fraction, "seed": seed}
    train, validation = (
        Corpus(store, store.offsets[:-1][side], store.offsets[1:][side], about | {"side": name})
        for side, name in ((~kept, "train"), (kept, "validation"))
    )
    return train, validation


def split_tail(store: TokenStore, fraction: float) -> tuple[Corpus, Corpus]:
    """(training, validation): the last part of the corpus is kept for validation.

    Of n tokens, BOS and EOS not counted, the first int(n * (1 - fraction)) are for training, as
    nanoGPT cuts a text of characters; the document in which the cut falls is divided.

    Raises:
        InputError: `fraction` is not between 0 and 1, or one side would be empty.
    """
    _check(fraction)
    offsets = np.asarray(store.offsets)
    added = int(store.meta["bos"]) + int(store.meta["eos"])
    content = offsets - added * np.arange(len(offsets))  # places when BOS and EOS are not counted
    keep = int(content[-1] * (1 - fraction))
    divided = int(np.searchsorted(content, keep, side="right")) - 1
    inside = keep - int(content[divided])
    if not 0 < keep < content[-1]:
        raise InputError(
            f"{store.path}: a validation fraction of {fraction} leaves {keep} of "
            f"{int(content[-1])} tokens for training; change the fraction"
        )
    # A cut between two documents divides none.
    cut = int(offsets[divided]) + (inside + int(store.meta["bos"]) if inside else 0)
    about = {"split": "tail", "fraction": fraction}
    starts, stops = offsets[:-1], offsets[1:]
    before, behind = starts < cut, stops > cut
    return (
        Corpus(store, starts[before], np.minimum(stops[before], cut), about | {"side": "train"}),
        Corpus(
            store, np.maximum(starts[behind], cut), stops[behind], about | {"side": "validation"}
        ),
    )


def split(
    store: TokenStore, fraction: float, how: str = "hash", seed: int = 0
) -> tuple[Corpus, Corpus]:
    """(training, validation), `how` being "hash" (`split_by_hash`) or "tail" (`split_tail`)."""
    if how == "hash":
        return split_by_hash(store, fraction, seed)
    if how == "tail":
        return split_tail(store, fraction)
    raise InputError(f"split {how!r}: must be 'hash' or 'tail'")


def _check(fraction: float) -> None:
    if not 0 < fraction < 1:
        raise InputError(f"validation fraction {fraction}: must be above 0 and below 1")
