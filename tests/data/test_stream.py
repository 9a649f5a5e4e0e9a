import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.token_stores import store_of

from llama_jax.data.corpus import whole
from llama_jax.data.mixture import LLAMA_1_MIX
from llama_jax.data.packed import InMemory, concatenate
from llama_jax.data.packing import Rows, pack
from llama_jax.data.prefetch import batches
from llama_jax.data.stream import Weighted, make_stream
from llama_jax.errors import InputError

many = settings(max_examples=25, deadline=None)


def numbered(count, first=1, length=2):
    """Rows whose first token says which they are."""
    tokens = np.arange(first, first + count, dtype=np.int32)[:, None].repeat(length, 1)
    return InMemory(Rows(tokens, tokens, np.ones_like(tokens), tokens * 0, np.ones_like(tokens)))


def mixed(counts, weights, **settings):
    firsts = np.cumsum([1, *counts])
    return make_stream(
        [
            Weighted(f"source {k}", numbered(count, int(firsts[k])), weight)
            for k, (count, weight) in enumerate(zip(counts, weights, strict=True))
        ],
        **settings,
    )


sources = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from([0.1, 0.25, 1, 3])), min_size=1, max_size=5
)


@settings(max_examples=25, deadline=None)
@given(sources, st.integers(1, 6), st.integers(0, 2**64 - 1))
def test_each_source_has_epochs_of_its_own_and_its_share(found, batch_size, seed):
    counts, weights = zip(*found, strict=True)
    stream = mixed(counts, weights, seed=seed, batch_size=batch_size)
    ids = np.concatenate([stream.example_ids(t) for t in range(25)])
    bases = np.cumsum([0, *counts])
    assert stream.row_count == bases[-1]
    for k, count in enumerate(counts):
        mine = ids[(ids >= bases[k]) & (ids < bases[k + 1])] - bases[k]
        for at in range(0, len(mine) - count + 1, count):
            assert sorted(mine[at : at + count]) == list(range(count))
        had = np.cumsum((ids >= bases[k]) & (ids < bases[k + 1]))
        due = np.arange(1, len(ids) + 1) * weights[k] / sum(weights)
        assert (abs(had - due) < 1 + 1e-9).all()
        assert stream.epochs(25)[f"source {k}"] == len(mine) / count


@many
@given(sources, st.integers(0, 40), st.integers(0, 9), st.sampled_from([1, 2, 3]))
def test_hosts_share_the_batch_that_one_host_would_have(found, step, seed, size):
    counts, weights = zip(*found, strict=True)
    stream = mixed(counts, weights, seed=seed, batch_size=4 * size)
    whole_batch = stream.batch(step)
    assert (whole_batch.tokens[:, 0] - 1).tolist() == stream.example_ids(step).tolist()
    for hosts in (1, 2, 4):
        parts = [stream.local_batch(step, host, hosts) for host in range(hosts)]
        for name in Rows._fields:
            joined = np.concatenate([getattr(part, name) for part in parts])
            assert joined.tolist() == getattr(whole_batch, name).tolist()


@many
@given(sources, st.integers(1, 4), st.integers(1, 4), st.integers(0, 20))
def test_the_order_does_not_depend_on_how_it_is_cut_into_batches(found, size, parts, step):
    counts, weights = zip(*found, strict=True)
    large = mixed(counts, weights, seed=7, batch_size=size * parts)
    small = mixed(counts, weights, seed=7, batch_size=size)
    pieces = [small.example_ids(step * parts + part) for part in range(parts)]
    assert large.example_ids(step).tolist() == np.concatenate(pieces).tolist()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 12), st.integers(0, 3))
def test_a_run_goes_on_anywhere_with_the_batches_of_one_that_never_stopped(start, ahead):
    def fresh():
        return mixed([7, 3], [3, 1], seed=1, batch_size=4)

    straight = [fresh().batch(t) for t in range(15)]
    resumed = list(batches(fresh(), start, 15, ahead=ahead))
    assert len(resumed) == 15 - start
    for left, right in zip(resumed, straight[start:], strict=True):
        assert all((a == b).all() for a, b in zip(left, right, strict=True))


