"""What Orbax and TensorStore say on stderr of a save that fails."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator

# asyncio's words for work that nobody waits for any more; the first follows the name of a class:
# Task, Future or the one behind `gather`.
ABANDONED = ("exception was never retrieved", "was destroyed but it is pending")


@contextlib.contextmanager
def raised_only() -> Iterator[None]:
    """Keeps what is raised anyway off stderr, for a program that says in one line what went wrong.

    Of a save that fails Orbax's threads log every exception with its traceback, and TensorStore
    then finds that nobody waits for the other writes: hundreds of lines, once the disk is full.
    """
    log, hook = logging.getLogger("absl"), sys.unraisablehook

    def own(record: logging.LogRecord) -> bool:
        return not (record.exc_info and "orbax" in record.pathname)

    def unraisable(found) -> None:
        if str(found.exc_value) != "Event loop is closed":
            hook(found)

    def awaited(record: logging.LogRecord) -> bool:
        return not any(said in record.getMessage() for said in ABANDONED)

    log.addFilter(own)
    # Stays: a coroutine that was not even started is found when it is collected, some time later.
    warnings.filterwarnings(
        "ignore", r"coroutine '.*write_fragment' was never awaited", RuntimeWarning
    )
    # Stays after a failure: asyncio says it when the tasks are collected, at the end at the latest.
    logging.getLogger("asyncio").addFilter(awaited)
    sys.unraisablehook = unraisable
    try:
        yield
        logging.getLogger("asyncio").removeFilter(awaited)
    finally:
        log.removeFilter(own)
        sys.unraisablehook = hook
