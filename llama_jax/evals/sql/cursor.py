"""A place in a list of tokens."""

from collections.abc import Sequence


class Cursor:
    """A place in the tokens, `at`, which may lie behind the last one."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self.at = 0

    def here(self) -> str:
        """The token at this place; "" behind the last one."""
        return self._tokens[self.at] if self.at < len(self._tokens) else ""

    def any(self) -> str:
        """Moves over the token that is here and returns it."""
        token = self.here()
        self.at += 1
        return token

    def take(self, *wanted: str) -> str:
        """Moves over one of these tokens if it is here, and returns it, else ""."""
        return self.any() if self.here() in wanted else ""

    def take_all(self, token: str) -> None:
        """Moves over this token as often as it is here."""
        while self.take(token):
            pass

    def expect(self, token: str) -> None:
        """Moves over this token; another one is a ValueError."""
        if not self.take(token):
            raise ValueError(f"expected {token!r}, got {self.here() or 'the end'!r}")
