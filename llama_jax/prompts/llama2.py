"""Dialogues of Llama 2 Chat and Code Llama Instruct (7B to 34B).

    <s>[INST] <<SYS>>
    {system}
    <</SYS>>

    {user} [/INST] {assistant} </s><s>[INST] {user} [/INST]

The tags are plain text; only <s> and </s> are tokens of their own. Source: `chat_completion` in
meta-llama/llama, llama/generation.py.
"""

from collections.abc import Sequence

from llama_jax.errors import InputError
from llama_jax.prompts.messages import Message, check_dialogue
from llama_jax.tokenizer import Tokenizer

# Whoever writes one of these could end a turn, or speak as the system.
TAGS = ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")


def llama2_chat_ids(tokenizer: Tokenizer, messages: Sequence[Message]) -> list[int]:
    """The ids of a dialogue up to where the assistant's next reply begins.

    Each exchange is encoded by itself, between BOS and EOS; the last user message has BOS only. The
    system message stands at the beginning of the first user message, and white space is removed
    around the two as one text, not between them.

    Args:
        tokenizer: Llama 2's.
        messages: an optional system message, then user and assistant in turn, the user last.

    Raises:
        InputError: messages out of order, or a text that holds one of the format's tags.
    """
    check_dialogue(messages)
    _refuse_tags(messages)
    texts = [message.content for message in messages]
    if messages[0].role == "system":
        texts = [f"<<SYS>>\n{texts[0]}\n<</SYS>>\n\n{texts[1]}", *texts[2:]]
    texts = [text.strip() for text in texts]
    ids: list[int] = []
    for user, assistant in zip(texts[:-1:2], texts[1::2], strict=True):
        exchange = tokenizer.encode(f"[INST] {user} [/INST] {assistant} ")
        ids += [tokenizer.bos_id, *exchange, tokenizer.eos_id]
    return [*ids, tokenizer.bos_id, *tokenizer.encode(f"[INST] {texts[-1]} [/INST]")]


def _refuse_tags(messages: Sequence[Message]) -> None:
    for index, message in enumerate(messages):
        for tag in TAGS:
            if tag in message.content:
                raise InputError(
                    f"message {index} ({message.role}): the text holds {tag!r}, a special tag of "
                    "Llama 2's chat format, which the model would take for the end of a turn or "
                    "for instructions; take it out or spell it another way"
                )
