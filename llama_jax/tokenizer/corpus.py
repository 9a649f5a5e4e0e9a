"""The texts of files that a tokenizer is trained on."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from llama_jax.errors import InputError

FIELD = "text"


def read_texts(paths: Sequence[Path]) -> Iterator[str]:
    """The texts of UTF-8 files in their order: lines of a text file, `text` of each JSONL object.

    A line keeps its line feed, so that the texts of a text file concatenate to its content; other
    line ends become a line feed.

    Raises:
        InputError: a file is missing or not UTF-8, or a line of JSONL has no text.
    """
    for path in paths:
        try:
            with path.open(encoding="utf-8") as file:
                if path.suffix == ".jsonl":
                    yield from _fields(file, path)
                else:
                    yield from file
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}: not UTF-8 near byte {error.start} ({error.reason}); convert the file"
            ) from error
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _fields(lines: Iterator[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}: line {number} is not JSON: {error}") from error
        text = row.get(FIELD) if isinstance(row, dict) else None
        if not isinstance(text, str):
            found = f"it has {', '.join(map(str, row))}" if isinstance(row, dict) else "no object"
            raise InputError(f'{path}: line {number} has no "{FIELD}" with a text: {found}')
        yield text
