"""Perplexity against a float64 NumPy computation, by hand, and at the command line."""

import math

import numpy as np
import pytest
from reference import numpy_llama

import llama_jax as lj
from llama_jax import samples
from llama_jax.errors import InputError
from llama_jax.evals.perplexity import Perplexity, perplexity, read_text
from llama_jax.inference.types import ScoreResult

TEXT = samples.CORPUS.read_text(encoding="utf-8")[:1500] + "Grüße \u2028 日本\r\n"


def numpy_logprob(model, text, window, stride):
    """Each token once, from the definition: windows that end at 1 + window, + stride, + stride."""
    ids = list(model.encode(text))
    total, scored_to = 0.0, 1
    while scored_to < len(ids):
        end = min(window + 1 if scored_to == 1 else scored_to + stride, len(ids))
        begin = max(0, end - window - 1)
        logits = numpy_llama.logits(model.stacked_params(), model.config, ids[begin : end - 1])
        top = logits.max(-1, keepdims=True)
        logprobs = logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))
        for place in range(scored_to, end):
            total += logprobs[place - 1 - begin, ids[place]]
        scored_to = end
    return total, len(ids) - 1


@pytest.fixture(scope="module")
def stories(shared):
    folder = shared / "models" / "stories260K"
    return lj.load(folder / "stories260K.bin", folder / "tok512.model")


@pytest.mark.shared
@pytest.mark.parametrize(("window", "stride"), [(None, None), (256, 64), (100, 33), (7, 1)])
def test_equals_numpy_in_float64(stories, window, stride):
    text = TEXT if stride != 1 else TEXT[-300:]
    found = stories.perplexity(text, window=window, stride=stride)
    width = window or stories.config.context
    logprob, tokens = numpy_logprob(stories, text, width, stride or width)
    assert found.tokens == tokens
    assert found.per_token == pytest.approx(math.exp(-logprob / tokens), rel=1e-6)
    size = len(text.encode())
    assert found.per_byte == pytest.approx(math.exp(-logprob / size), rel=1e-6)
    assert found.bits_per_byte == pytest.approx(-logprob / size / math.log(2), rel=1e-6)


def test_by_hand():
    """Four tokens of probability 1/2, 1/4, 1/4, 1/2 are 6 bits."""
    found = Perplexity(-6 * math.log(2), 4, 12, 2, 8, 8, 1, "")
    assert found.per_token == pytest.approx(2**1.5)
    assert found.per_byte == pytest.approx(2**0.5)
    assert found.per_word == pytest.approx(8)
    assert found.bits_per_byte == pytest.approx(0.5)


def test_what_is_beyond_float64_or_has_no_words_is_none():
    assert Perplexity(-1000.0, 500, 900, 1, 8, 8, 1, "").per_word is None
    assert Perplexity(-10.0, 5, 9, 0, 8, 8, 1, "").per_word is None


class Uniform:
    """Gives every token 1/256."""

    def score(self, items, on_result=None, known=()):
        results = [
            ScoreResult((-math.log(256),) * (len(item.ids) - item.start), False) for item in items
        ]
        for index, result in enumerate(results):
            on_result(index, result)
        return results

    def generate(self, items, *, on_result=None):
        raise AssertionError("perplexity generates nothing")


@pytest.mark.parametrize(("window", "stride"), [(5, None), (5, 2), (9, 9), (1, 1)])
def test_a_uniform_model_has_the_vocabulary_size(tokenizer, window, stride):
    found = perplexity(Uniform(), tokenizer, 9, "a uniform text", window=window, stride=stride)
    assert found.tokens == 14
    assert found.words == 3
    assert found.per_token == pytest.approx(256)


@pytest.mark.parametrize(
    ("text", "window", "stride", "said"),
    [
        ("", None, None, "the text is empty"),
        ("text", 10, None, "window 10 exceeds the model's context of 9 tokens"),
        ("text", 0, None, "window 0 must be at least 1"),
        ("text", 4, 5, "stride 5 must be from 1 to the window, 4"),
        ("text", None, 0, "stride 0 must be from 1 to the window, 9"),
    ],
)
def test_bad_settings_are_refused(tokenizer, text, window, stride, said):
    with pytest.raises(InputError, match=said):
        perplexity(Uniform(), tokenizer, 9, text, window=window, stride=stride)


def test_texts_that_cannot_be_read_are_refused(tmp_path):
    path = tmp_path / "text"
    with pytest.raises(InputError, match="cannot read the text: No such file"):
        read_text(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="the text is empty"):
        read_text(path)
    path.write_bytes(b"ab\xffc")
    with pytest.raises(InputError, match=r"byte 2 \(0xff\) is not UTF-8"):
        read_text(path)
    path.write_bytes(b"a\r\nb\xe2\x80\xa8")
    assert read_text(path) == "a\r\nb\u2028"
