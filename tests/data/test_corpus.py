import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.token_stores import store_of

from llama_jax.data.corpus import split, split_by_hash, split_tail, whole
from llama_jax.errors import InputError

many = settings(max_examples=100, deadline=None)


def documents(corpus):
    tokens = corpus.store.tokens
    return [tokens[a:b].tolist() for a, b in zip(corpus.starts, corpus.stops)]


def numbered(count):
    return [[n // 100 + 1, n % 100 + 1] for n in range(count)]


def test_the_whole_corpus():
    corpus = whole(store_of([[1, 2, 3], [4]]))
    assert documents(corpus) == [[1, 2, 3], [4]]
    assert (len(corpus), corpus.tokens) == (2, 4)


@many
@given(st.integers(20, 300), st.floats(0.2, 0.8), st.integers(0, 99))
def test_each_document_is_on_one_side_and_stays_there(count, fraction, seed):
    found = numbered(count)
    train, validation = split_by_hash(store_of(found), fraction, seed)
    kept = documents(validation)
    assert sorted(documents(train) + kept) == sorted(found)
    # In another order, behind others, and twice: the side is that of the text.
    more = [[9, 9, 9], *reversed(found), *found]
    again = split_by_hash(store_of(more), fraction, seed)[1]
    assert [d for d in documents(again) if d != [9, 9, 9]] == kept[::-1] + kept


def test_the_fraction_is_about_what_was_asked_for():
    store = store_of(numbered(5000))
    kept = [len(split_by_hash(store, 0.1, seed)[1]) for seed in range(40)]
    assert np.mean(kept) == pytest.approx(500, abs=15)
    assert np.std(kept) == pytest.approx((5000 * 0.09) ** 0.5, rel=0.35)
    assert len(set(kept)) > 10


def test_a_tail_of_characters_is_cut_as_nanogpt_cuts_it():
    text = list(np.random.default_rng(0).integers(1, 65, 1115))
    train, validation = split_tail(store_of([text]), 0.1)
    cut = int(len(text) * 0.9)  # train_data = data[:int(n*0.9)]
    assert documents(train) == [text[:cut]]
    assert documents(validation) == [text[cut:]]


@many
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.floats(0.05, 0.95),
    st.booleans(),
    st.booleans(),
)
def test_a_tail_is_the_last_part_of_what_is_not_bos_or_eos(sizes, fraction, bos, eos):
    first, last = [1] * bos, [2] * eos
    found = [[*first, *range(10, 10 + size), *last] for size in sizes]
    content, keep = sum(sizes), int(sum(sizes) * (1 - fraction))
    store = store_of(found, bos, eos)
    if not 0 < keep < content:
        with pytest.raises(InputError, match="change the fraction"):
            split_tail(store, fraction)
        return
    train, validation = split_tail(store, fraction)
    flat = [token for part in (train, validation) for d in documents(part) for token in d]
    assert flat == [token for document in found for token in document]
    assert sum(t >= 10 for d in documents(train) for t in d) == keep
    assert all(documents(train)) and all(documents(validation))
    # A document that is not divided keeps its end; one that begins in the tail has its beginning.
    assert documents(train)[:-1] == found[: len(train) - 1]
    assert documents(validation)[1:] == found[len(found) - len(validation) + 1 :]
    assert len(train) + len(validation) - len(found) in (0, 1)


def test_splits_have_identities_of_their_own():
    store = store_of(numbered(50))
    parts = [
        *split(store, 0.2),
        *split(store, 0.2, seed=1),
        *split(store, 0.3),
        *split(store, 0.2, "tail"),
        whole(store),
    ]
    assert len({repr(part.identity()) for part in parts}) == len(parts)


def test_mistakes_are_named():
    store = store_of([[1, 2], [3, 4]])
    with pytest.raises(InputError, match="split 'half': must be 'hash' or 'tail'"):
        split(store, 0.5, "half")
    for fraction in (0, 1, -1, float("nan")):
        with pytest.raises(InputError, match="must be above 0 and below 1"):
            split(store, fraction)
    with pytest.raises(InputError, match=r"takes (0|2) of 2 documents; .*split='tail'"):
        split(store, 1e-9)
