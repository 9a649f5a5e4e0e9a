"""Which of the chat formats a model speaks, and where its replies end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llama_jax.errors import InputError
from llama_jax.prompts import llama2, llama3
from llama_jax.prompts.messages import Message
from llama_jax.tokenizer import Tokenizer

FORMATS = ("llama2", "llama3")


@dataclass(frozen=True)
class ChatFormat:
    """One format with its tokenizer.

    Attributes:
        name: "llama2" or "llama3".
        encode: messages to the ids behind which the reply begins; refuses what it cannot hold.
        end_ids: ids that end a reply, beside the tokenizer's EOS.
        stop: strings that end a reply: a model that writes a tag of the format has left its role.
    """

    name: str
    encode: Callable[[Sequence[Message]], list[int]]
    end_ids: tuple[int, ...] = ()
    stop: tuple[str, ...] = ()


def chat_format(tokenizer: Tokenizer, name: str | None = None) -> ChatFormat:
    """The format called `name`; by default the one that the tokenizer has the tokens of.

    Raises:
        InputError: no format of this name, or one that the tokenizer cannot write.
    """
    if name is None:
        name = "llama3" if _has_marks(tokenizer) else "llama2"
    if name == "llama2":
        return ChatFormat(name, lambda m: llama2.llama2_chat_ids(tokenizer, m), (), llama2.TAGS)
    if name == "llama3":
        marks = llama3.mark_ids(tokenizer)
        ends = (marks[llama3.END_OF_TURN], marks[llama3.END_OF_TEXT])
        return ChatFormat(name, lambda m: llama3.llama3_chat_ids(tokenizer, m), ends)
    raise InputError(f"no chat format {name!r}; there are: {', '.join(FORMATS)}")


def _has_marks(tokenizer: Tokenizer) -> bool:
    try:
        llama3.mark_ids(tokenizer)
    except InputError:
        return False
    return True
