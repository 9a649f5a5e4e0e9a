"""Recognising a tokenizer's file by its content."""

import os
import re
from pathlib import Path

from llama_jax.errors import InputError
from llama_jax.tokenizer import gguf_model, llama2c, spm_model
from llama_jax.tokenizer.sentencepiece import SentencePieceTokenizer

ACCEPTED = (
    "accepted are SentencePiece models (tokenizer.model of Llama 1, Llama 2 and Code Llama), "
    "llama2.c's tokenizer .bin, and a folder with tokenizer.model"
)
_HEAD = 4096
_TIKTOKEN_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} [0-9]+\r?\n")
_OTHERS = (
    (b"PK\x03\x04", "a zip archive (PyTorch weights?)"),
    (b"\x80", "a Python pickle"),
    (b"version https://git-lfs", "a git-lfs pointer, not the file itself"),
    (b"<", "an HTML or XML page"),
)


def load_tokenizer(path: str | os.PathLike[str]) -> SentencePieceTokenizer:
    """The tokenizer in the file `path`, or in the folder `path` as tokenizer.model.

    SentencePiece models, llama2.c's tokenizer files and GGUF files that hold a SentencePiece model
    are recognised by content, not by name.

    Raises:
        InputError: missing, unreadable, truncated or corrupt, or another kind of file (named).
    """
    path = Path(path)
    try:
        if path.is_dir():
            path = _in_folder(path)
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if head.startswith(gguf_model.MAGIC):
                data = spm_model.write(gguf_model.read(path))
                return SentencePieceTokenizer(data, str(path))
            _require_known(head, str(path))
            data = head + file.read()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such tokenizer file; {ACCEPTED}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if llama2c.recognise(head):
        data = spm_model.write(llama2c.read(data, str(path)))
    return SentencePieceTokenizer(data, str(path))


def _in_folder(folder: Path) -> Path:
    names = sorted(file.name for file in folder.iterdir())
    if "tokenizer.model" in names:
        return folder / "tokenizer.model"
    found = [name for name in names if "token" in name or "vocab" in name]
    raise InputError(
        f"{folder}: a folder without tokenizer.model; it has "
        f"{', '.join(found) if found else 'no tokenizer file'}; {ACCEPTED}"
    )


def _require_known(head: bytes, where: str) -> None:
    # Field 1 of a ModelProto is a piece, whose field 1 is its text: byte 0x0A, a length, 0x0A.
    if re.match(rb"\n[\x80-\xff]*[\x00-\x7f]\n", head) or llama2c.recognise(head):
        return
    raise InputError(f"{where}: {_describe(head)}, not a tokenizer that is read here; {ACCEPTED}")


def _describe(head: bytes) -> str:
    if not head:
        return "an empty file"
    if _TIKTOKEN_LINE.match(head):
        return "a tiktoken file (Llama 3)"
    if head.lstrip()[:1] in (b"{", b"["):
        return "a JSON file (Hugging Face tokenizer.json?)"
    for magic, name in _OTHERS:
        if head.startswith(magic):
            return name
    return f"an unknown file (it begins with {head[:8].hex(' ')})"
