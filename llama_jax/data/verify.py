"""What a data folder holds of the manifest, set by set, with everything that is wrong with it."""

import collections
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llama_jax.data.load import read_files
from llama_jax.data.manifest import (
    MANIFEST,
    SAMPLES,
    KnownSet,
    Located,
    UnknownBytes,
    by_bytes,
    is_complete,
    known_sets,
    task_roles,
    verify_file,
)
from llama_jax.data.parquet import HUB, Hub, hub_files, locate_hub, read_hub
from llama_jax.data.rows import Parser, checked_rows
from llama_jax.data.schema import Record
from llama_jax.errors import InputError


@dataclass(frozen=True)
class Verdict:
    """What was found of one set of files.

    Attributes:
        task: name of the task.
        role: "examples" or "shots"; empty for files that belong to no set.
        kind: of the set; "unlisted" for files that belong to none.
        files: their paths inside the task's folder.
        status: "verified", "bad", "incomplete", "absent" or "unlisted".
        checked: what was compared, in words.
        problem: what is wrong, one line; empty where nothing is.
    """

    task: str
    role: str
    kind: str
    files: tuple[str, ...]
    status: str
    checked: str = ""
    problem: str = ""


def shortened(paths: Sequence[str]) -> str:
    """Names two files and counts the others."""
    return ", ".join(paths[:2]) + (f" and {len(paths) - 2} more" if len(paths) > 2 else "")


def verifiable(
    task: str, role: str, data_dir: Path | None, manifest: Path = MANIFEST
) -> list[tuple[KnownSet, Path]]:
    """The sets that evaluation would look for, with their folders, in its order.

    Samples in a data folder count where it holds no set of the authors', as for `locate`.
    """
    every = known_sets(task, role, manifest)
    samples = [known for known in every if known.kind == "samples"]
    if data_dir is None:
        return [(known, SAMPLES / task) for known in samples]
    folder = Path(data_dir) / task
    authors = by_bytes([known for known in every if known.kind != "samples"], folder)
    if not any(is_complete(known, folder) for known in authors):
        authors += [known for known in samples if is_complete(known, folder)]
    return [(known, folder) for known in authors]


def anything_there(
    task: str, role: str, data_dir: Path | None, hub: Hub | None, manifest: Path = MANIFEST
) -> bool:
    """Whether a file of any set of this role, or of the hub's, is there."""
    if data_dir is not None and hub is not None and hub_files(hub, Path(data_dir) / task):
        return True
    return any(
        (folder / file.path).is_file()
        for known, folder in verifiable(task, role, data_dir, manifest)
        for file in known.every_file
    )


def verify_set(
    known: KnownSet, folder: Path, parse: Parser | None = None, schema: Record | None = None
) -> Verdict:
    """Compares the digests of a set's files and, where a parser is given, checks every row."""
    about = (known.task, known.role, known.kind, tuple(f.path for f in known.every_file))
    there = [file for file in known.every_file if (folder / file.path).is_file()]
    if not there:
        return Verdict(*about, "absent")
    try:
        for file in there:
            verify_file(known.task, folder / file.path, file)
    except UnknownBytes as error:
        is_rows = error.path in Located(known, folder).paths
        problem = (is_rows and _bad_row(error.path, parse, schema)) or str(error)
        return Verdict(*about, "bad", "sha256", problem)
    if missing := [file.path for file in known.every_file if file not in there]:
        problem = (
            f"{known.task}: {folder} has {len(there)} of the {len(known.every_file)} files; "
            f"missing {shortened(missing)}; put them there (source: {known.source})"
        )
        return Verdict(*about, "incomplete", "sha256", problem)
    if parse is None or schema is None:
        return Verdict(*about, "verified", "sha256")
    try:
        rows = read_files(Located(known, folder), parse, schema)
    except InputError as error:
        return Verdict(*about, "bad", "sha256, rows", str(error))
    return Verdict(*about, "verified", f"sha256, {len(rows)} rows")


def _bad_row(path: Path, parse: Parser | None, schema: Record | None) -> str:
    """The first malformed row, which says more than a digest; empty where there is none."""
    if parse is None or schema is None:
        return ""
    try:
        collections.deque(checked_rows(path, parse, schema), maxlen=0)
    except InputError as error:
        return str(error)
    return ""


def verify_hub(
    task: str, role: str, hub: Hub, schema: Record, data_dir: Path, manifest: Path = MANIFEST
) -> Verdict:
    """Checks columns, number of rows and every row of the hub's files; their bytes are in no list.

    The digest of what was checked is part of the verdict.
    """
    folder = Path(data_dir) / task
    found = [path.relative_to(folder).as_posix() for path in hub_files(hub, folder)]
    about = (task, role, HUB, tuple(found) or (hub.pattern,))
    try:
        located = locate_hub(task, hub, data_dir, role, manifest)
        if located is None:
            return Verdict(*about, "absent")
        rows = read_hub(located, hub, schema)
    except InputError as error:
        return Verdict(*about, "bad", "columns, rows", str(error))
    return Verdict(*about, "verified", f"columns, {len(rows)} rows; sha256 {located.known.sha256}")


def unlisted(
    task: str, data_dir: Path, hubs: tuple[Hub, ...] = (), manifest: Path = MANIFEST
) -> Verdict | None:
    """Names the files of a task's folder that nothing reads, or returns None."""
    folder = Path(data_dir) / task
    listed = {path for hub in hubs for path in hub_files(hub, folder)}
    for role in task_roles(task, manifest):
        for known in known_sets(task, role, manifest):
            listed |= {folder / file.path for file in known.every_file}
    there = sorted(path for path in folder.rglob("*") if path.is_file() and path not in listed)
    names = [path.relative_to(folder).as_posix() for path in there]
    return Verdict(task, "", "unlisted", tuple(names), "unlisted") if names else None
