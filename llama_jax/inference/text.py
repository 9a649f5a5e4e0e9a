"""Generated ids -> text that may be shown, up to a stop string. Pure."""

from collections.abc import Sequence

from llama_jax.inference.types import GenerateItem, GenerateResult
from llama_jax.tokenizer import TextStream, Tokenizer, stop_ids


class StopFinder:
    """Passes text on until one of the stop strings appears in it.

    A stop string may come in pieces: text that could be the beginning of one is held back until it
    cannot be any more.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.stopped = False

    def push(self, text: str) -> str:
        """The text that can be shown now; what precedes the stop string when one is complete."""
        text = self._held + text
        found = [text.find(stop) for stop in self._stops if stop in text]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        held = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def close(self) -> str:
        """What was held back, when no more text comes."""
        held, self._held = self._held, ""
        return held


class Continuation:
    """The ids generated for one item so far, and their text.

    Ids are taken one at a time, so that where a stop string ends the text does not depend on how
    many steps the device makes at once.
    """

    def __init__(self, item: GenerateItem, limit: int, tokenizer: Tokenizer) -> None:
        self._limit = limit
        self._end_ids = {*stop_ids(tokenizer), *item.end_ids}
        self._stream = TextStream(tokenizer, prompt_ids=item.ids)
        self._finder = StopFinder(item.stop)
        self._ids: list[int] = []
        self._text: list[str] = []
        self.stop_reason = ""

    @property
    def ids(self) -> tuple[int, ...]:
        """What has come so far, without the id that ended it."""
        return tuple(self._ids)

    @property
    def remaining(self) -> int:
        """How many more ids may come; 0 when it has ended."""
        return 0 if self.stop_reason else self._limit - len(self._ids)

    def push(self, token: int) -> str:
        """Takes the next id; returns the text that can be shown now."""
        if token in self._end_ids:
            return self._end("eos")
        self._ids.append(token)
        new = self._finder.push(self._stream.push(token))
        self._text.append(new)
        if self._finder.stopped:
            self.stop_reason = "stop"
        elif len(self._ids) == self._limit:
            new += self._end("length")
        return new

    def result(self) -> GenerateResult:
        """What was generated."""
        return GenerateResult(tuple(self._ids), "".join(self._text), self.stop_reason)

    def _end(self, reason: str) -> str:
        # An unfinished character at the very end may still complete a stop string.
        self.stop_reason = reason
        rest = self._finder.push(self._stream.close())
        if self._finder.stopped:
            self.stop_reason = "stop"
        rest += self._finder.close()
        self._text.append(rest)
        return rest


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is the beginning, not all, of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
