"""Raw file -> checked rows: parsing and schema errors name the file and the line."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_jax.data.schema import Record, problem
from llama_jax.errors import InputError

# A parser turns a raw file into (line number, row); lines count from 1. Formats without lines
# number what a reader would look for (CSV record, list entry).
Parser = Callable[[Path], Iterator[tuple[int, dict[str, Any]]]]


@dataclass(frozen=True)
class Row:
    """A raw row: the file (its path inside the task's folder), 0-based place in it, and content."""

    file: str
    index: int
    fields: dict[str, Any]


def jsonl_rows(path: Path, *, distinct: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line number, object) of a JSON-lines file; a bad or blank line is an InputError.

    So is, if names are to be `distinct`, an object that has one twice: readers take the last one.
    """
    hook = _distinct if distinct else None
    with path.open("rb") as file:  # bytes: U+2028 and friends inside a text end no line
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line.decode("utf-8"), object_pairs_hook=hook)
            except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, beyond measure
                raise InputError(f"{path}:{number}: not a line of JSON: {error}") from None
            if not isinstance(row, dict):
                raise InputError(
                    f"{path}:{number}: expected a JSON object, got {type(row).__name__}"
                )
            yield number, row


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"an object has a name twice, of {[name for name, _ in pairs]}")
    return found


def json_list_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (entry number from 1, object) of a file that is one JSON list of objects."""
    try:
        entries = json.loads(_utf8(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    if not isinstance(entries, list):
        raise InputError(f"{path}: expected a JSON list, got {type(entries).__name__}")
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise InputError(
                f"{path}: entry {number}: expected an object, got {type(entry).__name__}"
            )
        yield number, entry


def csv_records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields (line where the record ends, its fields); quoted fields may hold newlines."""
    reader = csv.reader(io.StringIO(_utf8(path), newline=""), strict=True)
    try:
        for fields in reader:
            yield reader.line_num, fields
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not CSV: {error}") from None


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (line number, line without its end); only a newline ends a line."""
    for number, line in enumerate(_utf8(path).removesuffix("\n").split("\n"), start=1):
        yield number, line.removesuffix("\r")


def tsv_records(
    path: Path, header: list[str], *, headed: bool = True
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line, fields by name) of tab-separated lines, in which nothing is quoted.

    Args:
        path: the file.
        header: the names of its columns.
        headed: whether the first line must be those names.

    Raises:
        InputError: the first line is another header, or a line has another number of fields.
    """
    for number, line in text_lines(path):
        fields = line.split("\t")
        if headed and number == 1:
            if fields != header:
                raise InputError(f"{path}:1: header {fields}; expected {header}")
            continue
        if len(fields) != len(header):
            raise InputError(
                f"{path}:{number}: {len(fields)} tab-separated fields; expected {len(header)}: "
                f"{', '.join(header)}"
            )
        yield number, dict(zip(header, fields, strict=True))


def labelled_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row) of JSON lines, each with its `label` out of NAME-labels.lst beside."""
    rows = list(jsonl_rows(path))
    labels = labels_beside(path, f"{path.stem}-labels.lst", len(rows))
    for (line, row), label in zip(rows, labels, strict=True):
        yield line, {**row, "label": label}


def labels_beside(path: Path, name: str, rows: int) -> list[str]:
    """Returns the lines of the label file `name` beside `path`, one for each of its rows."""
    labels = path.with_name(name)
    if not labels.is_file():
        raise InputError(f"{labels}: the labels of {path.name} are missing; put the file there")
    found = _utf8(labels).split()
    if len(found) != rows:
        raise InputError(f"{labels}: {len(found)} labels for the {rows} rows of {path.name}")
    return found


def _utf8(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8: byte 0x{data[error.start]:02x}") from None


def checked_rows(path: Path, parse: Parser, schema: Record) -> Iterator[dict[str, Any]]:
    """Yields the rows of `path`; the first that breaks the schema is an InputError."""
    rows = parse(path)
    while True:
        try:
            number, row = next(rows)
        except StopIteration:
            return
        except InputError:
            raise
        except (ValueError, RecursionError, csv.Error) as error:
            raise InputError(f"{path}: cannot be read: {error}") from error
        if found := problem(schema, row):
            raise InputError(f"{path}:{number}: {found}")
        yield row


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def line_count(path: Path) -> int:
    """Returns the number of lines of a file; a last line needs no newline."""
    with path.open("rb") as file:
        return sum(1 for _ in file)
