"""The one TFDS builder: checked rows of any benchmark, as JSON text, in `array_record` files.

The only module that imports TFDS for benchmark files; others import it inside the function that
needs it. TensorFlow is not needed. TFDS writes examples in the order of a hash of their key, the
same in every preparation, but no order of ours: each row carries its place.
"""

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from llama_jax.data.rows import Row, file_sha256
from llama_jax.errors import InputError

LAYOUT_VERSION = "1.0.0"  # of the features below; part of every prepared folder's path
SEAL = "sha256.json"  # digests of the prepared files, beside them: reading detects any damage


class BenchmarkRows(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Writes the rows it is given as one split: features `file`, `index` and `row` (JSON)."""

    name = "benchmark_rows"
    VERSION = tfds.core.Version(LAYOUT_VERSION)

    def __init__(self, *, rows: Sequence[Row], split: str, data_dir: str) -> None:
        self._rows = rows
        self._split = split
        super().__init__(data_dir=data_dir, file_format="array_record")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {"file": tfds.features.Text(), "index": np.int64, "row": tfds.features.Text()}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict:
        del dl_manager  # the raw file is already here: nothing is downloaded
        return {self._split: self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[str, dict]]:
        for row in self._rows:
            text = json.dumps(row.fields, ensure_ascii=False)
            yield f"{row.file}:{row.index}", {"file": row.file, "index": row.index, "row": text}


def prepare(rows: Sequence[Row], split: str, folder: Path) -> None:
    """Writes `rows` below `folder`, which appears complete or not at all.

    The work is done in a temporary folder beside it and renamed; when another process was faster,
    its folder, made from the same rows, is kept.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    tfds.disable_progress_bar()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".preparing-") as scratch:
        made = Path(scratch) / "made"
        builder = BenchmarkRows(rows=rows, split=split, data_dir=str(made))
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS reports there; it belongs to results
            builder.download_and_prepare(download_dir=Path(scratch) / "downloads")
        digests = {path.relative_to(made).as_posix(): file_sha256(path) for path in _files(made)}
        (made / SEAL).write_text(json.dumps(digests), encoding="utf-8")
        try:
            os.rename(made, folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise


def read(folder: Path, split: str, expected: int) -> list[Row]:
    """Reads the prepared rows, in no particular order.

    Raises:
        InputError: a file below the folder is not as it was prepared, or the rows are not
            `expected` many.
    """
    remedy = "delete the folder, it will be prepared again"
    for name, digest in _sealed(folder / SEAL).items():
        path = folder / name
        if not path.is_file() or file_sha256(path) != digest:
            raise InputError(f"{folder}: {name} is missing or damaged; {remedy}")
    builder = tfds.builder_from_directory(folder / BenchmarkRows.name / LAYOUT_VERSION)
    source = builder.as_data_source(split)
    if len(source) != expected:
        raise InputError(f"{folder}: {len(source)} prepared rows, expected {expected}; {remedy}")
    return [Row(e["file"].decode(), int(e["index"]), json.loads(e["row"])) for e in source]


def _sealed(seal: Path) -> dict[str, str]:
    try:
        return json.loads(seal.read_bytes())
    except (FileNotFoundError, ValueError):
        return {seal.name: ""}  # a digest that nothing has


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
