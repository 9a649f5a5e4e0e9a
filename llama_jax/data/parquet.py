"""The Hugging Face hub's parquet files in place of the authors': other bytes, the same rows.

The hub converts a benchmark's files and does so anew from time to time, so that their bytes are in
no manifest. What is checked instead: the columns, the number of rows (that of the official files)
and, once converted, every row against the schema of the authors' rows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_jax.data.manifest import MANIFEST, KnownFile, KnownSet, Located, known_sets
from llama_jax.data.rows import Row, file_sha256
from llama_jax.data.schema import Record, problem
from llama_jax.errors import InputError

HUB = "hub"  # the kind of these sets


@dataclass(frozen=True)
class Hub:
    """How the hub's parquet files become the rows of the authors' files.

    Attributes:
        pattern: glob of the files inside the task's folder, such as "data/validation-*.parquet".
        split: the manifest's name of the split that they hold.
        columns: the columns that must be there; only these are read.
        convert: a row of these columns to the row as the authors' file has it. A value that it does
            not know must stay wrong or raise: the schema refuses what a default would hide.
        file: for a split of several files, a converted row to the authors' file it belongs to;
            None where the split is one file.
    """

    pattern: str
    split: str
    columns: tuple[str, ...]
    convert: Callable[[dict[str, Any]], dict[str, Any]]
    file: Callable[[dict[str, Any]], str] | None = None


def hub_files(hub: Hub, folder: Path) -> tuple[Path, ...]:
    """Returns the files of a task's folder that match the pattern, sorted by name."""
    return tuple(sorted(path for path in folder.glob(hub.pattern) if path.is_file()))


def locate_hub(
    task: str, hub: Hub, data_dir: Path, role: str = "examples", manifest: Path = MANIFEST
) -> Located | None:
    """Returns the hub's files of a task as a set of the kind "hub"; None where there are none.

    Raises:
        InputError: a file is no parquet file or lacks a column, or the files' rows are not as many
            as the official ones.
    """
    folder = Path(data_dir) / task
    paths = hub_files(hub, folder)
    if not paths:
        return None
    official = official_set(task, hub, role, manifest)
    files = tuple(
        KnownFile(path.relative_to(folder).as_posix(), file_sha256(path), _row_count(path, hub))
        for path in paths
    )
    known = KnownSet(
        task=task,
        kind=HUB,
        role=role,
        split=official.split,
        official_rows=official.rows,
        licence=official.licence,
        source=f"{hub.pattern} of the Hugging Face hub",
        files=files,
    )
    if known.rows != official.rows:
        raise InputError(
            f"{task}: {folder}/{hub.pattern} has {known.rows} rows in {len(files)} file(s), the "
            f"official {official.split} split {official.rows}; put all of that split's files "
            "there, and none of another"
        )
    return Located(known, folder)


def official_set(task: str, hub: Hub, role: str, manifest: Path) -> KnownSet:
    """Returns the official set of the manifest that the hub's files stand for."""
    for known in known_sets(task, role, manifest):
        if known.kind == "official" and known.split == hub.split:
            return known
    raise ValueError(f"{task}: the manifest lists no official {role} of the split {hub.split!r}")


def read_hub(located: Located, hub: Hub, schema: Record) -> tuple[Row, ...]:
    """Reads, converts and checks the rows, in the order of the files and of the rows in them."""
    rows: list[Row] = []
    for path, file in zip(located.paths, located.known.files, strict=True):
        for index, fields in enumerate(_file_rows(path, hub)):
            try:
                row = hub.convert(fields)
                found = problem(schema, row)
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                found = f"the row of the hub cannot be converted: {error!r}"
            if found:
                raise InputError(f"{path}: row {index + 1}: {found}")
            rows.append(Row(file.path, index, row))
    return tuple(rows)


def as_placed_by_the_authors(rows: Iterable[Row], hub: Hub, official: KnownSet) -> tuple[Row, ...]:
    """Gives each row the file of the authors and its place there, as its example's id needs it."""
    if hub.file is None and len(official.files) > 1:
        raise ValueError(f"{official.task}: {official} has several files; its Hub must name them")
    counts: Counter[str] = Counter()
    placed = []
    for row in rows:
        name = official.files[0].path if hub.file is None else hub.file(row.fields)
        placed.append(Row(name, counts[name], row.fields))
        counts[name] += 1
    if counts != (expected := {file.path: file.rows for file in official.files}):
        name = next(n for n in (*counts, *expected) if counts[n] != expected.get(n, 0))
        raise InputError(
            f"{official.task}: the hub's files have {counts[name]} rows of {name}, the official "
            f"file {expected.get(name, 0)}; download them again"
        )
    order = {name: place for place, name in enumerate(expected)}
    return tuple(sorted(placed, key=lambda row: (order[row.file], row.index)))


def _row_count(path: Path, hub: Hub) -> int:
    with _opened(path) as file:
        names = file.schema_arrow.names
        if missing := [name for name in hub.columns if name not in names]:
            raise InputError(
                f"{path}: no column {', '.join(missing)}; it has {', '.join(names)}; put the hub's "
                "unchanged file there"
            )
        return file.metadata.num_rows


def _file_rows(path: Path, hub: Hub) -> Iterator[dict[str, Any]]:
    with _opened(path) as file:
        for batch in file.iter_batches(columns=list(hub.columns)):
            yield from batch.to_pylist()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(f"{path}: pyarrow reads it and is missing; pip install pyarrow") from None
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except InputError:
        raise
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a whole parquet file: {reason}; download it again") from None
