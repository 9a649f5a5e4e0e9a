"""Tokenizers to test prompt formats with, and the golden file."""

import json
import re
from pathlib import Path

import pytest

from llama_jax import samples
from llama_jax.tokenizer import SentencePieceTokenizer, load_tokenizer, spm_model

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "parity" / "golden" / "chat.json").read_text(encoding="utf-8")
)

# Of Llama 3's vocabulary, what the tests say: ids from the tests of meta-llama/llama3.
_WORDS = {
    "user": 882,
    "system": 9125,
    "assistant": 78191,
    "\n\n": 271,
    "This": 2028,
    " is": 374,
    " a": 264,
    " test": 1296,
    " sentence": 11914,
    " response": 2077,
    ".": 13,
}
_SPECIAL = {
    "<|begin_of_text|>": 128000,
    "<|end_of_text|>": 128001,
    "<|start_header_id|>": 128006,
    "<|end_header_id|>": 128007,
    "<|eot_id|>": 128009,
}


class Llama3Words:
    """A `Tokenizer` of a few words of Llama 3's; other characters count from 50000.

    Args:
        reads_special: whether special tokens that a text spells are encoded as such.
    """

    vocab_size, bos_id, eos_id, sha256 = 128256, 128000, 128001, "words"

    def __init__(self, reads_special: bool = False) -> None:
        self.special_ids = dict(_SPECIAL)
        self._reads_special = reads_special

    def encode(self, text: str) -> list[int]:
        known = {**_WORDS, **(_SPECIAL if self._reads_special else {})}
        words = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
        found = re.findall(f"{words}|.", text, re.DOTALL)
        return [known.get(word) or 50000 + ord(word) for word in found]

    def encode_with_offsets(self, text):
        raise NotImplementedError("no prompt format asks for offsets")

    def decode(self, ids) -> str:
        names = {token: word for word, token in _WORDS.items()}
        texts = (names.get(i) or chr(i - 50000) for i in ids if i < 128000)
        return "".join(texts)

    def id_to_piece(self, token: int) -> str:
        return self.decode([token])

    def id_to_bytes(self, token: int) -> bytes:
        return self.decode([token]).encode()

    def serialized(self) -> bytes:
        return b""


def with_pieces(tokenizer: SentencePieceTokenizer, names) -> SentencePieceTokenizer:
    """The tokenizer with further pieces, each a merge of lower rank than those before."""
    model = spm_model.read(tokenizer.serialized(), "tokenizer")
    last = model.pieces[-1].score
    more = (spm_model.Piece(n, last - 1 - i, spm_model.NORMAL) for i, n in enumerate(names))
    return SentencePieceTokenizer(
        spm_model.write(spm_model.SpmModel(**{**vars(model), "pieces": (*model.pieces, *more)}))
    )


@pytest.fixture(scope="session")
def llama2(shared):
    """Llama 2's own tokenizer."""
    path = shared / "tokenizer" / "llama2_tokenizer.model"
    if not path.is_file():
        pytest.skip(f"LLAMA_JAX_SHARED: no {path}")
    return load_tokenizer(path)


@pytest.fixture(scope="session")
def code_llama(llama2):
    """Llama 2's with the pieces that Code Llama 7B and 13B have behind them."""
    return with_pieces(llama2, GOLDEN["infilling_pieces"])


@pytest.fixture(scope="session")
def small():
    """The tokenizer inside the package."""
    return load_tokenizer(samples.TOKENIZER)


@pytest.fixture(scope="session")
def small_infilling(small):
    """The tokenizer inside the package, with the infilling tokens."""
    return with_pieces(small, [f"\u2581<{name}>" for name in ("PRE", "SUF", "MID", "EOT")])


@pytest.fixture(scope="session")
def llama3_words():
    """The class `Llama3Words`."""
    return Llama3Words