def test_the_order_is_fixed_for_good():
    """A changed order would break the resumption of every run: these values may never change."""
    stream = mixed([5, 1000], [1, 3], seed=3, batch_size=8)
    assert stream.example_ids(0).tolist() == IDS_0
    assert stream.example_ids(10**9).tolist() == IDS_BILLION


IDS_0 = [418, 873, 3, 311, 87, 926, 1, 1000]
IDS_BILLION = [809, 715, 0, 924, 220, 441, 1, 403]


def test_epochs_and_seeds_differ():
    stream = make_stream(numbered(50), seed=0, batch_size=50)
    orders = [tuple(stream.example_ids(t).tolist()) for t in range(3)]
    orders += [tuple(make_stream(numbered(50), seed=1, batch_size=50).example_ids(0).tolist())]
    assert len(set(orders)) == 4


def test_the_mixture_of_the_paper_over_packed_stores():
    documents = [[n, n + 1, n + 2] for n in range(1, 90)]
    packed = concatenate(whole(store_of(documents)), 4, shuffle_seed=0)
    stream = make_stream(
        [Weighted(name, packed, weight) for name, weight in LLAMA_1_MIX.items()],
        seed=0,
        batch_size=200,
    )
    source = stream.example_ids(5) // len(packed)
    assert np.bincount(source).tolist() == [134, 30, 9, 9, 9, 5, 4]
    batch = stream.batch(5)
    expected = packed.rows(stream.example_ids(5) % len(packed))
    assert batch.tokens.shape == (200, 4)
    assert all((a == b).all() for a, b in zip(batch, expected, strict=True))


def test_identity_names_all_that_matters():
    def of(counts=(3, 4), weights=(1, 2), seed=0, batch_size=4):
        return mixed(counts, weights, seed=seed, batch_size=batch_size).identity()

    identities = [of(), of((3, 5)), of(weights=(1, 3)), of(seed=1), of(batch_size=8)]
    assert len({repr(found) for found in identities}) == 5
    assert of() == of(weights=(0.5, 1))


def test_mistakes_are_named():
    stream = mixed([3], [1], seed=0, batch_size=6)
    with pytest.raises(InputError, match=r"6 rows does not divide over 4 hosts; 4 or 8 rows would"):
        stream.local_batch(0, 0, 4)
    with pytest.raises(InputError, match="host 2 of 2"):
        stream.local_batch(0, 2, 2)
    with pytest.raises(InputError, match="batch -1"):
        stream.batch(-1)
    with pytest.raises(InputError, match="source text: token ids up to 9, .* 0 to 8"):
        make_stream(numbered(9), seed=0, batch_size=1).check_vocabulary(9)
    make_stream(numbered(9), seed=0, batch_size=1).check_vocabulary(10)
    with pytest.raises(InputError, match="batches of 0 rows with seed 0"):
        make_stream(numbered(3), seed=0, batch_size=0)
    with pytest.raises(InputError, match="with seed -1"):
        make_stream(numbered(3), seed=-1, batch_size=1)
    with pytest.raises(InputError, match="a mixture of no sources"):
        make_stream([], seed=0, batch_size=1)
    twice = [Weighted("a", numbered(3), 1), Weighted("a", numbered(3), 1)]
    with pytest.raises(InputError, match="sources a, a: each needs a name of its own"):
        make_stream(twice, seed=0, batch_size=1)
    lengths = [Weighted("a", numbered(3), 1), Weighted("b", numbered(3, length=5), 1)]
    with pytest.raises(InputError, match="rows of one length are needed; there are: a 2, b 5"):
        make_stream(lengths, seed=0, batch_size=1)
    empty = InMemory(Rows(*(a[:0] for a in pack([np.array([1, 2])], 2))))
    with pytest.raises(InputError, match="source text: no rows"):
        make_stream(empty, seed=0, batch_size=1)
    with pytest.raises(InputError, match="all must be above 0"):
        make_stream([Weighted("a", numbered(3), 0)], seed=0, batch_size=1)
