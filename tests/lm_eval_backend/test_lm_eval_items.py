"""Requests of lm-evaluation-harness as items; expected ids are spelt out by hand."""

import pytest
from tokenizer import bpe

from llama_jax import samples
from llama_jax.errors import InputError
from llama_jax.lm_eval_backend.items import encode, generate_item, pair_item, rolling_items
from llama_jax.lm_eval_backend.texts import continuation
from llama_jax.tokenizer import HuggingFaceTokenizer, load_tokenizer

LONG = 1000


@pytest.fixture(scope="module")
def byte_level():
    tokens = bpe.train(bpe.TEXT, 80)
    return HuggingFaceTokenizer(bpe.tokenizer_json(tokens))


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(samples.TOKENIZER)


def whole(tokenizer, text):
    return (1, *tokenizer.encode(text))


def test_spaces_at_the_end_of_the_context_are_scored(tokenizer):
    item, cut = pair_item(tokenizer, "the cat \n", "sat", LONG)
    assert (item.ids, cut) == (whole(tokenizer, "the cat \nsat"), 0)
    assert item.start == 1 + len(tokenizer.encode("the cat"))


@pytest.mark.parametrize("context", ["", " ", "<s>"])
def test_an_empty_context_is_bos(tokenizer, context):
    item, _ = pair_item(tokenizer, context, "<s>the cat" if context == "" else "the cat", LONG)
    spaces = context if context == " " else ""
    assert item.ids == whole(tokenizer, spaces + "the cat") and item.start == 1


def test_what_is_too_long_loses_its_beginning(tokenizer):
    ids = whole(tokenizer, "one two three four five")
    item, cut = pair_item(tokenizer, "one two three four", " five", len(ids) - 3)
    assert cut == 2 and item.ids == ids[2:]
    assert item.ids[item.start :] == ids[1 + len(tokenizer.encode("one two three four")) :]
    with pytest.raises(InputError, match="exceeds the context of 2 tokens"):
        pair_item(tokenizer, "one", " two three four five", 2)


def test_nothing_to_score_is_refused(tokenizer):
    with pytest.raises(InputError, match="has no token"):
        pair_item(tokenizer, "the cat", "", LONG)


def test_rolling_windows_begin_with_two_bos_and_score_every_id_once(tokenizer):
    text = "once upon a time there was a cat"
    ids = (1, *whole(tokenizer, text))
    items = rolling_items(tokenizer, text, 5)
    assert items[0].ids == ids[:6] and items[0].start == 1
    assert sum((item.ids[item.start :] for item in items), ()) == ids[1:]
    assert all(len(item.ids) == 6 for item in items)
    assert [item.ids for item in rolling_items(tokenizer, "", 5)] == [(1, 1)]


def test_generation_arguments(tokenizer):
    ids = whole(tokenizer, "the cat")

    def made(**how):
        return generate_item(tokenizer, "the cat", how, LONG, seed=3)[0]

    plain = made()
    assert (plain.ids, plain.max_new_tokens, plain.stop) == (ids, 256, ())
    assert made(until="\n").stop == ("\n",)
    assert made(until=["a", "", "b", "a"]).stop == ("a", "b")
    assert made(max_tokens=5, max_gen_toks=7).max_new_tokens == 7
    assert made(do_sample=False, temperature=0.8, top_p=0.5) == plain
    assert made(temperature=0.0) == plain
    drawn = made(do_sample=True, temperature=0.5, top_p=0.9, top_k=4)
    assert (drawn.temperature, drawn.top_p, drawn.top_k, drawn.seed) == (0.5, 0.9, 4, 3)
    assert made(temperature=0.5).temperature == 0.5


@pytest.mark.parametrize(
    "how, said",
    [
        ({"num_beams": 4}, "num_beams"),
        ({"do_sample": True}, "temperature 0"),
        ({"until": 3}, "until 3"),
        ({"max_gen_toks": LONG}, f"{LONG} leaves no room"),
    ],
)
def test_impossible_generation_arguments_are_one_line(tokenizer, how, said):
    with pytest.raises(InputError, match=said) as error:
        generate_item(tokenizer, "the cat", how, LONG)
    assert "\n" not in str(error.value)


def test_a_long_prompt_leaves_room_for_what_is_generated(tokenizer):
    ids = whole(tokenizer, "one two three four five")
    item, cut = generate_item(tokenizer, "one two three four five", {"max_gen_toks": 6}, 10)
    assert item.ids == ids[-4:] and cut == len(ids) - 4


def test_texts_are_those_of_the_fast_tokenizers(tokenizer):
    assert continuation(tokenizer, tokenizer.encode("the cat. sat")) == "the cat. sat"
    assert continuation(tokenizer, tokenizer.encode("the cat. sat"), ["sat", "."]) == "the cat"
    byte = [i for i in range(tokenizer.vocab_size) if tokenizer.id_to_piece(i) == "<0xC3>"]
    other = [i for i in range(tokenizer.vocab_size) if tokenizer.id_to_piece(i) == "<0xA9>"]
    assert continuation(tokenizer, byte + other) == "é"
    assert continuation(tokenizer, byte + byte + other) == "\ufffd" * 3


def test_continuations_of_byte_level_bpe(byte_level):
    """Nothing is dropped, and characters that two tokens share are whole."""
    for text in (" the cat", "the cat", "\U0001f600 é", "  x"):
        ids = byte_level.encode(text)
        assert continuation(byte_level, ids) == text
        assert continuation(byte_level, [*ids, byte_level.eos_id]) == text
    broken = byte_level.encode("a\U0001f600")[:-1]
    assert continuation(byte_level, broken) == byte_level.decode(broken)
    assert continuation(byte_level, byte_level.encode(" a. b"), ["."]) == " a"


def test_a_text_that_begins_with_bos_gets_no_second_one(tokenizer, byte_level):
    for one, bos in ((tokenizer, "<s>"), (byte_level, "<|begin_of_text|>")):
        assert encode(one, f"{bos}the cat") == [one.bos_id, *one.encode("the cat")]
        assert encode(one, f"a{bos}") == [one.bos_id, *one.encode(f"a{bos}")]
