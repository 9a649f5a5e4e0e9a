"""Saving in the background: training goes on while a step is hashed, written and read back."""

import dataclasses
import errno
import functools
import hashlib
import json
import operator
import threading
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath

from llama_jax import checkpoint_digests as digests
from llama_jax import checkpoint_files as files
from llama_jax import checkpoint_metadata as described
from llama_jax import checkpoint_read as read
from llama_jax.checkpoint_files import BadStep, PathLike
from llama_jax.checkpoint_metadata import FileRecord, Metadata
from llama_jax.checkpoint_orbax import SmallFile, Writer, one_line
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.weights.tree import flatten
from llama_jax.weights.types import StoredParam


class SaveError(OSError):
    """A step could not be saved; the message names step and path. Older steps are intact."""

    def __init__(self, message: str):
        super().__init__(errno.EIO, message)


@dataclasses.dataclass
class Saver:
    """Saves steps of one run, one at a time; every process of the run has one.

    What goes wrong in the background is raised as SaveError by the next `check`, `save` or `wait`.

    Attributes:
        run: directory of the run; made with the first step.
        config: of the model.
        tokenizer_bytes: content of the tokenizer's file, kept inside each step.
        tokenizer_name: name of that file.
        keep: keep this many of the newest steps up to the one saved, and the one with the lowest
            `metrics["validation_loss"]`; the others are deleted after the new one was read back and
            found good. None keeps all. Newer steps are left alone.
    """

    run: PathLike
    config: LlamaConfig
    tokenizer_bytes: bytes | None = None
    tokenizer_name: str = "tokenizer.model"
    keep: int | None = None

    def __post_init__(self) -> None:
        if self.keep is not None and self.keep < 1:
            raise InputError(f"checkpoint: keep {self.keep} must be 1 or more")
        self._directory = epath.Path(self.run).resolve() / files.CHECKPOINTS
        self._writer: Writer | None = None
        self._thread: threading.Thread | None = None
        self._error: SaveError | None = None

    def __enter__(self) -> "Saver":
        return self

    def __exit__(self, kind: type | None, *_: Any) -> None:
        try:
            if kind is None:
                self.wait()
            elif self._thread is not None:
                self._thread.join()  # the step that was begun is worth having all the same
        finally:
            if self._writer is not None:
                self._writer.close()

    def save(
        self,
        step: int,
        params: Any,
        opt_state: Any = None,
        *,
        extra: Any = None,
        metrics: Mapping[str, float] | None = None,
        replace: bool = False,
    ) -> epath.Path:
        """Begins to write RUN/checkpoints/STEP, whole or not at all, and returns that path.

        Returns when the arrays have been copied; a step still being written is waited for first.
        See `checkpoint.save` for the arguments.
        """
        step = operator.index(step)
        if step < 0:
            raise InputError(f"checkpoint: step {step} must be 0 or more")
        described.check_params(f"step {step}", self.config, flatten(params))
        target = self._directory / str(step)
        if target.exists() and not replace:
            raise InputError(f"{target}: exists; save to another directory, or replace it")
        trees = {"params": params, "opt_state": opt_state}
        trees = {
            item: jax.tree.map(_own_copy, tree) for item, tree in trees.items() if flatten(tree)
        }
        tokenizer = self.tokenizer_bytes and FileRecord(
            self.tokenizer_name, hashlib.sha256(self.tokenizer_bytes).hexdigest()
        )
        metadata = Metadata(
            *(step, self.config, described.record(trees), tokenizer, extra, target),
            metrics=dict(metrics or {}),
        )
        encoded = json.dumps(described.encode_metadata(metadata)).encode()
        self.wait()
        try:
            self._start(metadata, trees, encoded, replace)
        except OSError as error:
            raise self._failed(metadata, error) from error
        self._thread = threading.Thread(target=self._finish, args=(metadata,), name="checkpoint")
        self._thread.start()
        return target

    def check(self) -> None:
        """Raises what went wrong in the background so far; waits for nothing."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def wait(self) -> None:
        """Until the step that was begun is there, and older ones are deleted; raises as `check`."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.check()

    def _start(self, metadata: Metadata, trees: dict, encoded: bytes, replace: bool) -> None:
        if jax.process_index() == 0:
            files.remove_interrupted(self._directory)
        leaves = {
            f"{item}/{path}": a for item, t in trees.items() for path, a in flatten(t).items()
        }
        content = functools.partial(digests.encode, digests.host_parts(leaves))
        own_name = digests.file_name(jax.process_index(), jax.process_count())
        small = {
            "digests": SmallFile(own_name, content, every_process=True),
            "metadata": SmallFile("metadata", lambda: encoded),
        }
        if metadata.tokenizer is not None:
            small["tokenizer"] = SmallFile(self.tokenizer_name, lambda: self.tokenizer_bytes)
        self._writer = self._writer or Writer()
        self._writer.start(metadata.directory, trees, small, replace)

    def _finish(self, metadata: Metadata) -> None:
        """In the background: waits for the writing, then deletes what need not be kept."""
        try:
            self._writer.wait()
            if self.keep is not None and jax.process_index() == 0:
                delete_old(metadata, self.keep)
        except Exception as error:
            self._error = self._failed(metadata, error)
            self._error.__cause__ = error

    def _failed(self, metadata: Metadata, error: Exception) -> SaveError:
        there = [step for step in files.steps(self._directory) if step != metadata.step]
        older = f"the newest step there is {there[-1]}" if there else "there is no older step"
        return SaveError(
            f"step {metadata.step} could not be saved to {metadata.directory}: {one_line(error)}; "
            f"{older}"
        )


def delete_old(metadata: Metadata, keep: int) -> None:
    """Deletes all but the `keep` newest steps up to this one and the best, if this one is good."""
    directory = metadata.directory.parent
    found = files.steps(directory)
    best = read.best_step(directory)
    doomed = files.steps_to_delete(found, metadata.step, keep, best)
    if not doomed:
        return
    try:
        read.verify(metadata.directory)
    except BadStep as bad:
        raise OSError(f"reads back wrong ({bad}); older steps were kept") from bad
    for step in doomed:
        (directory / str(step)).rmtree()


def _own_copy(leaf: Any) -> Any:
    """An array that nobody changes while it is written.

    The next training step is given the memory of the state. Copying to the host protects against
    that, except on a CPU, whose memory is the host's.
    """
    if isinstance(leaf, StoredParam):
        return leaf
    if not isinstance(leaf, jax.Array):
        return np.asarray(leaf)
    on_cpu = next(iter(leaf.sharding.device_set)).platform == "cpu"
    return jnp.copy(leaf) if on_cpu else leaf
