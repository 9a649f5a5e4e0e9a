"""The SentencePiece model inside a GGUF file, where it can be rebuilt exactly."""

from pathlib import Path

from llama_jax.errors import InputError
from llama_jax.tokenizer.spm_model import (
    BYTE,
    CONTROL,
    LLAMA_SETTINGS,
    NORMAL,
    UNKNOWN,
    UNUSED,
    Piece,
    SpmModel,
)

MAGIC = b"GGUF"
KINDS = (NORMAL, UNKNOWN, CONTROL, UNUSED, BYTE)  # numbered as in SentencePiece
PREFIX = "tokenizer.ggml."
REMEDY = "pass the model's own tokenizer file with --tokenizer"


def read(path: Path) -> SpmModel:
    """The tokenizer of a GGUF file, whose pieces, scores and kinds are SentencePiece's.

    The settings that llama.cpp assumes for such a model are Llama's.

    Raises:
        InputError: damaged, or a tokenizer of another kind; both lines say what to do.
    """
    from gguf import GGUFReader

    try:
        fields = GGUFReader(path).fields
    except (ValueError, KeyError, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: a GGUF file, cut short or damaged: {error}") from error
    found = {
        name.removeprefix(PREFIX): field.contents()
        for name, field in fields.items()
        if name.startswith(PREFIX) and not name.endswith("merges")
    }
    if found.get("model") != "llama":
        raise InputError(
            f"{path}: {PREFIX}model is {found.get('model')!r}; only 'llama' (SentencePiece) is "
            f"read from a GGUF file; {REMEDY}"
        )
    return SpmModel(_pieces(path, found), **_settings(path, found))


def _pieces(path: Path, found: dict) -> tuple[Piece, ...]:
    columns = [found.get(name) for name in ("tokens", "scores", "token_type")]
    sizes = [0 if column is None else len(column) for column in columns]
    if len(set(sizes)) > 1 or not sizes[0]:
        raise InputError(
            f"{path}: {sizes[0]} tokens, {sizes[1]} scores and {sizes[2]} token types; {REMEDY}"
        )
    pieces = tuple(Piece(*row) for row in zip(*columns, strict=True))
    other = next((piece for piece in pieces if piece.kind not in KINDS), None)
    if other is not None:
        raise InputError(
            f"{path}: token {other.text!r} is of type {other.kind}, one that was added to "
            f"SentencePiece's and cannot be rebuilt exactly; {REMEDY}"
        )
    return pieces


def _settings(path: Path, found: dict) -> dict:
    if found.get("precompiled_charsmap") or found.get("remove_extra_whitespaces"):
        raise InputError(f"{path}: its tokenizer normalizes text, as no Llama's does; {REMEDY}")
    names = {"unk_id": "unknown_token_id", "bos_id": "bos_token_id", "eos_id": "eos_token_id"}
    ids = {ours: found[theirs] for ours, theirs in names.items() if theirs in found}
    prefix = bool(found.get("add_space_prefix", True))
    return {**LLAMA_SETTINGS, **ids, "dummy_prefix": prefix}
