"""Llama 3's tokenizer: byte-level BPE from a tiktoken file, run by the tiktoken library.

Each line of the file is a token in base64 and its rank: the ranks are the ids and the order of the
merges. Split pattern and special tokens are not in the file; they are those of Meta's reference
(llama-models, models/llama3/tokenizer.py).
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from llama_jax.errors import InputError
from llama_jax.tokenizer.byte_text import check_id, tiled_offsets, utf8

if TYPE_CHECKING:
    pass

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL_COUNT = 256
# Llama 3.1's names. Llama 3.0 has the same ids; those that 3.1 named later were reserved there.
NAMED = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|reserved_special_token_0|>",
    "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>",
    "<|step_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|python_tag|>",
    "<|image|>",
)
BOS, EOS = "<|begin_of_text|>", "<|end_of_text|>"
STOPS = (EOS, "<|eom_id|>", "<|eot_id|>")
LINE = re.compile(rb"([A-Za-z0-9+/]+={0,2}) ([0-9]+)\r?")
# The reference encodes a long text in parts, since the library's regex overflows on long runs.
_LONGEST_PART, _LONGEST_RUN = 400_000, 25_000
_RUN = re.compile(r"\s+|\S+")


class TiktokenTokenizer:
    """A `Tokenizer` made from a tiktoken file, with Llama 3's pattern and special tokens.

    Args:
        file: the bytes of the file.
        where: what errors call it, usually its path.

    Attributes:
        special_ids: name -> id of the 256 special tokens, which follow the ranks.
        stop_ids: <|end_of_text|>, <|eom_id|>, <|eot_id|>.

    Raises:
        InputError: a line is not "base64 rank", a rank is missing or twice there, or a byte is.
    """

    def __init__(self, file: bytes, where: str = "tiktoken file") -> None:
        import tiktoken

        self._file = file
        self._tokens = read_ranks(file, where)
        names = special_names()
        self.vocab_size: int = len(self._tokens) + len(names)
        self.special_ids = {name: len(self._tokens) + i for i, name in enumerate(names)}
        self.bos_id: int = self.special_ids[BOS]
        self.eos_id: int = self.special_ids[EOS]
        self.stop_ids = tuple(self.special_ids[name] for name in STOPS)
        self._encoding: tiktoken.Encoding = tiktoken.Encoding(
            name=where,
            pat_str=PATTERN,
            mergeable_ranks={token: rank for rank, token in enumerate(self._tokens)},
            special_tokens=self.special_ids,
            explicit_n_vocab=self.vocab_size,
        )

    def __repr__(self) -> str:
        return f"TiktokenTokenizer(vocab_size={self.vocab_size}, sha256={self.sha256!r})"

    @cached_property
    def sha256(self) -> str:
        """Hex digest of tokens, ranks, pattern and special tokens; not of the file."""
        tokens = [base64.b64encode(token).decode() for token in self._tokens]
        content = json.dumps([tokens, PATTERN, special_names()])
        return hashlib.sha256(content.encode()).hexdigest()

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, without BOS or EOS; "<|eot_id|>" in a text is plain text.

        A run of more than 25,000 characters that are white space, or that are not, is cut as the
        reference cuts it, and a text after each 400,000 characters: no token spans a cut.

        Raises:
            InputError: the text has a lone surrogate, which UTF-8 cannot hold.
        """
        utf8(text)
        ids: list[int] = []
        for part in _parts(text):
            ids += self._encoding.encode_ordinary(part)
        return ids

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of `text`, and for each the (begin, end) bytes of UTF-8 `text` that it covers.

        A byte of a character covers the whole character; nothing is added to a text.

        Raises:
            InputError: the text has a lone surrogate, which UTF-8 cannot hold.
        """
        ids = self.encode(text)
        return ids, tiled_offsets(utf8(text), [len(self._tokens[token]) for token in ids])

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`; special tokens have none, what is not UTF-8 becomes U+FFFD.

        Raises:
            InputError: an id outside the vocabulary.
        """
        data = b"".join(self.id_to_bytes(int(token)) for token in ids)
        return data.decode(errors="replace")

    def id_to_piece(self, token: int) -> str:
        r"""The token as text, bytes that are not UTF-8 escaped: " the", "\\xf0\\x9f", "<|eot_id|>".

        Raises:
            InputError: an id outside the vocabulary.
        """
        check_id(token, self.vocab_size)
        if token < len(self._tokens):
            return self._tokens[token].decode(errors="backslashreplace")
        return special_names()[token - len(self._tokens)]

    def id_to_bytes(self, token: int) -> bytes:
        """The bytes that a token stands for inside a text; none for special tokens.

        Raises:
            InputError: an id outside the vocabulary.
        """
        check_id(token, self.vocab_size)
        return self._tokens[token] if token < len(self._tokens) else b""

    def serialized(self) -> bytes:
        """A tiktoken file: the very bytes this tokenizer was made from."""
        return self._file


def special_names() -> tuple[str, ...]:
    """The names of Llama 3's 256 special tokens, in the order of their ids."""
    reserved = range(2, SPECIAL_COUNT - len(NAMED) + 2)
    return NAMED + tuple(f"<|reserved_special_token_{number}|>" for number in reserved)


def read_ranks(file: bytes, where: str) -> list[bytes]:
    """The tokens of a tiktoken file by rank; ranks must be 0, 1, 2, ... in any order.

    Raises:
        InputError: a line is not "base64 rank", a rank is missing or twice there, or a byte is.
    """
    ranks: dict[int, bytes] = {}
    number_of: dict[bytes, int] = {}
    for number, line in enumerate(file.split(b"\n"), 1):
        if not line.strip():
            continue
        match = LINE.fullmatch(line)
        if match is None or len(match[1]) % 4:
            raise InputError(
                f"{where}: line {number} is {line[:40]!r}, not a token in base64 and its rank; the "
                "file is truncated or corrupt: copy it again"
            )
        token, rank = base64.b64decode(match[1]), int(match[2])
        if rank in ranks or token in number_of:
            what = f"rank {rank}" if rank in ranks else f"the token {token!r}"
            raise InputError(f"{where}: line {number}: {what} is there a second time")
        ranks[rank] = token
        number_of[token] = number
    missing = next((rank for rank in range(len(ranks)) if rank not in ranks), None)
    if missing is not None:
        raise InputError(
            f"{where}: rank {missing} is missing, though the file has {len(ranks)} tokens up to "
            f"rank {max(ranks)}; the file is incomplete: copy it again"
        )
    absent = [byte for byte in range(256) if bytes([byte]) not in number_of]
    if absent:
        raise InputError(
            f"{where}: a tiktoken file without {len(absent)} of the 256 bytes (the first: "
            f"0x{absent[0]:02X}): texts that have them could not be encoded"
        )
    return [ranks[rank] for rank in range(len(ranks))]


def _parts(text: str) -> Iterator[str]:
    for start in range(0, len(text), _LONGEST_PART):
        block = text[start : start + _LONGEST_PART]
        cuts = [0]
        if len(block) > _LONGEST_RUN:
            for run in _RUN.finditer(block):
                cuts += range(run.start() + _LONGEST_RUN, run.end(), _LONGEST_RUN)
        for begin, end in zip(cuts, [*cuts[1:], len(block)], strict=True):
            yield block[begin:end]
