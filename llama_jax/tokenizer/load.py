"""Recognising a tokenizer's file by its content."""

import os
import re
from pathlib import Path

from llama_jax.errors import InputError
from llama_jax.tokenizer import gguf_model, llama2c, spm_model, tiktoken_bpe
from llama_jax.tokenizer.hf_json import HuggingFaceTokenizer
from llama_jax.tokenizer.interface import Tokenizer
from llama_jax.tokenizer.sentencepiece import SentencePieceTokenizer
from llama_jax.tokenizer.tiktoken_bpe import TiktokenTokenizer

ACCEPTED = (
    "accepted are SentencePiece models (tokenizer.model of Llama 1, Llama 2 and Code Llama), "
    "llama2.c's tokenizer .bin, tiktoken files (tokenizer.model of Llama 3), Hugging Face's "
    "tokenizer.json, GGUF files, and a folder with tokenizer.model or tokenizer.json"
)
NAMES = ("tokenizer.model", "tokenizer.json")  # in a folder, the first that is there
_HEAD = 4096
_OTHERS = (
    (b"PK\x03\x04", "a zip archive (PyTorch weights?)"),
    (b"\x80", "a Python pickle"),
    (b"version https://git-lfs", "a git-lfs pointer, not the file itself"),
    (b"<", "an HTML or XML page"),
)


def load_tokenizer(path: str | os.PathLike[str]) -> Tokenizer:
    """The tokenizer in the file `path`, or in the folder `path`.

    Files are recognised by content, not by name; a GGUF file must hold a SentencePiece model. In a
    folder tokenizer.model comes before tokenizer.json, which is often a conversion of it. Beside a
    tokenizer.json, tokenizer_config.json and special_tokens_map.json may say which tokens are BOS
    and EOS.

    Raises:
        InputError: missing, unreadable, truncated or corrupt, or another kind of file (named).
    """
    path = Path(path)
    try:
        if path.is_dir():
            path = _in_folder(path)
        with path.open("rb") as file:
            head = file.read(_HEAD)
            kind = _kind(head, str(path))
            if kind == "gguf":  # a model with its tokenizer: never read whole
                data = spm_model.write(gguf_model.read(path))
                return SentencePieceTokenizer(data, str(path))
            data = head + file.read()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such tokenizer file; {ACCEPTED}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if kind == "tiktoken":
        return TiktokenTokenizer(data, str(path))
    if kind == "json":
        return HuggingFaceTokenizer(data, str(path), path.parent)
    if kind == "llama2c":
        data = spm_model.write(llama2c.read(data, str(path)))
    return SentencePieceTokenizer(data, str(path))


def _in_folder(folder: Path) -> Path:
    names = sorted(file.name for file in folder.iterdir())
    for name in NAMES:
        if name in names:
            return folder / name
    found = [name for name in names if "token" in name or "vocab" in name]
    raise InputError(
        f"{folder}: a folder without {' or '.join(NAMES)}; it has "
        f"{', '.join(found) if found else 'no tokenizer file'}; {ACCEPTED}"
    )


def _kind(head: bytes, where: str) -> str:
    if head.startswith(gguf_model.MAGIC):
        return "gguf"
    if llama2c.recognise(head):
        return "llama2c"
    if tiktoken_bpe.LINE.fullmatch(head.split(b"\n")[0]):
        return "tiktoken"
    # Field 1 of a ModelProto is a piece, whose field 1 is its text: byte 0x0A, a length, 0x0A.
    if re.match(rb"\n[\x80-\xff]*[\x00-\x7f]\n", head):
        return "sentencepiece"
    if head.lstrip()[:1] == b"{":
        return "json"
    raise InputError(f"{where}: {_describe(head)}, not a tokenizer that is read here; {ACCEPTED}")


def _describe(head: bytes) -> str:
    if not head:
        return "an empty file"
    for magic, name in _OTHERS:
        if head.startswith(magic):
            return name
    return f"an unknown file (it begins with {head[:8].hex(' ')})"
