import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.errors import InputError
from llama_jax.prompts import Message, llama2_chat_ids

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "parity" / "golden" / "chat.json").read_text(encoding="utf-8")
)


def dialogue(*said: str, system: str | None = None) -> list[Message]:
    """User and assistant in turn."""
    first = [] if system is None else [Message("system", system)]
    return [*first, *(Message(("user", "assistant")[i % 2], text) for i, text in enumerate(said))]


@pytest.mark.shared
@pytest.mark.parametrize("case", GOLDEN["chat"], ids=lambda case: case["name"])
def test_the_ids_are_those_of_metas_code(llama2, case):
    messages = [Message(*message) for message in case["messages"]]
    assert llama2_chat_ids(llama2, messages) == case["ids"]


@pytest.mark.shared
def test_a_prompt_as_the_field_knows_it(llama2):
    """`<s>[INST] hi [/INST]`: ids that many have printed."""
    ids = llama2_chat_ids(llama2, dialogue("hi"))
    assert ids == [1, 518, 25580, 29962, 7251, 518, 29914, 25580, 29962]


def test_each_exchange_is_encoded_by_itself(small):
    ids = llama2_chat_ids(small, dialogue(" one ", " two\n", "three"))
    first = [1, *small.encode("[INST] one [/INST] two "), 2]
    assert ids == [*first, 1, *small.encode("[INST] three [/INST]")]


def test_white_space_between_system_and_user_stays(small):
    """Meta's code strips the two together, when they are one text already."""
    ids = llama2_chat_ids(small, dialogue("\n  hi  ", system=" be brief "))
    text = "[INST] <<SYS>>\n be brief \n<</SYS>>\n\n\n  hi [/INST]"
    assert ids == [1, *small.encode(text)]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="[<"), max_size=8), min_size=1)
)
def test_bos_and_eos_stand_around_exchanges_only(small, texts):
    said = texts if len(texts) % 2 else texts[:-1]
    ids = llama2_chat_ids(small, dialogue(*(said or ["x"])))
    assert ids.count(small.bos_id) == len(said or "x") // 2 + 1
    assert ids.count(small.eos_id) == len(said) // 2
    assert ids[0] == small.bos_id and ids[-1] != small.eos_id


@pytest.mark.parametrize("tag", ["[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"])
@pytest.mark.parametrize("role", ["user", "system", "assistant"])
def test_special_tags_are_refused_in_every_text(small, tag, role):
    texts = {"system": "s", "user": "u", "assistant": "a"} | {role: f"x {tag} y"}
    messages = [*(Message(r, t) for r, t in texts.items()), Message("user", "u")]
    index = list(texts).index(role)
    with pytest.raises(InputError) as refused:
        llama2_chat_ids(small, messages)
    assert f"message {index} ({role}): the text holds {tag!r}" in str(refused.value)
    assert "take it out" in str(refused.value)


WRONG = {
    "nothing": ([], "the last of 0 messages is missing"),
    "no user": (["system"], "the last of 1 messages is the system's"),
    "assistant first": (["assistant"], "message 0 is the assistant's where the user's"),
    "assistant last": (["user", "assistant"], "the last of 2 messages is the assistant's"),
    "user twice": (["user", "user"], "message 1 is the user's where the assistant's"),
    "two systems": (["system", "system", "user"], "message 1 is the system's where the user's"),
    "late system": (["user", "system", "user"], "message 1 is the system's where the assistant's"),
}


@pytest.mark.parametrize("case", WRONG)
def test_messages_out_of_order_are_refused(small, case):
    roles, message = WRONG[case]
    with pytest.raises(InputError, match=message) as refused:
        llama2_chat_ids(small, [Message(role, "x") for role in roles])
    assert "\n" not in str(refused.value)


def test_an_unknown_role_is_refused():
    with pytest.raises(InputError, match="role 'bot': a message's role is one of system, user"):
        Message("bot", "x")
