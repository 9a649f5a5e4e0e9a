"""Our checkpoints: parameters, optimizer state and metadata of a step, each array with a digest.

The only module that imports Orbax. Orbax writes a step under a temporary name and renames it when
it is complete, and lays arrays out so that any other mesh can read them; it has no checksum of
array data and casts dtypes silently, so every array is compared with the digest, the shape and the
dtype that the metadata recorded. A step that cannot be trusted is passed over for the newest older
one that can, and a warning says so. See `checkpoint_files` for the layout on disk and
`checkpoint_metadata` for what is recorded.
"""

import contextlib
import dataclasses
import hashlib
import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from llama_jax import checkpoint_files as files
from llama_jax import checkpoint_metadata as described
from llama_jax.checkpoint_files import BadStep, PathLike, newest_good, steps
from llama_jax.checkpoint_metadata import FileRecord, Metadata
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.weights.checks import listed
from llama_jax.weights.tree import flatten, unflatten

SAVED_AT_ONCE = 256 * 2**20  # bytes
# What Orbax and TensorStore raise for files that are missing, cut or altered: found by doing that
# to every file of a checkpoint, at random places.
DAMAGE = (ValueError, OSError, LookupError, NotImplementedError)


class RestoredParams(NamedTuple):
    """Parameters as NumPy arrays on the host."""

    config: LlamaConfig
    params: dict
    metadata: Metadata


class RestoredState(NamedTuple):
    """What training goes on from; arrays lie where the abstract trees asked for them."""

    params: Any
    opt_state: Any
    metadata: Metadata


def save(
    run: PathLike,
    step: int,
    params: Any,
    config: LlamaConfig,
    *,
    opt_state: Any = None,
    tokenizer_bytes: bytes | None = None,
    tokenizer_name: str = "tokenizer.model",
    extra: Any = None,
    keep: int | None = None,
    replace: bool = False,
) -> epath.Path:
    """Writes RUN/checkpoints/STEP, whole or not at all, and returns that path.

    Left-overs of interrupted saves are removed: one process tree at a time may write to a run.

    Args:
        run: directory of the run; made if absent.
        step: training steps done; 0 for converted weights.
        params: the tree of `abstract_params(config)`, NumPy or JAX arrays.
        config: of the model.
        opt_state: any pytree of arrays; None saves parameters alone.
        tokenizer_bytes: content of the tokenizer's file, kept inside the step.
        tokenizer_name: name of that file.
        extra: anything that JSON can hold: state of the data, seed, metrics.
        keep: keep this many of the newest steps up to this one and delete the older ones, after
            this one was read back and found good; None keeps all. Newer steps are left alone.
        replace: overwrite the step if it exists.

    Raises:
        InputError: params do not fit config, the step exists, or extra is not JSON.
    """
    step = operator.index(step)
    if step < 0 or (keep is not None and keep < 1):
        raise InputError(f"checkpoint: step {step} must be 0 or more, keep {keep} 1 or more")
    described.check_params(f"step {step}", config, flatten(params))
    target = epath.Path(run).resolve() / files.CHECKPOINTS / str(step)
    if target.exists() and not replace:
        raise InputError(f"{target}: exists; save to another directory, or replace it")
    trees = {"params": params, "opt_state": opt_state}
    trees = {item: jax.tree.map(_as_array, tree) for item, tree in trees.items() if flatten(tree)}
    tokenizer = None
    items: dict[str, Any] = {item: ocp.args.PyTreeSave(tree) for item, tree in trees.items()}
    if tokenizer_bytes is not None:
        tokenizer = FileRecord(tokenizer_name, hashlib.sha256(tokenizer_bytes).hexdigest())
        items["tokenizer"] = _FileSave(tokenizer_name, tokenizer_bytes)
    metadata = Metadata(step, config, described.record(trees), tokenizer, extra, target)
    items["metadata"] = ocp.args.JsonSave(described.encode_metadata(metadata))
    files.remove_interrupted(target.parent)
    with _saver(trees) as checkpointer:
        checkpointer.save(target, ocp.args.Composite(**items), force=replace)
    if keep is not None:
        _delete_old(metadata, keep)
    return target


