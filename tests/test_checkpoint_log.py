"""What a save that fails leaves on stderr: nothing beside the exception that it raises."""

import asyncio
import gc
import logging

import pytest

from llama_jax.checkpoint_log import raised_only


@pytest.fixture
def heard():
    """What asyncio's logger lets through; its filters are put back at the end."""
    log, said = logging.getLogger("asyncio"), []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    before = list(log.filters)
    log.addHandler(handler)
    yield said
    log.removeHandler(handler)
    log.filters[:] = before


async def fail():
    raise OSError("the disk is full")


async def abandon():
    """A task that fails and a `gather` that fails, which nobody awaits."""
    asyncio.ensure_future(fail())
    asyncio.gather(fail(), fail())
    await asyncio.sleep(0.01)


def abandon_a_pending_task():
    """A task that still waits when its loop is closed."""
    loop = asyncio.new_event_loop()
    loop.create_task(asyncio.sleep(60))
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()


def test_nothing_is_said_of_work_abandoned_by_a_save_that_fails(heard):
    with pytest.raises(OSError, match="full"), raised_only():
        asyncio.run(abandon())
        abandon_a_pending_task()
        raise OSError("the disk is full")
    gc.collect()
    assert heard == []


def test_asyncio_is_heard_again_after_a_save_that_works(heard):
    with raised_only():
        pass
    asyncio.run(abandon())
    abandon_a_pending_task()
    gc.collect()
    kinds = sorted(line.split("\n")[0] for line in heard)
    assert kinds == [
        "Task exception was never retrieved",
        "Task was destroyed but it is pending!",
        "_GatheringFuture exception was never retrieved",
    ]


def test_other_words_of_asyncio_are_heard_after_a_failure(heard):
    with pytest.raises(OSError), raised_only():
        raise OSError("the disk is full")
    logging.getLogger("asyncio").error("Exception in callback")
    assert heard == ["Exception in callback"]
