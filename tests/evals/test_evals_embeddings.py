import numpy as np
import pytest

from llama_jax.evals.embeddings import (
    cosine,
    embedding_correlation,
    pair_similarities,
    word_vector,
)

EMBEDDING = np.array([[1, 0], [0, 1], [3, 4], [-2, 0], [0, 0]], np.float32)
WORDS = {"east": [0], "north": [1], "up": [0, 1], "far": [2], "west": [3], "lost": [4]}


def test_a_word_is_the_mean_of_its_rows():
    assert word_vector(EMBEDDING, [0, 2]).tolist() == [2, 2]
    assert word_vector(EMBEDDING, [2]).tolist() == [3, 4]
    with pytest.raises(ValueError, match="without tokens"):
        word_vector(EMBEDDING, [])
    for ids in ([-1], [5]):
        with pytest.raises(ValueError, match="5 rows"):
            word_vector(EMBEDDING, ids)


def test_cosines_worked_by_hand():
    pairs = [("east", "north"), ("east", "far"), ("far", "far"), ("east", "west"), ("up", "east")]
    found = pair_similarities(EMBEDDING, WORDS.get, pairs)
    assert found == pytest.approx([0, 0.6, 1, -1, 0.5**0.5])


def test_a_vector_without_direction_is_refused():
    for bad in ([0.0, 0.0], [np.inf, 0.0], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="no direction"):
            cosine(np.array(bad), np.array([1.0, 0.0]))


def test_the_correlation_with_ratings():
    pairs = [("east", "west"), ("east", "north"), ("east", "far")]  # -1, 0, 0.6
    assert embedding_correlation(EMBEDDING, WORDS.get, pairs, [1, 2, 3]) == 1
    assert embedding_correlation(EMBEDDING, WORDS.get, pairs, [1, 3, 2]) == 0.5
    assert embedding_correlation(EMBEDDING, WORDS.get, pairs[:1], [1]) is None
