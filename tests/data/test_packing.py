import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.data.packing import pack
from llama_jax.errors import InputError

lists_of_documents = st.lists(
    st.lists(st.integers(1, 99), min_size=1, max_size=12), min_size=1, max_size=8
)
many = settings(max_examples=60, deadline=None)


def arrays(documents):
    return [np.array(document, np.int32) for document in documents]


def test_the_picture_of_the_docstring():
    rows = pack(arrays([[1, 5, 6, 7, 2], [1, 8, 2], [1, 9, 2]]), length=4)
    assert rows.tokens.tolist() == [[1, 5, 6, 7], [2, 1, 8, 2], [1, 9, 2, 0]]
    assert rows.targets.tolist() == [[5, 6, 7, 2], [0, 8, 2, 0], [9, 2, 0, 0]]
    assert rows.segment_ids.tolist() == [[1, 1, 1, 1], [1, 2, 2, 2], [1, 1, 1, 0]]
    assert rows.positions.tolist() == [[0, 1, 2, 3], [0, 0, 1, 2], [0, 1, 2, 0]]
    assert rows.loss_mask.tolist() == [[1, 1, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]]
    assert {array.dtype for array in rows} == {np.dtype(np.int32)}


@many
@given(lists_of_documents, st.integers(1, 9))
def test_every_token_is_read_once_and_all_but_first_tokens_are_targets_once(documents, length):
    rows = pack(arrays(documents), length)
    real = rows.segment_ids.ravel() > 0
    assert rows.tokens.ravel()[real].tolist() == [t for d in documents for t in d]
    counted = rows.loss_mask.ravel() == 1
    assert rows.targets.ravel()[counted].tolist() == [t for d in documents for t in d[1:]]
    assert not rows.targets.ravel()[~counted].any()
    assert not rows.loss_mask.ravel()[~real].any()


@many
@given(lists_of_documents, st.integers(1, 9))
def test_only_the_end_of_the_last_row_is_padding(documents, length):
    rows = pack(arrays(documents), length)
    total = sum(map(len, documents))
    assert rows.tokens.shape == (-(-total // length), length)
    real = rows.segment_ids.ravel() > 0
    assert real.tolist() == [True] * total + [False] * (rows.tokens.size - total)
    for array in rows:
        assert not array.ravel()[total:].any()


@many
@given(lists_of_documents, st.integers(1, 9))
def test_segments_are_the_documents_of_a_row_with_positions_from_zero(documents, length):
    """An independent, slow construction, token by token."""
    rows = pack(arrays(documents), length)
    stream = [(d, t) for d, document in enumerate(documents) for t in range(len(document))]
    for r in range(len(rows.tokens)):
        segment, position, last = 0, 0, None
        for column, (document, _) in enumerate(stream[r * length : (r + 1) * length]):
            segment, position = (segment, position + 1) if document == last else (segment + 1, 0)
            last = document
            assert rows.segment_ids[r, column] == segment
            assert rows.positions[r, column] == position


@many
@given(lists_of_documents, st.integers(1, 9))
def test_a_target_is_the_next_token_of_the_same_document(documents, length):
    rows = pack(arrays(documents), length)
    stream = [(d, token) for d, document in enumerate(documents) for token in document]
    mask, targets = rows.loss_mask.ravel(), rows.targets.ravel()
    for index, (document, _) in enumerate(stream):
        follows = index + 1 < len(stream) and stream[index + 1][0] == document
        assert mask[index] == follows
        if follows:
            assert targets[index] == stream[index + 1][1]


def test_mistakes_are_named():
    with pytest.raises(InputError, match="document 1 has no tokens"):
        pack(arrays([[1, 2], [], [3]]), 4)
    with pytest.raises(InputError, match="row length 0: must be at least 1"):
        pack(arrays([[1, 2]]), 0)
    with pytest.raises(InputError, match="no documents to pack"):
        pack([], 4)
