"""Tokenizers to test with: small ones trained here on made-up text, and the real files."""

import dataclasses
import io
import random

import pytest
import sentencepiece
from hypothesis import strategies as st

from llama_jax.tokenizer import SentencePieceTokenizer, load_tokenizer, spm_model

TEXT = "the cat sat on a mat and then ran home with seven small green birds über café"


def train(**options) -> bytes:
    """A tiny BPE model of made-up text, the bytes of its .model file."""
    rng = random.Random(0)
    sentences = [" ".join(rng.choices(TEXT.split(), k=rng.randint(3, 9))) + "." for _ in range(300)]
    # Runs of spaces become pieces, as in Llama's own vocabulary.
    sentences += ["  the   cat    sat", "a  b"] * 40
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=model,
        model_type="bpe",
        minloglevel=2,
        **{
            "vocab_size": 360,
            "byte_fallback": True,
            "normalization_rule_name": "identity",
            "remove_extra_whitespaces": False,
            "allow_whitespace_only_pieces": True,
            "character_coverage": 1.0,
        }
        | options,
    )
    return model.getvalue()


@pytest.fixture(scope="session")
def train_model():
    return train


@pytest.fixture(scope="session")
def small_file() -> bytes:
    """A .model file with Llama's settings and 360 pieces."""
    return train()


@pytest.fixture(scope="session")
def small(small_file) -> SentencePieceTokenizer:
    return SentencePieceTokenizer(small_file)


@pytest.fixture(scope="session")
def collapsing(small_file) -> SentencePieceTokenizer:
    """The same pieces, but extra white space is removed, as tok512.model does."""
    model = dataclasses.replace(spm_model.read(small_file, "small"), remove_extra_whitespace=True)
    return SentencePieceTokenizer(spm_model.write(model))


@pytest.fixture(scope="session")
def llama(shared) -> SentencePieceTokenizer:
    return load_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model")


FRAGMENTS = (
    [" ", "  ", "   ", "\t", "\n", "\n\n", "\u2581", "\u2581 ", "<s>", "</s>", "<unk>", "<0x0A>"]
    + ["é", "e\u0301", "\U0001f600", "\U0001f469\u200d\U0001f467", "ქა", "你好", "\x00", "\ufffd"]
    + ["the", " the", "th", "e cat", "seven", "gre", "en", ".", "Z", "7"]
)


@pytest.fixture(scope="session")
def fragments() -> list[str]:
    return FRAGMENTS


@pytest.fixture(scope="session")
def texts() -> st.SearchStrategy[str]:
    """Texts rich in what tokenizers get wrong: white space, lower blocks, rare characters."""
    mixed = st.lists(st.sampled_from(FRAGMENTS), max_size=10).map("".join)
    # surrogates cannot be written as UTF-8; they have a test of their own
    return mixed | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
