import threading
import time

import numpy as np
import pytest
from reference.token_stores import store_of

from llama_jax.data.corpus import whole
from llama_jax.data.packed import concatenate
from llama_jax.data.prefetch import batches, grain_batches, grain_dataset
from llama_jax.data.stream import make_stream
from llama_jax.errors import InputError


@pytest.fixture(scope="module")
def stream():
    documents = [[n, *range(5, 5 + n % 7), 2] for n in range(1, 60)]
    packed = concatenate(whole(store_of(documents)), 8, shuffle_seed=0)
    return make_stream(packed, seed=5, batch_size=4)


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def workers():
    return [t for t in threading.enumerate() if t.name == "batches" and t.is_alive()]


def test_grain_gives_the_same_batches_from_any_step(stream):
    dataset = grain_dataset(stream, 20)
    assert len(dataset) == 20
    assert same(dataset[7], stream.batch(7))
    for start in (0, 3, 19):
        read = grain_batches(stream, start, 20)
        found = list(read)
        read.close()
        assert len(found) == 20 - start
        assert all(same(f, stream.batch(t)) for t, f in enumerate(found, start))


def test_grains_state_is_the_step(stream):
    read = grain_batches(stream, 0, 20)
    for _ in range(6):
        next(read)
    state = read.get_state()
    read.close()
    assert state == {"next_index": 6}
    again = grain_batches(stream, 0, 20)
    again.set_state(state)
    assert same(next(again), stream.batch(6))
    again.close()


@pytest.mark.parametrize("make", [batches, grain_batches])
def test_a_host_gets_its_part(stream, make):
    for host in range(2):
        read = make(stream, 2, 5, process_index=host, process_count=2)
        for step, rows in enumerate(read, 2):
            assert same(rows, stream.local_batch(step, host, 2))
        read.close()


def test_batches_are_made_ahead_and_no_further():
    made = []

    class Slow:
        def local_batch(self, step, process_index, process_count):
            made.append(step)
            return step

    read = batches.__wrapped__(Slow(), ahead=3)  # without the check of types
    assert next(read) == 0
    deadline = time.monotonic() + 10
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert made == [0, 1, 2, 3, 4]  # three are ready, one more waits for room
    read.close()


def test_the_thread_ends_with_its_iterator(stream):
    read = batches(stream)
    next(read)
    assert workers()
    read.close()
    assert not workers()
    assert len(list(batches(stream, 0, 3))) == 3
    assert not workers()
    dropped = batches(stream)
    next(dropped)
    del dropped
    assert not workers()


@pytest.mark.parametrize("ahead", [0, 2])
def test_what_goes_wrong_in_the_thread_is_raised(stream, ahead):
    read = batches(stream, process_count=3, ahead=ahead)
    with pytest.raises(InputError, match="does not divide over 3 hosts"):
        next(read)
    assert not workers()


def test_numbers_out_of_range_are_refused(stream):
    for make in (batches, grain_batches):
        with pytest.raises(InputError, match="batches from step -1, 2 ahead"):
            make(stream, -1, 4)
