"""Where checkpoints lie: names and steps, no Orbax.

    RUN/checkpoints/STEP/params      arrays, written by Orbax
                        /opt_state   arrays, when training goes on from here
                        /tokenizer   the tokenizer's file, when it was given
                        /metadata    JSON: see `checkpoint_metadata`
                        /digests     JSON: see `checkpoint_digests`

A save that was interrupted leaves STEP.orbax-checkpoint-tmp, which is no step.
"""

import errno
import logging
import os
import time
from collections.abc import Callable
from typing import TypeVar

from etils import epath

from llama_jax.errors import InputError

CHECKPOINTS = "checkpoints"
INTERRUPTED = ".orbax-checkpoint-tmp"
logger = logging.getLogger(__name__)
T = TypeVar("T")
PathLike = str | os.PathLike


class BadStep(Exception):
    """A step that cannot be trusted, and why."""


def steps(path: PathLike) -> list[int]:
    """The finished steps of a run directory, or of its directory of checkpoints, in order."""
    directory = steps_directory(epath.Path(path))
    if not directory.is_dir():
        return []
    names = (entry.name for entry in directory.iterdir() if entry.is_dir())
    return sorted(int(name) for name in names if _is_step_name(name))


def is_checkpoint(path: PathLike) -> bool:
    """Whether `path` is a step, or a directory of steps, or a run directory that has some."""
    return _is_step(epath.Path(path)) or bool(steps(path))


def locate(path: PathLike, step: int | None = None) -> tuple[epath.Path, list[int]]:
    """The directory of steps, and which of them may be read, the preferred first.

    Args:
        path: a run directory, its directory of checkpoints, or one step.
        step: the only one wanted; None for the newest that is good.

    Raises:
        InputError: there is no such step.
    """
    path = epath.Path(path).resolve()
    if _is_step(path):
        if step not in (None, int(path.name)):
            raise InputError(f"{path}: is step {path.name}, asked for step {step}")
        return path.parent, [int(path.name)]
    found = steps(path)
    if not found:
        raise InputError(f"{path}: no finished checkpoint there")
    if step is not None and step not in found:
        raise InputError(f"{path}: no step {step}; there are: {', '.join(map(str, found))}")
    return steps_directory(path), list(reversed(found)) if step is None else [step]


def newest_good(path: PathLike, step: int | None, read: Callable[[epath.Path], T]) -> T:
    """What `read` returns for the directory of the wanted step, or of the newest good one.

    A step for which `read` raises BadStep gives way to the next older one, with a warning, unless
    the step was named.

    Raises:
        InputError: no such step, or none that is good.
    """
    directory, candidates = locate(path, step)
    reasons = []
    for position, candidate in enumerate(candidates, start=1):
        try:
            return read(directory / str(candidate))
        except BadStep as bad:
            reasons.append(f"step {candidate}: {bad}")
            if position < len(candidates):
                older = candidates[position]
                logger.warning("%s: %s; falling back to step %d", directory, reasons[-1], older)
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    raise InputError(f"{directory}: no good checkpoint: {'; '.join(reasons[:3])}{more}")


def steps_to_delete(found: list[int], step: int, keep: int, best: int | None = None) -> list[int]:
    """The steps before `step` that are not among the `keep` newest up to it, nor the best.

    Newer ones are left alone: they are of a run that this one goes back behind, and count for
    nothing.

    >>> steps_to_delete([10, 20, 30, 40, 90], 40, keep=2)
    [10, 20]
    >>> steps_to_delete([10, 20, 30, 40, 90], 40, keep=2, best=10)
    [20]
    """
    older = [other for other in found if other < step]
    return [other for other in older[: max(0, len(older) - (keep - 1))] if other != best]


def remove_interrupted(directory: epath.Path) -> None:
    """Deletes what interrupted saves left in a directory of steps.

    After a save that failed, files of it may still arrive in the background: what is not empty yet
    is tried again for a while.

    Raises:
        OSError: something cannot be deleted.
    """
    if not directory.is_dir():
        return
    for entry in directory.iterdir():
        if INTERRUPTED in entry.name:
            _remove(entry)


def _remove(entry: epath.Path, tries: int = 50, pause_seconds: float = 0.1) -> None:
    for left in reversed(range(tries)):
        try:
            entry.rmtree()
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or left == 0:
                raise
            time.sleep(pause_seconds)


def steps_directory(path: epath.Path) -> epath.Path:
    """The directory of steps of a run, which may be `path` itself."""
    return path / CHECKPOINTS if (path / CHECKPOINTS).is_dir() else path


def _is_step_name(name: str) -> bool:
    return name.isascii() and name.isdecimal() and name == str(int(name))


def _is_step(path: epath.Path) -> bool:
    return _is_step_name(path.name) and (path / "params").is_dir() and (path / "metadata").is_dir()
