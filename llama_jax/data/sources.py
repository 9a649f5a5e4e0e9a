"""Where training documents come from: text files, JSONL files, splits of TFDS datasets.

A source is a value that can be read again and again, document by document, in one order; a file
larger than the memory is fine as long as no single document is.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from llama_jax.data.rows import file_sha256
from llama_jax.data.text import SEPARATORS, split_documents
from llama_jax.errors import InputError

_BLOCK = 4 << 20  # characters of a text file that are split into documents at once


class Document(NamedTuple):
    """A text, and where it stands, for messages."""

    text: str
    where: str


@runtime_checkable
class Source(Protocol):
    """Documents that can be read again, always in the same order."""

    def documents(self) -> Iterator[Document]:
        """The documents, one by one; a text of nothing but white space is one too."""
        ...

    def describe(self) -> dict[str, Any]:
        """What is read, as JSON values, the digest of its content ("sha256") among them."""
        ...

    def size(self) -> int | None:
        """About how many bytes of text there are, for the progress bar; None when unknown."""
        ...


@dataclass(frozen=True)
class TextFile:
    """A UTF-8 text file; `separator` as in `split_documents`."""

    path: Path
    separator: str = "blank-line"

    def documents(self) -> Iterator[Document]:
        """As `read_documents`: line ends become a line feed."""
        if self.separator not in SEPARATORS:
            split_documents("", self.separator)  # says what there is
        found = False
        for number, text in enumerate(self._texts(), start=1):
            found = True
            yield Document(text, f"{self.path}, document {number}")
        if not found:
            raise InputError(f"{self.path}: no document, only white space")

    def describe(self) -> dict[str, Any]:
        """Path, separator and digest."""
        return {"kind": "text", "separator": self.separator} | _described(self.path)

    def size(self) -> int:
        """Bytes of the file."""
        return _size(self.path)

    def _texts(self) -> Iterator[str]:
        """The documents of one block after another.

        A block ends before a line that follows a blank one, where `split_documents` would cut too.
        """
        block: list[str] = []
        length, after_blank = 0, False
        for _, line in _lines(self.path):
            full = self.separator != "file" and length >= _BLOCK
            if full and after_blank and line.split("\n", 1)[0].strip():
                yield from split_documents("".join(block), self.separator)
                block, length = [], 0
            block.append(line)
            length += len(line)
            after_blank = not line.strip()
        yield from split_documents("".join(block), self.separator)


@dataclass(frozen=True)
class JsonlFile:
    """A file with one JSON object a line; the document is the text under `field`."""

    path: Path
    field: str = "text"

    def documents(self) -> Iterator[Document]:
        """One for each line that is not empty."""
        for number, line in _lines(self.path):
            if not line.strip():
                continue
            where = f"{self.path}:{number}"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"{where}: not JSON ({error}); one object a line") from None
            if not isinstance(row, dict) or not isinstance(row.get(self.field), str):
                found = ", ".join(row) if isinstance(row, dict) else type(row).__name__
                raise InputError(
                    f"{where}: no text under {self.field!r}; the line has: {found}; name the field"
                )
            yield Document(row[self.field], where)

    def describe(self) -> dict[str, Any]:
        """Path, field and digest."""
        return {"kind": "jsonl", "field": self.field} | _described(self.path)

    def size(self) -> int:
        """Bytes of the file."""
        return _size(self.path)


@dataclass(frozen=True)
class TfdsSplit:
    """A split of a prepared TFDS dataset: `dataset` is "name[/config][:version]" or its folder.

    Read by random access (`as_data_source`), so that it must be prepared as array_record or
    parquet; nothing is downloaded and TensorFlow is not needed.
    """

    dataset: str
    split: str = "train"
    field: str = "text"
    data_dir: str | None = None

    def documents(self) -> Iterator[Document]:
        """One for each example, in the order of the files."""
        for number, example in enumerate(self._data_source()):
            where = f"{self.dataset} ({self.split}), example {number}"
            value = example.get(self.field)
            if not isinstance(value, bytes | str):
                raise InputError(
                    f"{where}: no text under {self.field!r}; it has: {', '.join(example)}; name "
                    "the field"
                )
            try:
                yield Document(value if isinstance(value, str) else value.decode(), where)
            except UnicodeDecodeError as error:
                raise InputError(f"{where}: not UTF-8 at byte {error.start}") from None

    def describe(self) -> dict[str, Any]:
        """Name, split, field and the digest over the documents."""
        digest = hashlib.sha256()
        for text, _ in self.documents():
            encoded = text.encode()
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
        about = {"kind": "tfds", "dataset": self.dataset, "split": self.split, "field": self.field}
        return about | {"sha256": digest.hexdigest()}

    def size(self) -> None:
        """Unknown: the files hold more than the texts."""

    def _data_source(self) -> Sequence[dict[str, Any]]:
        import tensorflow_datasets as tfds

        unreadable = (
            tfds.core.DatasetNotFoundError,
            tfds.core.dataset_info.DatasetInfoFileError,
            NotImplementedError,
            OSError,
        )
        try:
            if Path(self.dataset).is_dir():
                builder = tfds.builder_from_directory(self.dataset)
            else:
                builder = tfds.builder(self.dataset, data_dir=self.data_dir)
            if self.split not in builder.info.splits:
                there = ", ".join(builder.info.splits) or "none (is it prepared?)"
                raise InputError(f"{self.dataset}: no split {self.split!r}; there are: {there}")
            return builder.as_data_source(self.split)
        except unreadable as error:
            raise InputError(
                f"{self.dataset}: cannot be read through TFDS ({' '.join(str(error).split())}); "
                "prepare it with file_format='array_record' and give its folder"
            ) from error


def file_sources(
    paths: Sequence[str | os.PathLike[str]], separator: str = "blank-line", field: str = "text"
) -> tuple[Source, ...]:
    """A source for each file: .jsonl by `field`, any other as text by `separator`.

    Raises:
        InputError: no paths, or one of them is no file.
    """
    if not paths:
        raise InputError("no files given; give text or JSONL files")
    for path in paths:
        _size(Path(path))
    return tuple(
        JsonlFile(path, field) if path.suffix == ".jsonl" else TextFile(path, separator)
        for path in map(Path, paths)
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a UTF-8 file with universal line ends, read as they are asked for."""
    _size(path)
    begin = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}:{number}: not UTF-8 at byte {begin + error.start} ({error.reason}); "
                    "convert the file"
                ) from None
            begin += len(line)
            yield number, text.replace("\r\n", "\n").replace("\r", "\n")


def _size(path: Path) -> int:
    if not path.is_file():
        raise InputError(f"{path}: no such text file")
    return path.stat().st_size


def _described(path: Path) -> dict[str, Any]:
    return {"path": str(path), "bytes": _size(path), "sha256": file_sha256(path)}
