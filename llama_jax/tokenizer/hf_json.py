"""Hugging Face's tokenizer.json behind our interface, run by the tokenizers library.

Two kinds are read: SentencePiece's pieces written as BPE with byte fallback (Llama 1, Llama 2, Code
Llama) and byte-level BPE (Llama 3). Ids are those that the file asks for. A file with a `Metaspace`
step puts no space before a text that begins with one, which SentencePiece does: where both files
are there, tokenizer.model is the original.
"""

import itertools
import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from llama_jax.errors import InputError
from llama_jax.tokenizer import hf_file
from llama_jax.tokenizer.byte_text import check_id, replace_each, utf8
from llama_jax.tokenizer.spm_model import LOWER_BLOCK

TURN_ENDS = ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>")
_BYTE = re.compile("<0x([0-9A-F]{2})>")


class HuggingFaceTokenizer:
    """A `Tokenizer` made from a tokenizer.json.

    Args:
        file: the bytes of the file.
        where: what errors call it, usually its path.
        folder: where tokenizer_config.json or special_tokens_map.json may say BOS and EOS.

    Attributes:
        special_ids: name -> id of the special tokens.
        stop_ids: EOS, and what Llama 3 ends texts and turns with, where the file has it.

    Raises:
        InputError: another kind of tokenizer (said which), damaged, or without BOS or EOS.
    """

    def __init__(
        self, file: bytes, where: str = "tokenizer.json", folder: Path | None = None
    ) -> None:
        import tokenizers

        self._content = hf_file.parse(file, where)
        self._byte_level = _is_byte_level(self._content, where)
        self._prefixed = _adds_a_space(self._content)
        try:
            # Its last step adds special tokens and trims spaces from offsets: neither is wanted.
            bare = json.dumps(self._content | {"post_processor": None})
            self._tokenizer = tokenizers.Tokenizer.from_str(bare)
        except Exception as error:  # the library raises nothing narrower
            reason = " ".join(str(error).split())
            raise InputError(f"{where}: the tokenizers library refuses it: {reason}") from error
        self._tokenizer.encode_special_tokens = True  # in a text they are plain text
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        ids = self._tokenizer.get_vocab(with_added_tokens=True)
        self.vocab_size: int = max(ids.values()) + 1
        self._pieces = [""] * self.vocab_size
        for piece, token in ids.items():
            self._pieces[token] = piece
        self.special_ids = {
            token["content"]: ids[token["content"]]
            for token in hf_file.added(self._content)
            if token.get("special") and token["content"] in ids
        }
        self._names = hf_file.special_tokens(self._content, folder)
        self.bos_id, self.eos_id = (
            _special(self._names, role, ids, where) for role in ("bos", "eos")
        )
        ends = [self.special_ids[name] for name in TURN_ENDS if name in self.special_ids]
        self.stop_ids = tuple(dict.fromkeys([self.eos_id, *ends]))
        self._bytes = self._token_bytes(where)
        self._mute = frozenset(t for t, part in enumerate(self._bytes) if not part)

    def __repr__(self) -> str:
        return f"HuggingFaceTokenizer(vocab_size={self.vocab_size}, sha256={self.sha256!r})"

    @cached_property
    def sha256(self) -> str:
        """Hex digest of vocabulary, merges, steps and special tokens; not of the file."""
        return hf_file.sha256(self._content, self._names)

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, without BOS or EOS; "<s>" in a text is plain text.

        Raises:
            InputError: the text has a lone surrogate, which UTF-8 cannot hold.
        """
        utf8(text)
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of `text`, and for each the (begin, end) bytes of UTF-8 `text` that it covers.

        A byte of a character covers the whole character; the space that is added in front covers
        nothing.

        Raises:
            InputError: the text has a lone surrogate, which UTF-8 cannot hold.
        """
        utf8(text)
        found = self._tokenizer.encode(text, add_special_tokens=False)
        edges = list(itertools.accumulate((len(c.encode()) for c in text), initial=0))
        offsets = [(edges[begin], edges[end]) for begin, end in found.offsets]
        if found.tokens and found.tokens[0] == LOWER_BLOCK and self._puts_a_space_before(text):
            offsets[0] = (0, 0)  # the library has it cover the first character
        return found.ids, offsets

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`; special tokens have none, what is not UTF-8 becomes U+FFFD.

        The space that begins the text is dropped where `encode` puts one there.

        Raises:
            InputError: an id outside the vocabulary.
        """
        tokens = [int(token) for token in ids]
        parts = [self.id_to_bytes(token) for token in tokens]
        if self._byte_level:
            return b"".join(parts).decode(errors="replace")
        first = next((token for token in tokens if self._bytes[token]), None)
        if self._prefixed and first is not None and not _BYTE.fullmatch(self._pieces[first]):
            begin = next(index for index, part in enumerate(parts) if part)
            parts[begin] = parts[begin].removeprefix(b" ")
        # As in SentencePiece, bytes on two sides of a special token make no character.
        runs = itertools.groupby(
            zip(tokens, parts, strict=True), lambda pair: pair[0] in self._mute
        )
        return "".join(replace_each(b"".join(p for _, p in run)) for mute, run in runs if not mute)

    def id_to_piece(self, token: int) -> str:
        """The entry of the vocabulary, as the file writes it: "▁the" or "Ġthe", "<0x0A>", "<s>".

        Raises:
            InputError: an id outside the vocabulary.
        """
        return self._pieces[check_id(token, self.vocab_size)]

    def id_to_bytes(self, token: int) -> bytes:
        """The UTF-8 bytes that a token stands for inside a text; none for special tokens.

        Raises:
            InputError: an id outside the vocabulary.
        """
        return self._bytes[check_id(token, self.vocab_size)]

    def serialized(self) -> bytes:
        """A tokenizer.json, which says BOS and EOS itself where their names are unusual."""
        return json.dumps(
            hf_file.marked(self._content, self._names), ensure_ascii=False, indent=1
        ).encode()

    def _puts_a_space_before(self, text: str) -> bool:
        return self._prefixed == "always" or (
            self._prefixed == "unless" and not text.startswith((" ", LOWER_BLOCK))
        )

    def _token_bytes(self, where: str) -> list[bytes]:
        told = {token["content"] for token in hf_file.added(self._content)}
        silent = {*self.special_ids.values(), self.bos_id, self.eos_id}
        table = byte_characters()
        found = []
        for token, piece in enumerate(self._pieces):
            byte = _BYTE.fullmatch(piece)
            if token in silent:
                found.append(b"")
            elif piece in told:
                found.append(piece.encode())
            elif self._byte_level:
                if not set(piece) <= table.keys():
                    raise InputError(
                        f"{where}: piece {token}, {piece!r}, has characters that stand for no byte"
                    )
                found.append(bytes(table[character] for character in piece))
            elif byte:
                found.append(bytes([int(byte[1], 16)]))
            else:
                found.append(piece.replace(LOWER_BLOCK, " ").encode())
        return found


def byte_characters() -> dict[str, int]:
    """The character that byte-level BPE writes for each byte -> the byte.

    Visible Latin-1 characters stand for themselves, the others follow from U+0100 on.
    """
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {
        chr(0x100 + index): byte for index, byte in enumerate(hidden)
    }


def _is_byte_level(content: dict[str, Any], where: str) -> bool:
    steps = [*hf_file.parts(content, "pre_tokenizer"), *hf_file.parts(content, "normalizer")]
    level = [step for step in steps if step["type"] == "ByteLevel"]
    if any(step.get("add_prefix_space") for step in level):
        raise InputError(
            f"{where}: a ByteLevel step with add_prefix_space, as GPT-2 variants have and no "
            "Llama; set it to false if the model was trained without"
        )
    if not level and not content["model"].get("byte_fallback"):
        raise InputError(
            f"{where}: neither byte-level (Llama 3) nor with byte_fallback (Llama 1 and 2): some "
            "texts could not be encoded"
        )
    return bool(level)


def _adds_a_space(content: dict[str, Any]) -> str:
    """Whether a space is put before a text: "always", "unless" it begins with one, or ""."""
    if any(step["type"] == "Prepend" for step in hf_file.parts(content, "normalizer")):
        return "always"
    for step in hf_file.parts(content, "pre_tokenizer"):
        if step["type"] == "Metaspace":
            scheme = step.get("prepend_scheme") or (
                "always" if step.get("add_prefix_space", True) else "never"
            )
            return "" if scheme == "never" else "unless"
    return ""


def _special(names: dict[str, str], role: str, ids: dict[str, int], where: str) -> int:
    if role not in names:
        raise InputError(
            f"{where}: which token is {role.upper()} is not said: put tokenizer_config.json beside "
            f"it, with {role}_token"
        )
    if names[role] not in ids:
        raise InputError(
            f"{where}: its {role}_token is {names[role]!r}, which is not in the vocabulary"
        )
    return ids[names[role]]
