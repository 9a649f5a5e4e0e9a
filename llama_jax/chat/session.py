"""The loop of a chat: lines in, replies out, and what is remembered between them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from llama_jax.chat.reply import Reply
from llama_jax.chat.transcript import Transcript, save
from llama_jax.errors import InputError
from llama_jax.prompts import Message

HELP = """\
/reset         forget the dialogue; the system prompt stays
/system TEXT   set the system prompt and begin a new dialogue; without TEXT, show it
/save FILE     write the dialogue to a new file, one JSON line per message
/quit          end (so does Ctrl-D); Ctrl-C stops a reply
A line that ends in \\ goes on in the next one. A space before / makes a line text."""

# Why a reply ended before the model would have ended it.
CUT = {
    "stop": "the model went on with a tag of the chat format; the reply ends before it",
    "length": "cut at --max-new-tokens {tokens}; ask it to continue, or raise the limit",
    "context": "cut: the model's context is full; begin a new dialogue with /reset",
    "interrupted": "stopped; the history keeps what was said so far",
}


class Session:
    """One dialogue after another, until the input ends.

    A line that is refused (a command that does not exist, a special tag in the text, a dialogue
    that has outgrown the context) is answered with one notice, and nothing of it is remembered.

    Args:
        reply: called with the dialogue, a function to show text with as it comes, and the number of
            replies before; raises `InputError` for what it refuses.
        read: the next line of the user's; raises EOFError at the end.
        write: shows text of the model's.
        notice: shows a line of the session's own.
        system: the system prompt.
        transcript: gets every exchange as it ends.
        max_new_tokens: named in notices.

    Attributes:
        messages: the dialogue so far, the system prompt included.
    """

    def __init__(
        self,
        reply: Callable[[Sequence[Message], Callable[[str], None], int], Reply],
        *,
        read: Callable[[], str],
        write: Callable[[str], None],
        notice: Callable[[str], None],
        system: str | None = None,
        transcript: Transcript | None = None,
        max_new_tokens: int | None = None,
    ) -> None:
        self._reply = reply
        self._read, self._write, self._notice = read, write, notice
        self._transcript = transcript
        self._max_new_tokens = max_new_tokens
        self._replies = 0
        self.messages: list[Message] = []
        self._begin(system)

    def run(self) -> None:
        """Reads and answers until /quit or the end of the input."""
        while True:
            try:
                line = self._read_text()
            except EOFError:
                return
            except KeyboardInterrupt:
                self._notice("/quit or Ctrl-D ends the session")
                continue
            try:
                if not self.take(line):
                    return
            except InputError as error:
                self._notice(str(error))

    def take(self, text: str) -> bool:
        """Follows a command or answers a text; whether the session goes on.

        Raises:
            InputError: it is refused; the dialogue is as it was before.
        """
        if text.startswith("/"):
            name, _, rest = text.partition(" ")
            return self._command(name, rest.strip())
        if text.strip():
            self._answer(text)
        return True

    def _command(self, name: str, rest: str) -> bool:
        if name == "/quit":
            return False
        if name == "/reset":
            self._begin(self._system())
            self._notice("a new dialogue begins")
        elif name == "/system" and rest:
            self._begin(rest)
            self._notice("a new dialogue begins, with this system prompt")
        elif name == "/system":
            self._notice(self._system() or "no system prompt; /system TEXT sets one")
        elif name == "/save" and rest:
            save(Path(rest).expanduser(), [_line(message) for message in self.messages])
            self._notice(f"{rest}: {len(self.messages)} messages")
        elif name == "/save":
            raise InputError("/save: name a file: /save FILE")
        elif name == "/help":
            self._notice(HELP)
        else:
            raise InputError(f"no command {name}; /help lists them, a space before / makes it text")
        return True

    def _answer(self, text: str) -> None:
        shown: list[str] = []

        def show(new: str) -> None:
            new = new if shown else new.lstrip()  # a reply begins with a space to the tokenizer
            if new:
                shown.append(new)
                self._write(new)

        user = Message("user", text)
        try:
            reply = self._reply([*self.messages, user], show, self._replies)
        except KeyboardInterrupt:
            reply = Reply("".join(shown).strip(), "interrupted", 0)
        if shown:
            self._write("\n")
        if reply.stop_reason == "interrupted" and not reply.text:
            self._notice("stopped before the reply began; your text is forgotten")
            return
        if not reply.text:
            self._notice("the reply is empty")
        if reply.stop_reason in CUT:
            self._notice(CUT[reply.stop_reason].format(tokens=self._max_new_tokens))
        self._replies += 1
        assistant = Message("assistant", reply.text)
        self.messages += [user, assistant]
        self._record(_line(user), {**_line(assistant), "stop_reason": reply.stop_reason})

    def _begin(self, system: str | None) -> None:
        self.messages = [] if system is None else [Message("system", system)]
        self._record({"event": "begin"}, *(_line(message) for message in self.messages))

    def _system(self) -> str | None:
        first = self.messages[:1]
        return first[0].content if first and first[0].role == "system" else None

    def _record(self, *lines: dict[str, Any]) -> None:
        if self._transcript is not None:
            self._transcript.add(lines)

    def _read_text(self) -> str:
        lines = [self._read()]
        while lines[-1].endswith("\\"):
            lines[-1] = lines[-1][:-1]
            lines.append(self._read())
        return "\n".join(lines)


def _line(message: Message) -> dict[str, Any]:
    return {"role": message.role, "content": message.content}
