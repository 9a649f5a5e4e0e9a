"""Pure: word vectors from a model's input embeddings, and how alike two of them are.

    "staircase" -> ids of its tokens -> rows of the embedding -> their mean, one vector of D numbers

numpy alone, so that the rows may come from any model; no layer of the model is run.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from llama_jax.evals.rank_correlation import spearman


def word_vector(embedding: Float[np.ndarray, "V D"], ids: Sequence[int]) -> Float[np.ndarray, "D"]:
    """Returns the mean of a word's rows, in float64.

    Raises:
        ValueError: the word has no tokens, or one that the embedding has no row for.
    """
    if not ids:
        raise ValueError("a word without tokens has no vector")
    if not 0 <= min(ids) <= max(ids) < len(embedding):
        raise ValueError(f"tokens {list(ids)}: the embedding has {len(embedding)} rows")
    return embedding[np.asarray(ids)].astype(np.float64).mean(axis=0)


def cosine(first: Float[np.ndarray, "D"], second: Float[np.ndarray, "D"]) -> float:
    """Returns the cosine of the angle between two vectors.

    Raises:
        ValueError: one of them is zero, or not finite: it has no direction.
    """
    lengths = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
    if not 0 < lengths < np.inf:
        raise ValueError("a vector of length zero, or not finite, has no direction")
    return max(-1.0, min(1.0, float(first @ second) / lengths))


def pair_similarities(
    embedding: Float[np.ndarray, "V D"],
    encode: Callable[[str], Sequence[int]],
    pairs: Sequence[tuple[str, str]],
) -> list[float]:
    """Returns the cosine of the two words' vectors, for each pair; `encode` adds no BOS or EOS."""
    return [
        cosine(word_vector(embedding, encode(one)), word_vector(embedding, encode(other)))
        for one, other in pairs
    ]


def embedding_correlation(
    embedding: Float[np.ndarray, "V D"],
    encode: Callable[[str], Sequence[int]],
    pairs: Sequence[tuple[str, str]],
    ratings: Sequence[float],
) -> float | None:
    """Returns Spearman's correlation of cosines with people's ratings; None where undefined."""
    return spearman(list(ratings), pair_similarities(embedding, encode, pairs))
