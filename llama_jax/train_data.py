"""The text of a training run: files -> documents -> rows, some of them held out."""

from pathlib import Path
from typing import NamedTuple

from llama_jax.data.packing import Rows, pack
from llama_jax.data.text import Encoder, encode_documents, read_documents, split_validation
from llama_jax.errors import InputError
from llama_jax.training.batch_source import BatchSource, PackedRows
from llama_jax.training.presets import TrainPreset


class TrainData(NamedTuple):
    """Batches to train on, and the rows that are held out."""

    source: BatchSource
    validation: Rows | None


def read(
    path: Path, preset: TrainPreset, tokenizer: Encoder, *, separator: str, validation: float
) -> TrainData:
    """Reads a text file, or all .txt files of a folder, sorted by name.

    Args:
        path: of the file or folder.
        preset: batch size, row length, seed.
        tokenizer: of the model.
        separator: see `split_documents`.
        validation: part of the documents that is held out.
    """
    files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
    if not files:
        raise InputError(
            f"{path}: no .txt file in this folder; give a text file or a folder of some"
        )
    documents = read_documents(files, separator)
    kept, held_out = split_validation(documents, validation, preset.seed)
    rows = pack(encode_documents(kept, tokenizer), preset.length)
    source = PackedRows(rows, preset.seed, preset.batch_size)
    if not held_out:
        return TrainData(source, None)
    return TrainData(source, pack(encode_documents(held_out, tokenizer), preset.length))
