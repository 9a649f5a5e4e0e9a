"""A SentencePiece model as a value: its pieces and every setting that changes what it does.

Field numbers are those of `sentencepiece_model.proto` in google/sentencepiece.
"""

import dataclasses
import hashlib
import json
import struct
from dataclasses import dataclass
from typing import NamedTuple

from llama_jax.errors import InputError
from llama_jax.tokenizer.protobuf import (
    WireError,
    bytes_field,
    fields,
    float_field,
    signed,
    varint_field,
)

LOWER_BLOCK = "\u2581"  # what SentencePiece writes for a space

# ModelProto.SentencePiece.Type
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
# TrainerSpec.ModelType
UNIGRAM, BPE, CHAR = 1, 2, 4


class Piece(NamedTuple):
    """One entry of the vocabulary; `kind` is NORMAL, UNKNOWN, CONTROL, ..."""

    text: str
    score: float
    kind: int


@dataclass(frozen=True)
class SpmModel:
    """What decides how a SentencePiece model encodes and decodes; how it was trained is left out.

    The defaults are the format's own; `LLAMA_SETTINGS` holds those of Llama 1 and 2.
    """

    pieces: tuple[Piece, ...]
    algorithm: int = UNIGRAM
    byte_fallback: bool = False
    whitespace_as_suffix: bool = False
    unk_id: int = 0
    bos_id: int = 1
    eos_id: int = 2
    pad_id: int = -1
    unk_piece: str = "<unk>"
    bos_piece: str = "<s>"
    eos_piece: str = "</s>"
    pad_piece: str = "<pad>"
    unk_surface: str = " \u2047 "
    normalization: bytes = b""  # compiled rules; none is the identity
    dummy_prefix: bool = True
    remove_extra_whitespace: bool = True
    escape_whitespace: bool = True
    denormalization: bytes = b""

    def sha256(self) -> str:
        """SHA-256 (hex) of the pieces and settings, however they were stored."""
        settings = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "pieces"
        }
        content = json.dumps([self.pieces, settings], sort_keys=True, default=bytes.hex)
        return hashlib.sha256(content.encode()).hexdigest()


# Field numbers of the settings in TrainerSpec and NormalizerSpec.
_TRAINER = {
    3: "algorithm",
    24: "whitespace_as_suffix",
    35: "byte_fallback",
    40: "unk_id",
    41: "bos_id",
    42: "eos_id",
    43: "pad_id",
    44: "unk_surface",
    45: "unk_piece",
    46: "bos_piece",
    47: "eos_piece",
    48: "pad_piece",
}
_NORMALIZER = {
    2: "normalization",
    3: "dummy_prefix",
    4: "remove_extra_whitespace",
    5: "escape_whitespace",
}
_TRAINER_VOCAB_SIZE = 4
_DENORMALIZER = {2: "denormalization"}

LLAMA_SETTINGS = {"algorithm": BPE, "byte_fallback": True, "remove_extra_whitespace": False}


def read(data: bytes, where: str) -> SpmModel:
    """Reads a serialized `ModelProto`; `where` names it in errors.

    Raises:
        InputError: the bytes are cut off or are not a SentencePiece model.
    """
    pieces: list[Piece] = []
    settings: dict[str, object] = {}
    seen = set()
    try:
        for number, value in fields(data):
            seen.add(number)
            if number == 1:
                pieces.append(_read_piece(value))
            elif number == 2:
                settings |= _read_settings(value, _TRAINER)
            elif number == 3:
                settings |= _read_settings(value, _NORMALIZER)
            elif number == 5:
                settings |= _read_settings(value, _DENORMALIZER)
    except (WireError, UnicodeDecodeError, TypeError, struct.error) as error:
        raise InputError(
            f"{where}: truncated or corrupt SentencePiece model ({len(data)} bytes, {len(pieces)} "
            f"pieces read): {error}; copy the file again"
        ) from error
    if not {1, 2, 3} <= seen:
        raise InputError(
            f"{where}: truncated SentencePiece model ({len(data)} bytes): it ends after "
            f"{len(pieces)} pieces, before its settings; copy the file again"
        )
    return SpmModel(tuple(pieces), **settings)


def _read_piece(message: bytes) -> Piece:
    text, score, kind = "", 0.0, NORMAL
    for number, value in fields(message):
        if number == 1:
            text = str(value, "utf-8")
        elif number == 2:
            (score,) = struct.unpack("<f", value)
        elif number == 3:
            kind = signed(value)
    return Piece(text, score, kind)


def _read_settings(message: bytes, names: dict[int, str]) -> dict[str, object]:
    settings = {}
    for number, value in fields(message):
        if number not in names:
            continue
        default = getattr(SpmModel, names[number])
        if isinstance(default, str):
            value = str(value, "utf-8")
        elif isinstance(default, int):
            value = type(default)(signed(value))  # bool is an int
        settings[names[number]] = value
    return settings


def write(model: SpmModel) -> bytes:
    """Serializes `model` as a `ModelProto`, every setting written out; `read` is its inverse."""
    pieces = [
        bytes_field(
            1,
            bytes_field(1, piece.text.encode())
            + float_field(2, piece.score)
            + varint_field(3, piece.kind),
        )
        for piece in model.pieces
    ]
    trainer = varint_field(_TRAINER_VOCAB_SIZE, len(model.pieces)) + _write_settings(
        model, _TRAINER
    )
    specs = (
        bytes_field(2, trainer),
        bytes_field(3, _write_settings(model, _NORMALIZER)),
        bytes_field(5, _write_settings(model, _DENORMALIZER)),
    )
    return b"".join([*pieces, *specs])


def _write_settings(model: SpmModel, names: dict[int, str]) -> bytes:
    out = b""
    for number, name in names.items():
        value = getattr(model, name)
        if isinstance(value, int):
            out += varint_field(number, value)
        else:
            out += bytes_field(number, value.encode() if isinstance(value, str) else value)
    return out
