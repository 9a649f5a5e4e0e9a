"""Text as it is generated, token by token."""

import codecs
from collections.abc import Sequence

from llama_jax.tokenizer.interface import Tokenizer

# Window sizes in tokens: enough context for a token's text, and a bound on the work per token.
_LONGEST, _KEPT = 32, 8


class TextStream:
    """Turns ids into text piecewise; the pieces concatenate to what `decode` gives.

    Bytes of an unfinished character are held back until it is complete. Each token costs a decode
    of some 32 tokens at most, however long the text.

    Args:
        tokenizer: its `decode` is the reference.
        prompt_ids: ids that come before; the stream gives only the text that follows theirs (an
            unfinished character at their end follows, as part of what completes it).
    """

    def __init__(self, tokenizer: Tokenizer, prompt_ids: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        # A token with text of its own: behind it, no token is the first of a text.
        self._anchor = _anchor(tokenizer)
        self._window = [int(token) for token in prompt_ids]
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._closed = False
        for token in self._window[-_KEPT:]:
            self._utf8.decode(tokenizer.id_to_bytes(token))
        text = tokenizer.decode(self._window)
        self._emitted = len(text) - self._unfinished(text)
        self._shorten(text)

    def push(self, token: int) -> str:
        """The text that `token` finishes; "" while a character is incomplete."""
        if self._closed:
            raise RuntimeError("push after close: make a new TextStream")
        self._window.append(int(token))
        self._utf8.decode(self._tokenizer.id_to_bytes(int(token)))
        text = self._tokenizer.decode(self._window)
        return self._advance(text, len(text) - self._unfinished(text))

    def close(self) -> str:
        """What is still held back: U+FFFD for each byte of an unfinished character."""
        self._closed = True
        text = self._tokenizer.decode(self._window)
        return self._advance(text, len(text))

    def _unfinished(self, text: str) -> int:
        """How many characters at the end of `text` later bytes may still change."""
        pending, _ = self._utf8.getstate()
        return min(len(pending), len(text) - len(text.rstrip("\N{REPLACEMENT CHARACTER}")))

    def _advance(self, text: str, end: int) -> str:
        new = text[self._emitted : end]
        self._emitted = max(self._emitted, end)
        self._shorten(text)
        return new

    def _shorten(self, text: str) -> None:
        # Not before there is text: until then the next token may be the first of the text.
        if len(self._window) > _LONGEST and self._emitted:
            held = len(text) - self._emitted
            self._window = [self._anchor, *self._window[-_KEPT:]]
            self._emitted = len(self._tokenizer.decode(self._window)) - held


def _anchor(tokenizer: Tokenizer) -> int:
    replacement = "\N{REPLACEMENT CHARACTER}"
    for token in range(tokenizer.vocab_size):
        text = tokenizer.decode([token])
        if text and replacement not in text:
            return token
    raise AssertionError("a tokenizer without a single token that has text")
