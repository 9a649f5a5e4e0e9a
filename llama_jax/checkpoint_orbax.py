"""All that is Orbax: the only module that imports it. Trees of arrays and small files, in a step.

Orbax writes a step under a temporary name and renames it when all of it is there, lays arrays out
so that any mesh can read them, and lets the processes of several hosts wait for one another.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from llama_jax import checkpoint_arrays
from llama_jax.checkpoint_arrays import CHUNK_BYTES, is_stacked
from llama_jax.checkpoint_files import BadStep
from llama_jax.weights.tree import flatten, unflatten
from llama_jax.weights.types import StoredParam

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
        items: dict[str, Any] = {
            item: _TreeSave(tree, jax.tree_util.tree_map_with_path(_chunks, tree))
            for item, tree in trees.items()
        }
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
    """Files per chunk, since Orbax's database of all arrays keeps what is encoded to the end.

    By itself Orbax encodes all arrays at once.
    """
    host = _HostArrayHandler()
    registry = ocp.type_handlers.create_type_handler_registry(
        (np.ndarray, host), (StoredParam, host), (jax.Array, ocp.type_handlers.ArrayHandler())
    )
    handlers: dict[str, Any] = {item: _FileHandler() for item in files}
    for item, tree in trees.items():
        largest = max(_bytes(leaf) for leaf in jax.tree.leaves(tree))
        handlers[item] = _TreeHandler(
            save_concurrent_gb=max(SAVED_AT_ONCE, largest + 1) / 1e9,
            type_handler_registry=registry,
            use_ocdbt=False,
        )
    return ocp.CompositeCheckpointHandler(**handlers)


def _bytes(leaf: Any) -> int:
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def _chunks(path, leaf: Any) -> ocp.SaveArgs:
    """How Orbax splits an array of devices: by layers first."""
    layers = is_stacked(jax.tree_util.keystr(path, simple=True, separator="/"))
    return ocp.SaveArgs(
        chunk_byte_size=CHUNK_BYTES, shard_axes=(0,) if layers and leaf.shape else ()
    )


class _TreeHandler(ocp.PyTreeCheckpointHandler):
    """Writes trees of arrays in files of their own."""

    def finalize(self, directory: epath.Path) -> None:
        """Nothing: Orbax would merge databases, and warn that there are none."""


# Orbax wants a pair; reading goes past it.
@ocp.args.register_with_handler(_TreeHandler, for_save=True, for_restore=True)
@dataclasses.dataclass
class _TreeSave(ocp.args.PyTreeSave):
    pass


class _HostArrayHandler(ocp.type_handlers.NumpyHandler):
    """Writes arrays of the host a chunk at a time, and those that are still in another file.

    By itself Orbax copies them first, and holds them all until they are written.
    """

    async def serialize(self, values, infos, args=None) -> list:
        """Writes them in the background, one after the other; the first process does."""
        if jax.process_index() != 0:
            return []
        writing = self._write(values, infos, args)
        return [ocp.future.CommitFutureAwaitingContractedSignals(writing)]

    async def _write(self, values, infos, args) -> None:
        for value, info, arg in zip(values, infos, args, strict=True):
            await info.await_path_creation()
            stacked = bool(arg.shard_axes)
            await checkpoint_arrays.write_array(info.parent_dir / info.name, value, stacked)

    def memory_size(self, values) -> list[tuple[int, int]]:
        """Bytes written and read, for Orbax's log."""
        return [(_bytes(value), _bytes(value)) for value in values]


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
    if splits_layers(directory, item):  # Orbax would hold it twice for a while
        return read_layer(directory, item, path, None)
    args = ocp.args.PyTreeRestore(
        item=unflatten({path: 0}),
        restore_args=unflatten({path: ocp.RestoreArgs(restore_type=np.ndarray)}),
        partial_restore=True,
    )
    with _damage(item):
        return flatten(ocp.PyTreeCheckpointHandler().restore(directory / item, args=args))[path]


def splits_layers(directory: epath.Path, item: str) -> bool:
    """Whether `read_layer` reads this item; steps of older versions have one database of arrays."""
    return not (directory / item / "manifest.ocdbt").exists()


def read_layer(directory: epath.Path, item: str, path: str, layer: int | None) -> np.ndarray:
    """A layer of a stacked array, or an array; BadStep where its files are damaged or gone."""
    with _damage(item):
        return checkpoint_arrays.read_array(directory / item / path.replace("/", "."), layer)


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
