"""llama2.c's tokenizer files (`tok512.bin`), read as SentencePiece models.

Layout, little-endian: one int32, the length in bytes of the longest piece; then for each piece
float32 score, int32 length, that many bytes. A space stands for SentencePiece's lower block; pieces
1 and 2 are BOS and EOS; pieces 3 to 258 are the 256 bytes. Source: karpathy/llama2.c, tokenizer.py.
"""

import struct

from llama_jax.errors import InputError
from llama_jax.tokenizer.spm_model import (
    BYTE,
    CONTROL,
    LLAMA_SETTINGS,
    LOWER_BLOCK,
    NORMAL,
    UNKNOWN,
    Piece,
    SpmModel,
)

# How the file writes the pieces that are not learnt, and what they are.
_FIXED = (
    ("<unk>", "<unk>", UNKNOWN),
    ("\n<s>\n", "<s>", CONTROL),
    ("\n</s>\n", "</s>", CONTROL),
    *((f"<0x{byte:02X}>", f"<0x{byte:02X}>", BYTE) for byte in range(256)),
)


def recognise(head: bytes) -> bool:
    """Whether a file that begins with `head` (17 bytes or more) is laid out like this."""
    if len(head) < 17:
        return False
    longest, _, length = struct.unpack_from("<ifi", head)
    return length == 5 <= longest and head[12:17] == b"<unk>"


def read(data: bytes, where: str) -> SpmModel:
    """Reads a llama2.c tokenizer file; `where` names it in errors.

    Llama's settings are assumed, since the file has none: BPE, byte fallback, a dummy prefix, white
    space kept as it is, no normalization.

    Raises:
        InputError: cut off, a length outside the file's own bound, not UTF-8, or other special
            pieces than llama2.c's.
    """
    entries = _entries(data, where)
    if len(entries) < len(_FIXED):
        raise InputError(
            f"{where}: truncated llama2.c tokenizer: {len(entries)} pieces, but the 3 special "
            f"pieces and 256 bytes alone are {len(_FIXED)}; copy the file again"
        )
    pieces = []
    for index, (stored, text, kind) in enumerate(_FIXED):
        found, score = entries[index]
        if found != stored:
            raise InputError(
                f"{where}: piece {index} is {found!r}, llama2.c writes {stored!r}; only tokenizers "
                "made by llama2.c's tokenizer.py from a SentencePiece model with byte fallback are "
                "read"
            )
        pieces.append(Piece(text, score, kind))
    learnt = entries[len(_FIXED) :]
    pieces += [Piece(text.replace(" ", LOWER_BLOCK), score, NORMAL) for text, score in learnt]
    return SpmModel(tuple(pieces), **LLAMA_SETTINGS)


def _entries(data: bytes, where: str) -> list[tuple[str, float]]:
    entries: list[tuple[str, float]] = []
    (longest,) = struct.unpack_from("<i", data)
    position = 4
    while position < len(data):
        if position + 8 > len(data):
            raise _corrupt(where, len(entries), f"{len(data) - position} of 8 bytes are left")
        score, length = struct.unpack_from("<fi", data, position)
        position += 8
        if not 0 <= length <= longest:
            raise _corrupt(
                where, len(entries), f"its length is {length}, the header's longest is {longest}"
            )
        if position + length > len(data):
            raise _corrupt(
                where, len(entries), f"{len(data) - position} of {length} bytes are left"
            )
        try:
            text = str(data[position : position + length], "utf-8")
        except UnicodeDecodeError as error:
            raise _corrupt(where, len(entries), f"not UTF-8: {error}") from error
        entries.append((text, score))
        position += length
    return entries


def _corrupt(where: str, index: int, what: str) -> InputError:
    return InputError(
        f"{where}: truncated or corrupt llama2.c tokenizer: piece {index}: {what}; copy the file "
        "again"
    )
