"""Tables, seeded draws, people, and the one rule that says what the corpus must not contain.

What is held out of the corpus, and used by the benchmark rows only:

* the last object (or, for a reaction, the last wording) of a scene, together with that scene;
* the meeting of a person with a scene, for one pair in `HELD_PAIRS`;
* for every fact one wording of its question in five.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")

HELD_PAIRS = 4
HELD_WORDINGS = 5

GIRLS = (
    "Mia",
    "Anna",
    "Lena",
    "Rosa",
    "Ella",
    "Nora",
    "Ruth",
    "Clara",
    "Tina",
    "Lucy",
    "Ivy",
    "Zoe",
)
BOYS = ("Tom", "Ben", "Leo", "Max", "Paul", "Finn", "Jack", "Hugo", "Omar", "Sam", "Luke", "Karl")


@dataclass(frozen=True)
class Person:
    """Somebody in a story, with the words that stand for the name."""

    index: int
    name: str
    she: str
    her: str
    girl: str

    def words(self) -> dict[str, str]:
        """The slots {name}, {she}, {She}, {her}, {girl} of a template."""
        return {
            "name": self.name,
            "Name": self.name,
            "she": self.she,
            "She": self.she.capitalize(),
            "her": self.her,
            "girl": self.girl,
        }


PEOPLE = tuple(
    [Person(2 * i, name, "she", "her", "girl") for i, name in enumerate(GIRLS)]
    + [Person(2 * i + 1, name, "he", "his", "boy") for i, name in enumerate(BOYS)]
)


class Draw:
    """Seeded draws built on `random.Random.random`, the one sequence that Python keeps forever."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random() < probability

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int(self._random() * n)

    def one(self, items: Sequence[Item]) -> Item:
        """One item."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """All items in a random order."""
        return [item for _, _, item in sorted((self._random(), i, x) for i, x in enumerate(items))]

    def some(self, items: Sequence[Item], count: int) -> list[Item]:
        """`count` different items (all of them where there are fewer)."""
        return self.shuffled(items)[:count]


def lines(table: str) -> list[tuple[str, ...]]:
    """A table with one record a line and columns between `|`."""
    return [tuple(map(str.strip, row.split("|"))) for row in table.strip().splitlines()]


def blocks(table: str) -> list[tuple[str, ...]]:
    """A table with one record a block; a field a line or a column, "/" goes on with a line."""
    records = table.strip().replace("\n/", " /").split("\n\n")
    return [tuple(f.strip() for row in r.splitlines() for f in row.split("|")) for r in records]


def options(field: str) -> tuple[str, ...]:
    """The alternatives of a field."""
    return tuple(map(str.strip, field.split(" / ")))


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop, unless it ends with a mark already."""
    return text[0].upper() + text[1:] + ("" if text[-1] in '.?!"' else ".")


def article(noun: str) -> str:
    """The noun with "a" or "an"."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def person_is_held(scene_index: int, person: Person) -> bool:
    """Whether this person meets this scene in the benchmark rows only."""
    return (scene_index + person.index // 2) % HELD_PAIRS == 0


def wording_is_held(fact_index: int, wording_index: int) -> bool:
    """Whether this wording of the question about this fact is kept for the benchmark rows."""
    return (fact_index + wording_index) % HELD_WORDINGS == 0
