"""A dialogue as a value, and the order that its messages must have."""

from collections.abc import Sequence
from dataclasses import dataclass

from llama_jax.errors import InputError

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Message:
    """What one side said.

    Attributes:
        role: "system", "user" or "assistant".
        content: the text; the formats remove white space at both ends.
    """

    role: str
    content: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise InputError(f"role {self.role!r}: a message's role is one of {', '.join(ROLES)}")


def check_dialogue(messages: Sequence[Message]) -> None:
    """Refuses messages that do not end where the assistant is to speak.

    An optional system message comes first; user and assistant follow in turn, the user first and
    last.

    Raises:
        InputError: names the message that is out of order.
    """
    rule = (
        "an optional system message comes first, then user and assistant in turn, and the user is "
        "the last to speak"
    )
    start = 1 if messages and messages[0].role == "system" else 0
    for index in range(start, len(messages)):
        expected = ("user", "assistant")[(index - start) % 2]
        if messages[index].role != expected:
            raise InputError(
                f"message {index} is the {messages[index].role}'s where the {expected}'s is "
                f"expected: {rule}"
            )
    if len(messages) == start or messages[-1].role != "user":
        last = f"the {messages[-1].role}'s" if messages else "missing"
        raise InputError(f"the last of {len(messages)} messages is {last}: {rule}")
