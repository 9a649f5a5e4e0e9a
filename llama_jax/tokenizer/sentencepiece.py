"""Tokenizers of Llama 1 and 2: a SentencePiece model run by the sentencepiece library."""

import itertools
from collections.abc import Sequence
from functools import cached_property

import sentencepiece

from llama_jax.errors import InputError
from llama_jax.tokenizer import spm_model
from llama_jax.tokenizer.byte_text import check_id, utf8
from llama_jax.tokenizer.spm_model import LOWER_BLOCK, SpmModel


class SentencePieceTokenizer:
    """A `Tokenizer` made from a SentencePiece model.

    Args:
        model_file: the bytes of a SentencePiece `.model` file.
        where: what errors call it, usually its path.

    Raises:
        InputError: the bytes are not a SentencePiece model, or it has no BOS or EOS piece.
    """

    def __init__(self, model_file: bytes, where: str = "SentencePiece model") -> None:
        self._file = model_file
        self._model = spm_model.read(model_file, where)
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model_file)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{where}: SentencePiece refuses this model: {reason}") from error
        self.vocab_size: int = len(self._model.pieces)
        self.bos_id: int = self._processor.bos_id()
        self.eos_id: int = self._processor.eos_id()
        for name, token in (("BOS", self.bos_id), ("EOS", self.eos_id)):
            if token < 0:
                raise InputError(
                    f"{where}: the model has no {name} piece; Llama's texts begin with <s> and end "
                    "with </s>: train the tokenizer with both"
                )
        self._bytes = _text_bytes(self._model)
        # In the normalized text, where a lower block has three bytes.
        self._sizes = [
            1 if piece.kind == spm_model.BYTE else len(piece.text.encode())
            for piece in self._model.pieces
        ]

    def __repr__(self) -> str:
        return f"SentencePieceTokenizer(vocab_size={self.vocab_size}, sha256={self.sha256!r})"

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the pieces, scores and settings; not of the file (`SpmModel.sha256`)."""
        return self._model.sha256()

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, without BOS or EOS; U+2581 in `text` is a space to SentencePiece.

        Raises:
            InputError: the text has a lone surrogate, which UTF-8 cannot hold.
        """
        return self._processor.encode(utf8(text), out_type=int)

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of `text`, and for each the (begin, end) bytes of UTF-8 `text` that it covers.

        A byte of a character covers the whole character; the space that SentencePiece adds in front
        covers nothing. Where the model removes extra white space, the space that is left of a run
        covers the run, and spaces at either end of the text belong to no token.

        Raises:
            InputError: the text has a lone surrogate, which UTF-8 cannot hold.
        """
        data = utf8(text)
        ids = self._processor.encode(data, out_type=int)
        if not ids:
            return [], []
        # The pieces tile the normalized text, and each of its bytes knows where it comes from.
        normalized, origin = self._processor.normalize(data, with_offsets=True)
        if self._processor.unk_id() in ids:  # an unknown piece is as long as what it stands for
            surfaces = self._processor.encode(text, out_type=str)
            sizes = [len(surface.encode()) for surface in surfaces]
        else:
            sizes = [self._sizes[token] for token in ids]
        edges = list(itertools.accumulate(sizes, initial=0))
        assert edges[-1] == len(origin) - 1, (text, edges[-1], len(origin) - 1)
        offsets = [(origin[begin], origin[end]) for begin, end in itertools.pairwise(edges)]
        added_space = normalized[: edges[1]] in (LOWER_BLOCK, LOWER_BLOCK.encode())
        return ids, _whole_characters(offsets, added_space)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`: BOS and EOS have none, each byte that is not UTF-8 becomes U+FFFD.

        SentencePiece drops the space that begins the text, which `encode` put there.

        Raises:
            InputError: an id outside the vocabulary.
        """
        tokens = [int(token) for token in ids]
        if tokens:
            self._check(min(tokens))
            self._check(max(tokens))
        return self._processor.decode(tokens)

    def id_to_piece(self, token: int) -> str:
        """The entry of the vocabulary, a lower block for each space: "▁the", "<0x0A>", "<s>".

        Raises:
            InputError: an id outside the vocabulary.
        """
        return self._model.pieces[self._check(token)].text

    def id_to_bytes(self, token: int) -> bytes:
        """The UTF-8 bytes that a token stands for inside a text; none for BOS and EOS.

        Raises:
            InputError: an id outside the vocabulary.
        """
        return self._bytes[self._check(token)]

    def serialized(self) -> bytes:
        """A SentencePiece `.model` file: the very bytes this tokenizer was made from."""
        return self._file

    def _check(self, token: int) -> int:
        return check_id(token, self.vocab_size)


def _text_bytes(model: SpmModel) -> list[bytes]:
    texts = []
    for text, _, kind in model.pieces:
        if kind == spm_model.CONTROL:
            texts.append(b"")
        elif kind == spm_model.UNKNOWN:
            texts.append(model.unk_surface.encode())
        elif kind == spm_model.BYTE:
            texts.append(bytes([int(text[1:-1], 16)]))
        else:
            texts.append(text.replace(LOWER_BLOCK, " ").encode())
    return texts


def _whole_characters(offsets: list[tuple[int, int]], added_space: bool) -> list[tuple[int, int]]:
    # SentencePiece puts the first bytes of a character at its beginning, with no width, and the
    # last byte over the whole of it. Only an added space at the very start stands for nothing.
    whole = list(offsets)
    for index in range(len(offsets) - 2, -1, -1):
        begin, end = offsets[index]
        if begin == end and not (index == 0 and added_space):
            whole[index] = (begin, whole[index + 1][1])
    return whole
