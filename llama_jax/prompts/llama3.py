r"""Dialogues of Llama 3 Instruct (3, 3.1, 3.2).

    <|begin_of_text|><|start_header_id|>{role}<|end_header_id|>\n\n{content}<|eot_id|> ...
    <|start_header_id|>assistant<|end_header_id|>\n\n

without the line break. The marks are special tokens: a text that spells one is plain text. Source:
`ChatFormat` in meta-llama/llama3, llama/tokenizer.py.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from llama_jax.errors import InputError
from llama_jax.prompts.messages import Message, check_dialogue
from llama_jax.tokenizer import Tokenizer

BEGIN, HEADER, HEADER_END = "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>"
END_OF_TURN, END_OF_TEXT = "<|eot_id|>", "<|end_of_text|>"
MARKS = (BEGIN, HEADER, HEADER_END, END_OF_TURN, END_OF_TEXT)


@runtime_checkable
class SpecialTokens(Protocol):
    """A tokenizer with tokens that no text is encoded to.

    Attributes:
        special_ids: their ids by name, "<|eot_id|>" for one.
    """

    special_ids: Mapping[str, int]


def llama3_chat_ids(tokenizer: Tokenizer, messages: Sequence[Message]) -> list[int]:
    """The ids of a dialogue and of the header behind which the assistant's reply begins.

    Args:
        tokenizer: Llama 3's; one that is `SpecialTokens` too.
        messages: an optional system message, then user and assistant in turn, the user last.

    Raises:
        InputError: messages out of order, a tokenizer without the format's special tokens, or one
            that reads them in plain text.
    """
    check_dialogue(messages)
    marks = mark_ids(tokenizer)
    break_ids = tokenizer.encode("\n\n")

    def header(role: str) -> list[int]:
        return [marks[HEADER], *tokenizer.encode(role), marks[HEADER_END], *break_ids]

    ids = [marks[BEGIN]]
    for index, message in enumerate(messages):
        content = tokenizer.encode(message.content.strip())
        _refuse_marks(index, message, content, marks)
        ids += [*header(message.role), *content, marks[END_OF_TURN]]
    return [*ids, *header("assistant")]


def mark_ids(tokenizer: Tokenizer) -> dict[str, int]:
    """The ids of the format's special tokens.

    Raises:
        InputError: the tokenizer lacks one of them.
    """
    known = tokenizer.special_ids if isinstance(tokenizer, SpecialTokens) else {}
    if missing := [name for name in MARKS if name not in known]:
        raise InputError(
            f"Llama 3's chat format needs the special token {missing[0]!r}, and this tokenizer of "
            f"{tokenizer.vocab_size} pieces has none; use Llama 3's, or the format llama2"
        )
    return {name: known[name] for name in MARKS}


def _refuse_marks(index: int, message: Message, ids: list[int], marks: dict[str, int]) -> None:
    found = [name for name, token in marks.items() if token in ids]
    if found:
        raise InputError(
            f"message {index} ({message.role}): this tokenizer reads {found[0]!r} in a text as a "
            "special token, which would end the turn; take it out or spell it another way"
        )
