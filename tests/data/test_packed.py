"""Rows made from a store on demand, against slow constructions token by token."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.token_stores import store_of

from llama_jax.data.corpus import whole
from llama_jax.data.first_fit import first_fit, place_first_fit
from llama_jax.data.packed import InMemory, all_rows, concatenate, document_order
from llama_jax.data.packing import Rows, pack
from llama_jax.errors import InputError

documents_lists = st.lists(
    st.lists(st.integers(1, 99), min_size=1, max_size=12), min_size=1, max_size=8
).filter(lambda documents: sum(map(len, documents)) > 1)
lengths = st.integers(1, 9)
seeds = st.none() | st.integers(0, 9)
many = settings(max_examples=80, deadline=None)


def in_order(documents, seed):
    return [documents[i] for i in document_order(len(documents), seed)]


def same(left: Rows, right: Rows) -> bool:
    return all(a.dtype == b.dtype and a.tolist() == b.tolist() for a, b in zip(left, right))


@many
@given(documents_lists, lengths, seeds)
def test_across_documents_each_token_predicts_the_next(documents, length, seed):
    packed = concatenate(whole(store_of(documents)), length, shuffle_seed=seed)
    stream = [token for document in in_order(documents, seed) for token in document]
    rows = all_rows(packed)
    count = -(-(len(stream) - 1) // length)
    assert rows.tokens.shape == (len(packed), length) == (count, length)
    for r in range(count):
        for t in range(length):
            place = r * length + t
            there, target = place < len(stream), place + 1 < len(stream)
            assert rows.tokens[r, t] == (stream[place] if there else 0)
            assert rows.targets[r, t] == (stream[place + 1] if target else 0)
            assert rows.loss_mask[r, t] == target
            assert rows.segment_ids[r, t] == there
            assert rows.positions[r, t] == (t if there else 0)


@many
@given(documents_lists, lengths, seeds)
def test_with_segments_the_rows_are_those_of_pack(documents, length, seed):
    packed = concatenate(
        whole(store_of(documents)), length, across_documents=False, shuffle_seed=seed
    )
    expected = pack([np.array(d, np.int32) for d in in_order(documents, seed)], length)
    kept = Rows(*(array[: len(packed)] for array in expected))
    assert same(all_rows(packed), kept)
    assert not expected.loss_mask[len(packed) :].any()


@many
@given(documents_lists, lengths, seeds, st.integers(1, 4))
def test_first_fit_has_every_target_once_in_segments_of_their_own(
    documents, length, seed, open_rows
):
    corpus = whole(store_of(documents))
    if not any(len(d) > 1 for d in documents):
        with pytest.raises(InputError, match="no document has a token to predict"):
            first_fit(corpus, length)
        return
    packed = first_fit(
        corpus, length, long_documents="split", open_rows=open_rows, shuffle_seed=seed
    )
    rows = all_rows(packed)
    found = []
    for tokens, targets, segments, positions, mask in zip(*rows):
        used = int((segments > 0).sum())
        assert (segments[:used] > 0).all() and not segments[used:].any()
        assert mask.tolist() == (segments > 0).astype(int).tolist()
        for array in (tokens, targets, positions):
            assert not array[used:].any()
        for number in range(1, int(segments.max()) + 1):
            piece = np.flatnonzero(segments == number)
            assert positions[piece].tolist() == list(range(len(piece)))
            assert tokens[piece][1:].tolist() == targets[piece][:-1].tolist()
            found.append([int(tokens[piece[0]]), *targets[piece].tolist()])
    expected = [
        document[at : at + length + 1]
        for document in documents
        for at in range(0, len(document) - 1, length)
    ]
    assert sorted(found) == sorted(expected)
    assert packed.fill == (rows.segment_ids > 0).mean()


@many
@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 5))
def test_first_fit_takes_the_first_open_row_with_room(sizes, open_rows):
    """An independent construction with lists."""
    slots, expected, opened = [], [], 0
    for size in sizes:
        fits = [slot for slot in slots if slot[1] >= size]
        if not fits:
            new = [opened, 9]
            opened += 1
            if len(slots) < open_rows:
                slots.append(new)
            else:
                slots[min(range(open_rows), key=lambda i: slots[i][1])] = new
            fits = [new]
        fits[0][1] -= size
        expected.append(fits[0][0])
    assert place_first_fit(np.array(sizes), 9, open_rows).tolist() == expected


@many
@given(documents_lists, lengths, seeds, st.data())
def test_rows_alone_are_as_among_all(documents, length, seed, data):
    corpus = whole(store_of(documents))
    packings = [
        concatenate(corpus, length, shuffle_seed=seed, across_documents=a) for a in (False, True)
    ]
    if any(len(d) > 1 for d in documents):
        packings.append(first_fit(corpus, length, long_documents="split", shuffle_seed=seed))
    for packed in packings:
        numbers = data.draw(st.lists(st.integers(0, len(packed) - 1), min_size=1, max_size=5))
        rows, every = packed.rows(np.array(numbers)), all_rows(packed)
        assert same(rows, Rows(*(array[numbers] for array in every)))
        assert same(rows, InMemory(every).rows(np.array(numbers)))


def test_a_shuffle_changes_the_order_and_nothing_else():
    documents = [[n, n, n + 1] for n in range(1, 60, 2)]
    corpus = whole(store_of(documents))
    plain, one, two = (concatenate(corpus, 3, shuffle_seed=s) for s in (None, 1, 2))
    rows = [[tuple(r) for r in all_rows(p).tokens.tolist()] for p in (plain, one, two)]
    assert sorted(rows[0]) == sorted(rows[1]) == sorted(rows[2])
    assert rows[0] != rows[1] != rows[2] != rows[0]


def test_a_document_longer_than_a_row():
    corpus = whole(store_of([[1, 2], [3, 4, 5, 6, 7], [8, 9]]))
    with pytest.raises(InputError, match=r"document 1 has 5 tokens, a row of 3 holds 4 .*'split'"):
        first_fit(corpus, 3)
    assert len(first_fit(corpus, 4)) == 2  # just fits
    halves = all_rows(first_fit(corpus, 3, long_documents="split"))
    assert halves.tokens.tolist() == [[1, 6, 8], [3, 4, 5]]
    assert halves.targets.tolist() == [[2, 7, 9], [4, 5, 6]]
    assert halves.segment_ids.tolist() == [[1, 2, 3], [1, 1, 1]]
    across = all_rows(concatenate(corpus, 3))
    assert across.tokens.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert across.targets.tolist() == [[2, 3, 4], [5, 6, 7], [8, 9, 0]]


def test_other_mistakes_are_named():
    corpus = whole(store_of([[1, 2]]))
    with pytest.raises(InputError, match="row length 0"):
        concatenate(corpus, 0)
    with pytest.raises(InputError, match="row length 0, 256 open rows"):
        first_fit(corpus, 0)
    with pytest.raises(InputError, match="long_documents 'drop': must be one of refuse, split"):
        first_fit(corpus, 4, long_documents="drop")
    with pytest.raises(InputError, match="a corpus of one token has nothing to predict"):
        concatenate(whole(store_of([[1]])), 4)


def test_identity_names_all_that_matters():
    corpus, other = whole(store_of([[1, 2], [3, 4]])), whole(store_of([[1, 2], [3, 5]]))
    packings = [
        concatenate(corpus, 3),
        concatenate(corpus, 4),
        concatenate(other, 3),
        concatenate(corpus, 3, across_documents=False),
        concatenate(corpus, 3, shuffle_seed=0),
        first_fit(corpus, 3),
        first_fit(corpus, 3, long_documents="split"),
        first_fit(corpus, 3, open_rows=2),
        InMemory(pack([np.array([1, 2])], 3)),
        InMemory(pack([np.array([1, 3])], 3)),
    ]
    assert len({repr(packed.identity()) for packed in packings}) == len(packings)
    assert concatenate(corpus, 3).identity() == concatenate(corpus, 3).identity()
    assert [p.largest_id for p in packings] == [4, 4, 5, 4, 4, 4, 4, 4, 2, 3]
