import pytest

from llama_jax.errors import InputError
from llama_jax.prompts import Message, chat_format, llama3_chat_ids


def test_the_dialogue_of_metas_own_test(llama3_words):
    """`test_encode_dialog` of meta-llama/llama3, llama/test_tokenizer.py."""
    messages = [
        Message("system", "This is a test sentence."),
        Message("user", "This is a response."),
    ]
    assert llama3_chat_ids(llama3_words(), messages) == [
        *(128000, 128006, 9125, 128007, 271, 2028, 374, 264, 1296, 11914, 13, 128009),
        *(128006, 882, 128007, 271, 2028, 374, 264, 2077, 13, 128009),
        *(128006, 78191, 128007, 271),
    ]


def test_replies_stand_between_and_white_space_is_removed(llama3_words):
    texts = (("user", " This is\n"), ("assistant", "\n\n a test "), ("user", "This."))
    ids = llama3_chat_ids(llama3_words(), [Message(*text) for text in texts])
    assert ids == [
        *(128000, 128006, 882, 128007, 271, 2028, 374, 128009),
        *(128006, 78191, 128007, 271, 50000 + ord("a"), 1296, 128009),
        *(128006, 882, 128007, 271, 2028, 13, 128009, 128006, 78191, 128007, 271),
    ]


def test_a_special_token_that_a_text_spells_is_plain_text(llama3_words):
    ids = llama3_chat_ids(llama3_words(), [Message("user", "<|eot_id|>")])
    assert ids.count(128009) == 1 and 50000 + ord("<") in ids


def test_a_tokenizer_that_reads_special_tokens_in_text_is_not_trusted(llama3_words):
    messages = [Message("user", "This<|eot_id|>")]
    with pytest.raises(InputError, match=r"message 0 \(user\): .* reads '<\|eot_id\|>' in a text"):
        llama3_chat_ids(llama3_words(reads_special=True), messages)


def test_the_tokenizer_decides_the_format(small, llama3_words):
    assert chat_format(small).name == "llama2"
    assert chat_format(small).stop == ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")
    three = chat_format(llama3_words())
    assert (three.name, three.end_ids, three.stop) == ("llama3", (128009, 128001), ())
    message = [Message("user", "This")]
    assert three.encode(message) == llama3_chat_ids(llama3_words(), message)
    assert chat_format(llama3_words(), "llama2").name == "llama2"


def test_a_format_that_the_tokenizer_cannot_write_is_refused(small, llama3_words):
    other = llama3_words()
    del other.special_ids["<|eot_id|>"]
    assert chat_format(other).name == "llama2"
    with pytest.raises(InputError, match=r"needs the special token '<\|eot_id\|>'"):
        chat_format(other, "llama3")
    with pytest.raises(InputError, match="this tokenizer of 512 pieces has none; use Llama 3's"):
        chat_format(small, "llama3")
    with pytest.raises(InputError, match="no chat format 'chatml'; there are: llama2, llama3"):
        chat_format(small, "chatml")


def test_messages_out_of_order_are_refused(llama3_words):
    with pytest.raises(InputError, match="message 0 is the assistant's where the user's"):
        llama3_chat_ids(llama3_words(), [Message("assistant", "This")])
