"""All that is Orbax: the only module that imports it. Trees of arrays and small files, in a step.

Orbax writes a step under a temporary name and renames it when all of it is there, lays arrays out
so that any mesh can read them, and lets the processes of several hosts wait for one another.
"""

import contextlib
import dataclasses
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from llama_jax.checkpoint_files import BadStep
from llama_jax.weights.tree import flatten, unflatten

# What Orbax and TensorStore raise for files that are missing, cut or altered: found by doing that
# to every file of a checkpoint, at random places.
DAMAGE = (ValueError, OSError, LookupError, NotImplementedError)
# A save that takes longer than this has failed.
TIMEOUT_SECONDS = 3600
# Bytes of arrays that are encoded at a time.
SAVED_AT_ONCE = 256 * 2**20


@dataclasses.dataclass(frozen=True)
class SmallFile:
    """A file of a step.

    Attributes:
        name: inside its item.
        content: called in the background, once.
        every_process: each process writes one of its own; otherwise the first writes it.
    """

    name: str
    content: Callable[[], bytes]
    every_process: bool = False


class Writer:
    """Writes one step at a time in the background."""

    def __init__(self):
        self._orbax: ocp.AsyncCheckpointer | None = None

    def start(
        self,
        target: epath.Path,
        trees: Mapping[str, Any],
        files: Mapping[str, SmallFile],
        replace: bool,
    ) -> None:
        """Copies what devices hold to the host and begins to write; every process calls it.

        NumPy arrays are written from where they lie: they must not change before `wait` returns.
        """
        if self._orbax is None:
            self._orbax = ocp.AsyncCheckpointer(
                _handler(trees, files),
                async_options=ocp.options.AsyncOptions(timeout_secs=TIMEOUT_SECONDS),
            )
        items: dict[str, Any] = {item: ocp.args.PyTreeSave(tree) for item, tree in trees.items()}
        items |= {item: _FileSave(file) for item, file in files.items()}
        self._orbax.save(target, ocp.args.Composite(**items), force=replace)

    def wait(self) -> None:
        """Until what was begun is complete; raises what went wrong."""
        if self._orbax is not None:
            self._orbax.wait_until_finished()

    def close(self) -> None:
        """Frees the threads."""
        if self._orbax is not None:
            self._orbax.close()


def _handler(trees: Mapping[str, Any], files: Mapping[str, SmallFile]):
    """By itself Orbax copies arrays of the host first, and encodes all arrays at once.

    With them that is almost three times what is saved. What is encoded stays until the commit, so
    twice is left.
    """
    registry = ocp.type_handlers.create_type_handler_registry(
        (np.ndarray, ocp.type_handlers.NumpyHandler(deepcopy_host_arrays=False)),
        (jax.Array, ocp.type_handlers.ArrayHandler()),
    )
    handlers: dict[str, Any] = {item: _FileHandler() for item in files}
    for item, tree in trees.items():
        largest = max(leaf.nbytes for leaf in jax.tree.leaves(tree))
        handlers[item] = ocp.PyTreeCheckpointHandler(
            save_concurrent_gb=max(SAVED_AT_ONCE, largest + 1) / 1e9,
            type_handler_registry=registry,
        )
    return ocp.CompositeCheckpointHandler(**handlers)


def read_arrays(directory: epath.Path, item: str) -> dict[str, np.ndarray]:
    """Path -> array of one item, on the host; BadStep where the files are damaged."""
    with _damage(item):
        handler = ocp.PyTreeCheckpointHandler()
        stored = handler.metadata(directory / item).tree
        as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), stored)
        args = ocp.args.PyTreeRestore(restore_args=as_numpy)
        return flatten(handler.restore(directory / item, args=args))


def read_array(directory: epath.Path, item: str, path: str) -> np.ndarray:
    """One array of an item, on the host; BadStep where the files are damaged or it is not there."""
    args = ocp.args.PyTreeRestore(
        item=unflatten({path: 0}),
        restore_args=unflatten({path: ocp.RestoreArgs(restore_type=np.ndarray)}),
        partial_restore=True,
    )
    with _damage(item):
        return flatten(ocp.PyTreeCheckpointHandler().restore(directory / item, args=args))[path]


def read_files(directory: epath.Path, item: str) -> dict[str, bytes]:
    """Name -> content of the small files of one item; BadStep where there are none."""
    with _damage(item):
        return {path.name: path.read_bytes() for path in sorted((directory / item).iterdir())}


@contextlib.contextmanager
def _damage(item: str) -> Iterator[None]:
    """Turns what damaged files make Orbax raise into BadStep, and nothing else."""
    try:
        yield
    except DAMAGE as error:
        raise BadStep(f"{item}: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """What an error of Orbax says, without TensorStore's settings."""
    message = str(error).split(" [tensorstore_spec")[0]
    return " ".join(message.split()) or type(error).__name__


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

    log.addFilter(own)
    sys.unraisablehook = unraisable
    try:
        yield
    finally:
        log.removeFilter(own)
        sys.unraisablehook = hook


class _FileHandler(ocp.AsyncCheckpointHandler):
    """Keeps one small file per item, or one of each process."""

    async def async_save(self, directory: epath.Path, args: "_FileSave") -> list:
        """Writes it in the background, as soon as Orbax has made the folder."""
        if jax.process_index() != 0 and not args.file.every_process:
            return []
        writing = self._write(directory / args.file.name, args.file.content)
        return [ocp.future.CommitFutureAwaitingContractedSignals(writing)]

    async def _write(self, path: epath.Path, content: Callable[[], bytes]) -> None:
        path.write_bytes(content())

    def save(self, directory: epath.Path, args: "_FileSave") -> None:
        """Writes it."""
        (directory / args.file.name).write_bytes(args.file.content())

    def restore(self, directory: epath.Path, args: Any = None) -> Any:
        """Is `read_files`."""
        return read_files(directory.parent, directory.name)


# Orbax wants a pair; reading goes past it.
@ocp.args.register_with_handler(_FileHandler, for_save=True, for_restore=True)
@dataclasses.dataclass
class _FileSave(ocp.args.CheckpointArgs):
    file: SmallFile