def restore_params(path: PathLike, step: int | None = None) -> RestoredParams:
    """Configuration, parameters and metadata of a checkpoint; optimizer state is not read.

    Args:
        path: a run directory, its directory of checkpoints, or one step.
        step: which step; None for the newest that is good. A step named by either is read or
            refused; otherwise a damaged one gives way to the next older, with a warning.

    Raises:
        InputError: no such step, or none that is good.
    """

    def read(directory: epath.Path) -> RestoredParams:
        metadata = _read_metadata(directory)
        params = unflatten(_read_arrays(metadata, "params"))
        return RestoredParams(metadata.config, params, metadata)

    return newest_good(path, step, read)


def open_params(directory: epath.Path) -> tuple[Metadata, Callable[[str], np.ndarray]]:
    """The metadata of one step, and a function that reads one of its parameters.

    That returns a NumPy array, compared with its digest. Both raise BadStep where the step is
    damaged.
    """
    metadata = _read_metadata(directory)
    return metadata, lambda path: _read_param(metadata, path)


def restore_state(
    path: PathLike,
    config: LlamaConfig,
    params: Any,
    opt_state: Any,
    step: int | None = None,
) -> RestoredState:
    """Parameters and optimizer state to go on training from, in the structure of abstract trees.

    Args:
        path: as in `restore_params`.
        config: must be the checkpoint's.
        params: tree of `jax.ShapeDtypeStruct`; a leaf with a sharding is restored onto it, one
            without onto the default device. The mesh may differ from the one that saved.
        opt_state: likewise, e.g. `jax.eval_shape(optimizer.init, params)`.
        step: as in `restore_params`.

    Raises:
        InputError: no such step, none that is good, or config, names, shapes or dtypes differ.
    """
    trees = {"params": params, "opt_state": opt_state}

    def read(directory: epath.Path) -> RestoredState:
        metadata = _read_metadata(directory)
        described.check_config(metadata, config)
        for item, tree in trees.items():
            described.check_tree(metadata, item, tree)
        # Both are verified before either takes memory on a device.
        arrays = {item: _read_arrays(metadata, item) for item in trees}
        placed = {item: _place(arrays[item], tree) for item, tree in trees.items()}
        return RestoredState(**placed, metadata=metadata)

    return newest_good(path, step, read)


def latest_good_step(path: PathLike) -> int | None:
    """The newest step of which every array agrees with its digest; None where there are no steps.

    Reads all of it. Raises InputError when there are steps and none is good.
    """
    if not steps(path):
        return None
    return newest_good(path, None, _verify).step


def _read_metadata(directory: epath.Path) -> Metadata:
    encoded = _read(directory, "metadata", ocp.args.JsonRestore())
    metadata = described.decode_metadata(encoded, directory)
    described.check_params(str(directory), metadata.config, metadata.arrays_of("params"))
    if metadata.tokenizer is not None:
        data = _read(directory, "tokenizer", _FileRestore(metadata.tokenizer.name))
        if hashlib.sha256(data).hexdigest() != metadata.tokenizer.sha256:
            raise BadStep(f"tokenizer/{metadata.tokenizer.name} does not match its digest")
    return metadata


def _read_arrays(metadata: Metadata, item: str) -> dict[str, np.ndarray]:
    """Path -> array of one item, on the host, each compared with its digest."""
    if not metadata.arrays_of(item):
        return {}
    with _damage(item):
        stored = ocp.PyTreeCheckpointHandler().metadata(metadata.directory / item).tree
    as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), stored)
    args = ocp.args.PyTreeRestore(restore_args=as_numpy)
    arrays = flatten(_read(metadata.directory, item, args))
    damaged = described.damaged_arrays(metadata, item, arrays)
    if damaged:
        raise BadStep(f"{listed(damaged)} does not match its digest")
    return arrays


def _read_param(metadata: Metadata, path: str) -> np.ndarray:
    args = ocp.args.PyTreeRestore(
        item=unflatten({path: 0}),
        restore_args=unflatten({path: ocp.RestoreArgs(restore_type=np.ndarray)}),
        partial_restore=True,
    )
    array = flatten(_read(metadata.directory, "params", args)).get(path)
    saved = metadata.arrays_of("params")[path]
    if array is None or described.record({"params": {path: array}})[f"params/{path}"] != saved:
        raise BadStep(f"params/{path} does not match its digest")
    return array


