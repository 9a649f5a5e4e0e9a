"""Raw file -> checked rows: parsing and schema errors name the file and the line."""

import hashlib
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


def jsonl_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line number, object) of a JSON-lines file; a bad or blank line is an InputError."""
    with path.open("rb") as file:  # bytes: U+2028 and friends inside a text end no line
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line.decode("utf-8"))
            except (UnicodeDecodeError, json.JSONDecodeError) as error:
                raise InputError(f"{path}:{number}: not a line of JSON: {error}") from None
            if not isinstance(row, dict):
                raise InputError(
                    f"{path}:{number}: expected a JSON object, got {type(row).__name__}"
                )
            yield number, row


def checked_rows(path: Path, parse: Parser, schema: Record) -> Iterator[dict[str, Any]]:
    """Yields the rows of `path`; the first that breaks the schema is an InputError."""
    for number, row in parse(path):
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
