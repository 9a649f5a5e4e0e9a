import dataclasses

import pytest

from llama_jax import load
from llama_jax.chat import Message, Sampling, reply
from llama_jax.errors import InputError
from llama_jax.prompts import chat_format, llama2_chat_ids

GREEDY = Sampling(temperature=0, max_new_tokens=6)
HELLO = [Message("user", "Hello")]


@pytest.fixture(scope="module")
def model(small_model):
    return load(small_model)


def test_a_reply_continues_the_encoded_dialogue(model):
    shown = []
    found = reply(model, HELLO, sampling=GREEDY, on_text=shown.append)
    ids = llama2_chat_ids(model.tokenizer, HELLO)
    [plain] = model.generations([ids], max_new_tokens=6)
    assert found.text == plain.text.strip() and found.text
    assert "".join(shown) == plain.text
    assert (found.stop_reason, found.prompt_tokens) == ("length", len(ids))


def test_a_tag_of_the_format_and_an_end_id_end_a_reply(model):
    ids = llama2_chat_ids(model.tokenizer, HELLO)
    [plain] = model.generations([ids], max_new_tokens=6)
    assert len(set(plain.ids)) > 1
    third = plain.ids[2]
    form = dataclasses.replace(chat_format(model.tokenizer), end_ids=(third,))
    found = reply(model, HELLO, form=form, sampling=GREEDY)
    before = plain.ids[: plain.ids.index(third)]
    assert found.stop_reason == "eos"
    assert (
        found.text
        == model.tokenizer.decode([*ids, *before])[len(model.tokenizer.decode(ids)) :].strip()
    )
    form = dataclasses.replace(form, end_ids=(), stop=(plain.text[4:6],))
    found = reply(model, HELLO, form=form, sampling=GREEDY)
    assert (found.stop_reason, found.text) == (
        "stop",
        plain.text.partition(plain.text[4:6])[0].strip(),
    )


def test_what_the_context_leaves_is_the_most(model):
    long = [Message("user", "a cat " * 12)]
    asked = dataclasses.replace(GREEDY, max_new_tokens=500)
    found = reply(model, long, sampling=asked)
    room = model.config.context - found.prompt_tokens
    assert found.stop_reason in ("context", "stop", "eos") and 0 < room < 500
    exact = reply(model, long, sampling=dataclasses.replace(GREEDY, max_new_tokens=room))
    assert exact.text == found.text
    assert exact.stop_reason == {"context": "length"}.get(found.stop_reason, found.stop_reason)


def test_a_dialogue_that_fills_the_context_is_refused_with_both_lengths(model):
    with pytest.raises(InputError, match=r"has \d+ tokens, .* the context of 128; begin a new"):
        reply(model, [Message("user", "a cat sat " * 60)], sampling=GREEDY)


def test_a_reply_is_a_function_of_the_seed(model):
    hot = Sampling(temperature=2.0, top_p=1.0, max_new_tokens=8)
    texts = [reply(model, HELLO, sampling=dataclasses.replace(hot, seed=s)).text for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_wrong_settings_are_refused_at_once():
    with pytest.raises(InputError, match="temperature -1"):
        Sampling(temperature=-1.0)
    with pytest.raises(InputError, match="max_new_tokens 0 is below 1"):
        Sampling(max_new_tokens=0)