def _place(arrays: dict[str, np.ndarray], target: Any) -> Any:
    """Moves arrays onto the shardings of an abstract tree, emptying `arrays` on the way."""

    def place(path, leaf) -> jax.Array:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        return jax.device_put(arrays.pop(name), getattr(leaf, "sharding", None))

    return jax.tree_util.tree_map_with_path(place, target)


def _verify(directory: epath.Path) -> Metadata:
    metadata = _read_metadata(directory)
    for item in ("params", "opt_state"):
        _read_arrays(metadata, item)
    return metadata


def _read(directory: epath.Path, item: str, args: ocp.args.CheckpointArgs) -> Any:
    with _damage(item), _orbax() as checkpointer:
        return checkpointer.restore(directory, ocp.args.Composite(**{item: args}))[item]


@contextlib.contextmanager
def _damage(item: str) -> Iterator[None]:
    """Turns what damaged files make Orbax raise into BadStep, and nothing else."""
    try:
        yield
    except DAMAGE as error:
        message = str(error).split(" [tensorstore_spec")[0]  # without TensorStore's settings
        reason = " ".join(message.split()) or type(error).__name__
        raise BadStep(f"{item}: {reason}") from error


def _orbax() -> ocp.Checkpointer:
    """The seam for saving in the background: an AsyncCheckpointer takes the same arguments."""
    return ocp.Checkpointer(ocp.CompositeCheckpointHandler())


def _saver(trees: dict[str, Any]) -> ocp.Checkpointer:
    """Arrays of the host are written from where they lie, and few at a time.

    By itself Orbax copies them first, for saving in the background, and encodes all of them at
    once: with them that is almost three times what is saved. What is encoded stays in memory until
    the commit.
    """
    numpy = ocp.type_handlers.NumpyHandler(deepcopy_host_arrays=False)
    registry = ocp.type_handlers.create_type_handler_registry(
        (np.ndarray, numpy), (jax.Array, ocp.type_handlers.ArrayHandler())
    )
    handlers: dict[str, Any] = {
        "metadata": ocp.JsonCheckpointHandler(),
        "tokenizer": _FileHandler(),
    }
    for item, tree in trees.items():
        largest = max(leaf.nbytes for leaf in jax.tree.leaves(tree))
        gigabytes = max(SAVED_AT_ONCE, largest + 1) / 1e9
        handlers[item] = ocp.PyTreeCheckpointHandler(
            save_concurrent_gb=gigabytes, type_handler_registry=registry
        )
    return ocp.Checkpointer(ocp.CompositeCheckpointHandler(**handlers))


def _as_array(leaf: Any) -> Any:
    return leaf if isinstance(leaf, jax.Array) else np.asarray(leaf)


def _delete_old(metadata: Metadata, keep: int) -> None:
    """Deletes all but the `keep` newest steps up to this one, once this one is known to be good."""
    directory = metadata.directory.parent
    doomed = files.steps_to_delete(steps(directory), metadata.step, keep)
    if not doomed:
        return
    try:
        _verify(metadata.directory)
    except BadStep as bad:
        message = f"{metadata.directory}: reads back wrong ({bad}); older steps were kept"
        raise OSError(message) from bad
    for step in doomed:
        (directory / str(step)).rmtree()


class _FileHandler(ocp.CheckpointHandler):
    """Keeps one small file inside a step, under its own name."""

    def save(self, directory: epath.Path, args: "_FileSave") -> None:
        """Writes it."""
        (directory / args.name).write_bytes(args.data)

    def restore(self, directory: epath.Path, args: "_FileRestore") -> bytes:
        """Reads it."""
        return (directory / args.name).read_bytes()


@ocp.args.register_with_handler(_FileHandler, for_save=True)
@dataclasses.dataclass
class _FileSave(ocp.args.CheckpointArgs):
    name: str
    data: bytes


@ocp.args.register_with_handler(_FileHandler, for_restore=True)
@dataclasses.dataclass
class _FileRestore(ocp.args.CheckpointArgs):
    name: str
