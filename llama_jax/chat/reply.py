"""One reply of a model to a dialogue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llama_jax.api import Model
from llama_jax.errors import InputError
from llama_jax.inference.kept import Kept
from llama_jax.inference.types import GenerateItem
from llama_jax.prompts import ChatFormat, Message, chat_format


@dataclass(frozen=True)
class Sampling:
    """How replies are drawn; the defaults are those of Meta's examples of chats.

    Attributes:
        temperature: 0 takes the most likely token.
        top_k: sample among this many tokens; 0 for all.
        top_p: sample among the tokens that hold this probability.
        max_new_tokens: most tokens of a reply; None for what the context leaves.
        seed: of the random numbers.
    """

    temperature: float = 0.6
    top_k: int = 0
    top_p: float = 0.9
    max_new_tokens: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        self.item([0], self.max_new_tokens)  # refuses what no item may have

    def item(self, ids: Sequence[int], most: int | None, **ends: Any) -> GenerateItem:
        """What the engine is asked for at most `most` tokens behind `ids`."""
        chosen = {name: getattr(self, name) for name in ("temperature", "top_k", "top_p", "seed")}
        return GenerateItem(tuple(ids), most, **chosen, **ends)


@dataclass(frozen=True)
class Reply:
    """What the model said.

    Attributes:
        text: without white space at its ends, as the formats write it into the history.
        stop_reason: "eos", "stop" (it wrote a tag of the format, which is cut off), "length"
            (`max_new_tokens`), "context" (the context is full) or "interrupted".
        prompt_tokens: length of the encoded dialogue before it.
    """

    text: str
    stop_reason: str
    prompt_tokens: int


def reply(
    model: Model,
    messages: Sequence[Message],
    *,
    form: ChatFormat | None = None,
    sampling: Sampling | None = None,
    on_text: Callable[[str], None] | None = None,
    kept: Kept | None = None,
) -> Reply:
    """The assistant's next message.

    Args:
        model: a chat model; any model answers something.
        messages: an optional system message, then user and assistant in turn, the user last.
        form: of `chat_format`; None for the one that the tokenizer has the tokens of.
        sampling: None for the defaults.
        on_text: called with new text as it is generated.
        kept: given to reply after reply of one model: what a dialogue has in common with the one
            before goes through the model once. None to compute all of it.

    Raises:
        InputError: the format refuses the messages, or they leave no room in the context.
    """
    form, sampling = form or chat_format(model.tokenizer), sampling or Sampling()
    ids, context = form.encode(messages), model.config.context
    room = context - len(ids)
    if room < 1:
        raise InputError(
            f"the dialogue has {len(ids)} tokens, which leaves no room for a reply in the context "
            f"of {context}; begin a new dialogue (/reset in a chat) or shorten the text: nothing "
            "is cut silently"
        )
    asked = sampling.max_new_tokens
    most = room if asked is None or asked > room else asked
    item = sampling.item(ids, most, stop=form.stop, end_ids=form.end_ids)
    show = None if on_text is None else lambda _, text: on_text(text)
    [result] = model.engine.generate([item], show, kept=kept)
    full = result.stop_reason == "length" and most != asked
    return Reply(result.text.strip(), "context" if full else result.stop_reason, len(ids))
