"""Which raw benchmark files are known, and which of them a data folder holds.

`manifest.json` lists, for each task, sets of files that belong together. A set is `official` (the
authors' whole split), `partial` (a known part of it) or `samples` (the package's own few made-up
rows), and plays one role: the `examples` that are asked, or the `shots` that prompts begin with.
Every file is known by its SHA-256; one that is not is refused.
"""

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_jax.data.rows import file_sha256, line_count
from llama_jax.errors import InputError

MANIFEST = Path(__file__).with_name("manifest.json")
SAMPLES = Path(__file__).resolve().parent.parent / "samples"
KINDS = ("official", "partial", "samples")  # in the order of preference


@dataclass(frozen=True)
class KnownFile:
    """A file as the manifest lists it; `path` is relative to the task's folder.

    `url` is where these bytes can be downloaded, empty where no such address is known.
    """

    path: str
    sha256: str
    rows: int
    url: str = ""


@dataclass(frozen=True)
class KnownSet:
    """Files that together are one split, or a known part of it, of one task.

    `beside` lists files without rows of their own (labels) that the parser reads beside the others.
    The kind "hub" is in no manifest: it stands for the Hub's parquet files, whose bytes are not
    listed (llama_jax/data/parquet.py).
    """

    task: str
    kind: str
    role: str
    split: str
    official_rows: int
    licence: str
    source: str
    files: tuple[KnownFile, ...]
    beside: tuple[KnownFile, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all files together."""
        return sum(file.rows for file in self.files)

    @property
    def every_file(self) -> tuple[KnownFile, ...]:
        """The files with rows, then those beside them."""
        return (*self.files, *self.beside)

    @property
    def sha256(self) -> str:
        """Digest of the set: of its one file, or of the lines "PATH SHA256" of its several."""
        if len(self.every_file) == 1:
            return self.every_file[0].sha256
        lines = "".join(f"{file.path} {file.sha256}\n" for file in self.every_file)
        return hashlib.sha256(lines.encode()).hexdigest()

    def __str__(self) -> str:
        names = ", ".join(file.path for file in self.files[:3])
        more = f" and {len(self.files) - 3} more" if len(self.files) > 3 else ""
        return f"{names}{more} ({self.kind}, {self.rows} of {self.official_rows} rows)"


@dataclass(frozen=True)
class Located:
    """A known set whose files were found below `folder` with the listed digests."""

    known: KnownSet
    folder: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in the order of the manifest."""
        return tuple(self.folder / file.path for file in self.known.files)


@functools.cache
def _manifest(path: Path) -> dict[str, tuple[KnownSet, ...]]:
    return {
        task: tuple(_known_set(task, entry) for entry in entries)
        for task, entries in json.loads(path.read_text(encoding="utf-8")).items()
    }


def _known_set(task: str, entry: dict[str, Any]) -> KnownSet:
    files = tuple(KnownFile(**file) for file in entry["files"])
    beside = tuple(KnownFile(**file) for file in entry.get("beside", ()))
    return KnownSet(task=task, **{**entry, "files": files, "beside": beside})


def task_names(manifest: Path = MANIFEST) -> tuple[str, ...]:
    """Returns the tasks of the manifest, in alphabetical order."""
    return tuple(sorted(_manifest(manifest)))


def task_roles(task: str, manifest: Path = MANIFEST) -> tuple[str, ...]:
    """Returns the roles of a task's sets: its examples first."""
    roles = {known.role for known in _manifest(manifest)[task]}
    return tuple(sorted(roles, key=lambda role: (role != "examples", role)))


def is_complete(known: KnownSet, folder: Path) -> bool:
    """Whether every file of a set lies in the task's folder, whatever its bytes."""
    return all((folder / file.path).is_file() for file in known.every_file)


def known_sets(task: str, role: str = "examples", manifest: Path = MANIFEST) -> list[KnownSet]:
    """Returns the task's sets in this role: the official one first, then the largest."""
    sets = [known for known in _manifest(manifest).get(task, ()) if known.role == role]
    return sorted(sets, key=lambda known: (KINDS.index(known.kind), -known.rows))


def by_bytes(sets: Sequence[KnownSet], folder: Path) -> list[KnownSet]:
    """Returns the sets, but one only of those with the same file names (a split and its head).

    It is the one whose bytes lie in the folder; where none's do, the first.
    """
    kept: dict[tuple[str, ...], KnownSet] = {}
    for known in sets:
        names = tuple(file.path for file in known.every_file)
        if names not in kept or not _holds(folder, kept[names]) and _holds(folder, known):
            kept[names] = known
    return list(kept.values())


def authors_sets(tasks: Sequence[str], data_dir: Path, manifest: Path = MANIFEST) -> list[KnownSet]:
    """Returns the sets of these tasks that a data folder may hold: all but the samples."""
    found = []
    for task in tasks:
        for role in task_roles(task, manifest):
            sets = [known for known in known_sets(task, role, manifest) if known.kind != "samples"]
            found += by_bytes(sets, data_dir / task)
    return found


def _holds(folder: Path, known: KnownSet) -> bool:
    return is_complete(known, folder) and all(
        file_sha256(folder / file.path) == file.sha256 for file in known.every_file
    )


class UnknownBytes(InputError):
    """A file has the name of a known one and other bytes."""

    def __init__(self, message: str, path: Path, has_rows: bool) -> None:
        super().__init__(message)
        self.path = path
        self.has_rows = has_rows


def locate(
    task: str,
    data_dir: Path | None,
    role: str = "examples",
    manifest: Path = MANIFEST,
    hub_pattern: str = "",
) -> Located:
    """Finds the best known set of a task and verifies its digests.

    Args:
        task: name of the task, which is also its folder's name.
        data_dir: the folder of task folders; None for the samples inside the package.
        role: "examples" or "shots".
        manifest: the list of known files.
        hub_pattern: the Hugging Face hub's files, which the caller looked for and did not find.

    Raises:
        UnknownBytes: a file's bytes are not the listed ones.
        InputError: no known set is complete.
    """
    folder = (SAMPLES if data_dir is None else Path(data_dir)) / task
    known_here = known_sets(task, role, manifest)
    if data_dir is None:
        known_here = [known for known in known_here if known.kind == "samples"]
    for known in by_bytes(known_here, folder):
        if is_complete(known, folder):
            for file in known.every_file:
                verify_file(task, folder / file.path, file, file in known.files)
            return Located(known, folder)
    if data_dir is None:
        raise InputError(
            f"{task}: the package has no sample of its {role}; give the folder of raw files with "
            "--data DIR, laid out as DIR/TASK/file"
        )
    listed = {
        file.path
        for other in task_roles(task, manifest)
        for known in known_sets(task, other, manifest)
        for file in known.every_file
    }
    raise InputError(_absent(task, role, folder, known_here, hub_pattern, listed))


def verify_file(task: str, path: Path, known: KnownFile, has_rows: bool = True) -> None:
    """Compares the digest of a file that is there; other bytes are UnknownBytes."""
    digest = file_sha256(path)
    if digest != known.sha256:
        raise UnknownBytes(
            f"{task}: {path} is not the known file: sha256 {digest}, {line_count(path)} lines; "
            f"the manifest lists sha256 {known.sha256}, {known.rows} rows; "
            "put the authors' unchanged file there",
            path,
            has_rows,
        )


def _absent(
    task: str,
    role: str,
    folder: Path,
    known_here: list[KnownSet],
    hub_pattern: str,
    listed: set[str],
) -> str:
    """Says what was looked for, what lies there instead, and what to do."""
    wanted = [known for known in known_here if known.kind != "samples"]
    if not wanted:
        instead = "; without --data the package's sample is read" if known_here else ""
        return f"{task}: the manifest lists no {role} files for it{instead}"
    expected = [*map(str, wanted), *([f"{hub_pattern} of the Hub"] if hub_pattern else [])]
    message = f"{task}: no known {role} file in {folder}; expected {' or '.join(expected)}"
    missing = [f.path for f in wanted[0].every_file if not (folder / f.path).is_file()]
    if len(missing) < len(wanted[0].every_file):
        message += f"; missing {', '.join(missing)}"
    there = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
    if strangers := [p for p in there if p.relative_to(folder).as_posix() not in listed]:
        path = strangers[0]
        message += (
            f"; {path.name} there is not in the manifest "
            f"(sha256 {file_sha256(path)}, {line_count(path)} lines)"
        )
    return f"{message}; put it there (source: {wanted[0].source})"
