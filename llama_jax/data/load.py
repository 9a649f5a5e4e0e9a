"""A task's rows: located in the data folder, checked once, prepared through TFDS, read back."""

import collections
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from llama_jax.data.cache import cache_dir
from llama_jax.data.manifest import (
    MANIFEST,
    KnownSet,
    Located,
    UnknownBytes,
    is_complete,
    known_sets,
    locate,
)
from llama_jax.data.parquet import (
    HUB,
    Hub,
    as_placed_by_the_authors,
    locate_hub,
    official_set,
    read_hub,
)
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
    hub: Hub | None = None,
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
        hub: how parquet files of the Hugging Face hub are read, where the folder holds none of the
            authors' sets.

    Raises:
        InputError: no known file, other bytes, a malformed row, another number of rows.
    """
    located = locate_rows(task, parse, schema, data_dir, role, manifest, hub)
    if hub is None or located.known.kind != HUB:
        folder = prepared_folder(located.known, parse, schema)
        rows = _prepared(located.known, folder, lambda: read_files(located, parse, schema))
        return TaskRows(located.known, rows)
    folder = prepared_folder(located.known, parse, schema, hub)
    rows = _prepared(located.known, folder, lambda: read_hub(located, hub, schema))
    official = official_set(task, hub, role, manifest)
    return TaskRows(located.known, as_placed_by_the_authors(rows, hub, official))


def locate_rows(
    task: str,
    parse: Parser,
    schema: Record,
    data_dir: Path | None,
    role: str = "examples",
    manifest: Path = MANIFEST,
    hub: Hub | None = None,
) -> Located:
    """Finds the files that `load_rows` reads; the authors' go before the hub's."""
    if hub is not None and data_dir is not None:
        authors = [k for k in known_sets(task, role, manifest) if k.kind != "samples"]
        if not any(is_complete(known, Path(data_dir) / task) for known in authors):
            found = locate_hub(task, hub, data_dir, role, manifest)
            if found is not None:
                return found
    try:
        return locate(task, data_dir, role, manifest, "" if hub is None else hub.pattern)
    except UnknownBytes as error:
        # A malformed line, where there is one, says more than a digest.
        if error.has_rows:
            collections.deque(checked_rows(error.path, parse, schema), maxlen=0)
        raise


def prepared_folder(known: KnownSet, parse: Parser, schema: Record, hub: Hub | None = None) -> Path:
    """Returns where the rows of a set, so parsed or converted and so checked, are prepared."""
    reader = parse if hub is None else hub.convert
    checks = f"{reader.__module__}.{reader.__qualname__} {known.split} {schema!r}"
    if hub is not None:
        checks += f" {hub.columns}"
    key = f"{known.sha256}-{hashlib.sha256(checks.encode()).hexdigest()[:8]}"
    return cache_dir() / "benchmarks" / known.task / key


def _prepared(
    known: KnownSet, folder: Path, read: Callable[[], tuple[Row, ...]]
) -> tuple[Row, ...]:
    """The rows that `read` returns: by way of `folder`, which is made where it is absent."""
    if find_spec("tensorflow_datasets") is None:
        return read()
    from llama_jax.data import tfds_builder  # imports TFDS: not before it is needed

    if not folder.is_dir():
        rows = read()
        try:
            tfds_builder.prepare(rows, known.split, folder)
        except OSError as error:
            raise InputError(
                f"{known.task}: cannot prepare its rows in {folder}: {error.strerror or error}; "
                "set LLAMA_JAX_CACHE to a folder that can be written"
            ) from error
    found = tfds_builder.read(folder, known.split, known.rows)
    order = {file.path: place for place, file in enumerate(known.files)}
    return tuple(sorted(found, key=lambda row: (order[row.file], row.index)))


def read_files(located: Located, parse: Parser, schema: Record) -> tuple[Row, ...]:
    """Reads and checks the rows of the authors' files, which must be as many as are listed."""
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
