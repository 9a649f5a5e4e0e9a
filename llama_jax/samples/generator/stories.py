"""Stories for the corpus: one or two scenes, told in a few sentences."""

from llama_jax.samples.generator.grammar import (
    PEOPLE,
    Draw,
    Person,
    person_is_held,
    sentence,
)
from llama_jax.samples.generator.scenes import ELDERS, SHE, Scene, opening

THOUGHTS = (
    "{name} thought for a moment",
    "{friend} looked on",
    '"What will you do now?" asked {friend}',
    '"Let me see," said {name}',
    '"I wonder what comes next," said {friend}',
    "{friend} came nearer to see",
    "For a while nobody said a word",
    "There was nobody else about",
)
PRAISE = (
    '"Well done!" said {friend}',
    '"You are a clever {girl}," said {friend}',
    "{name} was pleased and began to sing",
    "{friend} smiled and nodded",
    "After that {name} and {friend} had some cake",
    "{name} felt proud all day",
    "That evening {she} told {her} family all about it",
    "Then it was time to go home",
)
WONDER = (
    '"Oh!" cried {name}',
    '"I should have known," said {name}',
    '"Look at that!" said {friend}',
    "{name} could hardly believe it",
    "{name} stood and stared",
    "{friend} only shook {her_friend} head and laughed",
    "From then on {name} was more careful",
    "{name} never forgot it",
)
LATER = (
    "later that day",
    "after lunch",
    "in the evening",
    "the next morning",
    "a little later",
    "on the way home",
    "not long after",
)


def _lower(setup: str) -> str:
    """The setup as the second part of a sentence."""
    return setup if setup.startswith(("{name}", "Grandmother")) else setup[0].lower() + setup[1:]


class Teller:
    """Tells stories about people who may meet a scene in the corpus."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def _person(self, *scenes: Scene) -> Person:
        free = [p for p in PEOPLE if not any(person_is_held(s.index, p) for s in scenes)]
        return self.draw.one(free)

    def _friend(self, person: Person) -> dict[str, str]:
        if self.draw.chance(0.5):
            other = self.draw.one([p for p in PEOPLE if p is not person])
            return {"friend": other.name, "her_friend": other.her}
        elder = self.draw.one(ELDERS)
        female = elder in ("Grandmother", "Aunt May", "Mother")
        return {"friend": elder, "her_friend": "her" if female else "his"}

    def _happening(self, scene: Scene, words: dict[str, str], lead: str = "") -> list[str]:
        """Situation, perhaps a thought, the ending, perhaps what follows."""
        draw = self.draw
        seen = scene.objects[:-1]
        words = words | {"object": draw.one(seen) if seen else ""}
        setup, ending = draw.one(scene.setups), draw.one(scene.endings)
        subject = scene.subject
        if draw.chance(0.22) and subject == SHE:
            parts = [draw.one(("because {0}, {1} {2}", "{0}, so {1} {2}"))]
            parts[0] = parts[0].format(_lower(setup), subject, ending)
        else:
            parts = [setup]
            if draw.chance(0.15):
                parts.append(draw.one(THOUGHTS))
                if subject == SHE:  # "she" could now be the friend
                    subject = draw.one(("{name}", "then {name}"))
            parts.append(f"{subject} {ending}")
        if draw.chance(0.4):
            parts.append(draw.one(scene.after))
        if lead:
            parts[0] = f"{lead}, {_lower(parts[0])}"
        return [sentence(part.format(**words)) for part in parts]

    def _close(self, scene: Scene, words: dict[str, str]) -> list[str]:
        endings = PRAISE if scene.subject == SHE else WONDER
        return [sentence(self.draw.one(endings).format(**words))] if self.draw.chance(0.35) else []

    def short(self, scene: Scene) -> str:
        """One scene, in half of the cases with its label and a colon in front."""
        person = self._person(scene)
        words = person.words() | self._friend(person)
        parts = []
        if self.draw.chance(0.5):
            parts.append(sentence(opening(self.draw, scene, person, words["friend"])))
        parts += self._happening(scene, words) + self._close(scene, words)
        label = f"{scene.label}: " if self.draw.chance(0.5) else ""
        return label + " ".join(parts)

    def long(self, first: Scene, second: Scene) -> str:
        """Two scenes on one day."""
        person = self._person(first, second)
        words = person.words() | self._friend(person)
        parts = [sentence(opening(self.draw, first, person, words["friend"]))]
        parts += self._happening(first, words) + self._close(first, words)
        parts += self._happening(second, words, self.draw.one(LATER))
        parts += self._close(second, words)
        return " ".join(parts)
