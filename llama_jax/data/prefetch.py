"""Batches made ahead of time by a thread, so that the device never waits for the host.

`batches` needs nothing but Python; `grain_batches` gives the same through grain, for those who
build on its datasets. The state of both is the number of the next step.
"""

import itertools
import queue
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

from llama_jax.data.packing import Rows
from llama_jax.data.stream import Stream
from llama_jax.errors import InputError

T = TypeVar("T")


def batches(
    stream: Stream,
    start_step: int = 0,
    stop_step: int | None = None,
    *,
    process_index: int = 0,
    process_count: int = 1,
    ahead: int = 2,
) -> Iterator[Rows]:
    """Batches `start_step`, `start_step` + 1, ... of a host, each made before it is asked for.

    Close the iterator (or use it up) to end its thread; it also ends when nobody holds it any more.

    Args:
        stream: what to read.
        start_step: number of the first batch: of a run that goes on, its step.
        stop_step: number of the batch before which to end; None for no end.
        process_index: number of this host.
        process_count: hosts among which each batch is shared out.
        ahead: batches made ahead of the one in use; 0 makes each when it is asked for.

    Raises:
        InputError: the batch does not divide over the hosts, or numbers are out of range; also
            what goes wrong in the thread is raised here.
    """
    _check(start_step, ahead)
    numbers = itertools.count(start_step) if stop_step is None else range(start_step, stop_step)
    made = (stream.local_batch(step, process_index, process_count) for step in numbers)
    return made if ahead == 0 else made_ahead(made, ahead)


def made_ahead(made: Iterator[T], ahead: int) -> Iterator[T]:
    """What `made` gives, each made by a thread before it is asked for; never None.

    What goes wrong in the thread is raised when its turn comes. Close the iterator to end early.
    """
    ready: queue.Queue[Any] = queue.Queue(ahead)
    stopped = threading.Event()

    def put(item: Any) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in made:
                if not put((item, None)):
                    return
            put((None, None))
        except BaseException as error:  # raised again where the batches are used
            put((None, error))

    thread = threading.Thread(target=work, name="batches", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stopped.set()
        thread.join()


class _Batches:
    """A stream as grain sees a data source: element i is a host's part of batch i."""

    def __init__(self, stream: Stream, steps: int, process_index: int, process_count: int):
        self._stream, self._steps = stream, steps
        self._host = process_index, process_count

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Rows:
        return self._stream.local_batch(int(step), *self._host)

    def __repr__(self) -> str:
        return f"Batches({self._steps} steps)"


def grain_dataset(
    stream: Stream, steps: int, *, process_index: int = 0, process_count: int = 1
) -> Any:
    """Batches 0 to `steps` - 1 of a host as a grain MapDataset: element t is batch t."""
    import grain

    return grain.MapDataset.source(_Batches(stream, steps, process_index, process_count))


def grain_batches(
    stream: Stream,
    start_step: int,
    stop_step: int,
    *,
    process_index: int = 0,
    process_count: int = 1,
    ahead: int = 2,
) -> Any:
    """`batches` through grain: an iterator whose `get_state()` is the number of the next batch.

    Batches are made in a thread (grain's ThreadPrefetchIterDataset), not in processes: with
    processes, grain's stream and state would depend on how many there are.
    """
    import grain

    _check(start_step, ahead)
    dataset = grain_dataset(
        stream, stop_step, process_index=process_index, process_count=process_count
    )
    read = dataset.to_iter_dataset(grain.ReadOptions(num_threads=0, prefetch_buffer_size=0))
    ready = grain.experimental.ThreadPrefetchIterDataset(read, prefetch_buffer_size=ahead)
    iterator = iter(ready)
    if start_step:
        iterator.set_state({"next_index": start_step})
    return iterator


def _check(start_step: int, ahead: int) -> None:
    if start_step < 0 or ahead < 0:
        raise InputError(f"batches from step {start_step}, {ahead} ahead: must be at least 0")
