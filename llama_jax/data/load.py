"""A task's rows: located in the data folder, checked once, prepared through TFDS, read back."""

import collections
import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from llama_jax.data.cache import cache_dir
from llama_jax.data.manifest import MANIFEST, KnownSet, Located, UnknownBytes, locate
from llama_jax.data.rows import Parser, Row, checked_rows
from llama_jax.data.schema import Record
from llama_jax.errors import InputError


@dataclass(frozen=True)
class TaskRows:
    """The rows of one known set of files, in the order of the files and of the rows in them."""

    known: KnownSet
    rows: tuple[Row, ...]


def load_rows(
    task: str,
    parse: Parser,
    schema: Record,
    data_dir: Path | None,
    role: str = "examples",
    manifest: Path = MANIFEST,
) -> TaskRows:
    """Returns the rows of the best known set of files that the data folder holds.

    The first time, the files are parsed, checked row by row against the schema and prepared below
    `cache_dir()`; later the prepared rows are read. The prepared folder's name carries the digests
    of the files and of what was checked, so another file, parser or schema prepares anew. Where
    TFDS is not installed the files are read directly, which gives the same rows.

    Args:
        task: name of the task.
        parse: reads one raw file.
        schema: what every row must look like.
        data_dir: the folder of task folders; None for the samples inside the package.
        role: "examples" or "shots".
        manifest: the list of known files.

    Raises:
        InputError: no known file, other bytes, a malformed row, another number of rows.
    """
    try:
        located = locate(task, data_dir, role, manifest)
    except UnknownBytes as error:
        # A malformed line, where there is one, says more than a digest.
        collections.deque(checked_rows(error.path, parse, schema), maxlen=0)
        raise
    if find_spec("tensorflow_datasets") is None:
        return TaskRows(located.known, _read_files(located, parse, schema))
    from llama_jax.data import tfds_builder  # imports TFDS: not before it is needed

    folder = prepared_folder(located.known, parse, schema)
    if not folder.is_dir():
        rows = _read_files(located, parse, schema)
        try:
            tfds_builder.prepare(rows, located.known.split, folder)
        except OSError as error:
            raise InputError(
                f"{task}: cannot prepare its rows in {folder}: {error.strerror or error}; set "
                "LLAMA_JAX_CACHE to a folder that can be written"
            ) from error
    found = tfds_builder.read(folder, located.known.split, located.known.rows)
    order = {file.path: place for place, file in enumerate(located.known.files)}
    return TaskRows(
        located.known, tuple(sorted(found, key=lambda row: (order[row.file], row.index)))
    )


def prepared_folder(known: KnownSet, parse: Parser, schema: Record) -> Path:
    """Returns where the rows of a set, so parsed and so checked, are prepared."""
    checks = f"{parse.__module__}.{parse.__qualname__} {schema!r}"
    key = f"{known.sha256}-{hashlib.sha256(checks.encode()).hexdigest()[:8]}"
    return cache_dir() / "benchmarks" / known.task / key


def _read_files(located: Located, parse: Parser, schema: Record) -> tuple[Row, ...]:
    rows: list[Row] = []
    for path, file in zip(located.paths, located.known.files, strict=True):
        found = [
            Row(file.path, index, fields)
            for index, fields in enumerate(checked_rows(path, parse, schema))
        ]
        if len(found) != file.rows:
            raise InputError(
                f"{located.known.task}: {path} has {len(found)} rows, the manifest lists "
                f"{file.rows} for these bytes; report it: the manifest or the reader is wrong"
            )
        rows += found
    return tuple(rows)
