"""What the rest of the library may ask of a tokenizer, whichever file it came from."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError


@runtime_checkable
class Tokenizer(Protocol):
    """Text to token ids and back.

    Attributes:
        vocab_size: number of pieces; ids are 0 to vocab_size - 1.
        bos_id: the token that begins a text.
        eos_id: the token that ends a text.
        sha256: hex digest of the pieces, their scores or order, and every setting that changes the
            ids, not of the file: llama2.c's and SentencePiece's files of one tokenizer have the
            same.
    """

    vocab_size: int
    bos_id: int
    eos_id: int
    sha256: str

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, without BOS or EOS; "<s>" in a text is plain text."""
        ...

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of `text`, and for each the (begin, end) bytes of UTF-8 `text` that it covers.

        A byte of a character covers the whole character. What the tokenizer adds itself (the space
        before the first word) covers nothing: begin equals end.
        """
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`; BOS and EOS have none, bytes that are not UTF-8 become U+FFFD."""
        ...

    def id_to_piece(self, token: int) -> str:
        """The entry of the vocabulary, as the tokenizer's file writes it."""
        ...

    def id_to_bytes(self, token: int) -> bytes:
        """The UTF-8 bytes that a token stands for inside a text; none for BOS and EOS."""
        ...

    def serialized(self) -> bytes:
        """A file that `load_tokenizer` reads back as this tokenizer, with the same `sha256`."""
        ...


@runtime_checkable
class HasSpecialTokens(Protocol):
    """What tokenizers with more special tokens than BOS and EOS have besides.

    Attributes:
        special_ids: name -> id, as "<|eot_id|>" -> 128009; no text encodes to these ids.
        stop_ids: those that end a text or a turn, the EOS first.
    """

    special_ids: Mapping[str, int]
    stop_ids: tuple[int, ...]


def stop_ids(tokenizer: Tokenizer) -> tuple[int, ...]:
    """The ids that end a generation: EOS, and what else the tokenizer ends a turn with."""
    if isinstance(tokenizer, HasSpecialTokens):
        return tuple(tokenizer.stop_ids)
    return (tokenizer.eos_id,)


def check_fits(tokenizer: Tokenizer, config: LlamaConfig) -> None:
    """Refuses a tokenizer that has ids for which the model has no embedding.

    A smaller one is allowed: embeddings are often padded.

    Raises:
        InputError: the tokenizer has more pieces than the embedding has rows.
    """
    if tokenizer.vocab_size > config.vocab_size:
        raise InputError(
            f"the tokenizer has {tokenizer.vocab_size} pieces but the model's embedding has "
            f"{config.vocab_size} rows (vocab_size): they do not belong together; pass the "
            "tokenizer that the model was trained with"
        )
