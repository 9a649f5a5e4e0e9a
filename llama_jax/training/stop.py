"""A request to stop, as SLURM and cloud machines send it before they take the machine away."""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

import jax


class StopRequest:
    """While it is entered, SIGTERM asks for an end after the running step instead of ending.

    With several processes, the signal to any of them stops all, at the same step: JAX's own
    preemption service agrees on it (and it handles the signal).
    """

    def __init__(self):
        self._asked = False
        self._before: Any = None
        self._installed = False

    def __enter__(self) -> "StopRequest":
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and jax.process_count() == 1:
            self._before = signal.signal(signal.SIGTERM, self._ask)
            self._installed = True
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGTERM, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def asked(self, step: int) -> bool:
        """Whether to stop after step `step`; every process asks once per step."""
        if jax.process_count() > 1:
            from jax.experimental import multihost_utils

            return multihost_utils.reached_preemption_sync_point(step)
        return self._asked


def say_if_stopped(stopped_at: int | None) -> bool:
    """Whether SIGTERM ended a run; if so, a line on stderr says what to do."""
    if stopped_at is not None:
        print(f"stopped after step {stopped_at}, saved; the same command goes on", file=sys.stderr)
    return stopped_at is not None


def leave_if_stopped(stopped_at: int | None) -> None:
    """Ends a program whose run SIGTERM ended, with a line on stderr and status 0.

    For programs that go on with a trained model: this one is not.
    """
    if say_if_stopped(stopped_at):
        raise SystemExit(0)
