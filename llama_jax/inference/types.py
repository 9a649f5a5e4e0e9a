"""What the engine is asked and what it answers. Imports no jax."""

import math
from dataclasses import dataclass

from llama_jax.errors import InputError


@dataclass(frozen=True)
class ScoreItem:
    """Asks for the log-probabilities of `ids[start:]`, each given all ids before it.

    Attributes:
        ids: token ids, the beginning-of-sequence id included.
        start: index of the first scored id; at least 1, since the first id has nothing before it.
    """

    ids: tuple[int, ...]
    start: int

    def __post_init__(self) -> None:
        _check_ids("ScoreItem", self.ids)
        if not 1 <= self.start < len(self.ids):
            raise InputError(
                f"ScoreItem: start {self.start} of {len(self.ids)} ids scores nothing that can be "
                f"scored; it must be from 1 to {len(self.ids) - 1}"
            )


@dataclass(frozen=True)
class ScoreResult:
    """Natural-log probabilities of the scored ids.

    Attributes:
        logprobs: float32 values, one per scored id.
        greedy: whether every scored id was the most likely one (the lowest id among equals).
    """

    logprobs: tuple[float, ...]
    greedy: bool


@dataclass(frozen=True)
class GenerateItem:
    """Asks for a continuation of `ids`.

    Attributes:
        ids: the prompt, the beginning-of-sequence id included; never empty.
        max_new_tokens: most ids to generate; None for as many as the context leaves.
        stop: generation ends where one of these strings appears in the generated text.
        temperature: divides the logits; 0 takes the most likely id (the lowest among equals).
        top_k: sample among this many most likely ids; 0 for all.
        top_p: sample among the most likely ids that hold this probability together; 1 for all.
        seed: random numbers are a function of this and the position only.
        end_ids: ids that end the generation as the tokenizer's EOS does.
    """

    ids: tuple[int, ...]
    max_new_tokens: int | None
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    end_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check_ids("GenerateItem", self.ids)
        if self.max_new_tokens is not None and self.max_new_tokens < 1:
            raise InputError(f"GenerateItem: max_new_tokens {self.max_new_tokens} is below 1")
        if "" in self.stop:
            raise InputError("GenerateItem: a stop string is empty; it would stop before any token")
        if not (self.temperature >= 0 and math.isfinite(self.temperature)):
            raise InputError(f"GenerateItem: temperature {self.temperature} is not 0 or above")
        if self.top_k < 0:
            raise InputError(f"GenerateItem: top_k {self.top_k} is below 0 (0 keeps every id)")
        if not 0 <= self.top_p <= 1:
            raise InputError(f"GenerateItem: top_p {self.top_p} is not between 0 and 1")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"GenerateItem: seed {self.seed} is not from 0 to {2**32 - 1}")


@dataclass(frozen=True)
class GenerateResult:
    """A continuation.

    Attributes:
        ids: generated ids; without the id that ended them; with the ids that spell a stop string.
        text: their text, cut before the stop string.
        stop_reason: "eos" (any stop id, or one of `end_ids`), "stop" (a stop string) or "length"
            (max_new_tokens).
    """

    ids: tuple[int, ...]
    text: str
    stop_reason: str


def _check_ids(kind: str, ids: tuple[int, ...]) -> None:
    if not ids:
        raise InputError(f"{kind}: no ids; a sequence begins with the beginning-of-sequence id")
    if min(ids) < 0:
        raise InputError(f"{kind}: id {min(ids)} is negative")
