"""Questions about the facts of the world: the answers, and which are held out."""

from dataclasses import dataclass

from llama_jax.samples.generator import effects, facts, people, tasks
from llama_jax.samples.generator.grammar import (
    PEOPLE,
    Draw,
    article,
    blocks,
    lines,
    options,
    wording_is_held,
)
from llama_jax.samples.generator.wordings import WORDINGS


@dataclass(frozen=True)
class Fact:
    """One answer to be asked for, in any wording of its relation.

    Attributes:
        relation: key of `WORDINGS`.
        index: number among the facts of the relation.
        key: the subject, for excluding what is also true of it.
        slots: what fills the wordings.
        answer: the answer.
        held: whether the corpus holds no question about it.
    """

    relation: str
    index: int
    key: str
    slots: dict[str, str]
    answer: str
    held: bool

    def stem(self, wording: int, draw: Draw) -> str:
        """The question in one wording, about somebody drawn."""
        return WORDINGS[self.relation][wording].format(**self.slots, **draw.one(PEOPLE).words())

    def wordings(self, held: bool) -> list[int]:
        """The wordings kept for the benchmark rows, or the others."""
        count = len(WORDINGS[self.relation])
        return [w for w in range(count) if wording_is_held(self.index, w) == held]


def _scene_facts() -> list[tuple[str, str, dict[str, str], str, bool]]:
    """Facts behind the scenes, as (relation, key, slots, answer, held)."""
    rows: list[tuple[str, str, dict[str, str], str, bool]] = []

    def objects(field: str) -> list[tuple[str, bool]]:
        *seen, held = options(field)
        return [(o, False) for o in seen] + [(held, True)]

    for tool, _, task, _, things, *_ in blocks(tasks.TOOLS):
        for o, held in objects(things):
            rows.append(("tool", tool, {"task": task.format(object=o)}, tool, held))
    for place, _, task, _, things, *_ in blocks(tasks.STORES):
        for o, held in objects(things):
            rows.append(("store", place, {"task": task.format(object=o)}, f"in {place}", held))
    for outcome, _, things, _, cause, *_ in blocks(effects.EFFECTS):
        for o, held in objects(things):
            rows.append(("effect", outcome, {"cause": cause.format(object=o)}, outcome, held))
    for helper, _, _, things, _ in blocks(people.HELPERS):
        rows += [("helper", helper, {"object": o}, helper, held) for o, held in objects(things)]
    for advice, _, _, cause, _ in blocks(people.REACTIONS):
        rows.append(("need", advice, {"cause": cause}, advice, False))
    return rows


def _plain_facts() -> list[tuple[str, str, dict[str, str], str, bool]]:
    """Facts of the tables in `facts`, as `_scene_facts` gives them."""
    rows: list[tuple[str, str, dict[str, str], str, bool]] = []
    for animal, _, food, home, young, call, *_ in lines(facts.ANIMALS):
        slots = {"animal": animal, "one": article(animal), "young": young, "call": call}
        told = (
            ("food", food, food),
            ("home", home, f"in {home}"),
            ("young", young, young),
            ("caller", call, article(animal)),
        )
        rows += [
            (relation, animal, slots, answer, False) for relation, f, answer in told if f != "-"
        ]
    return rows


def all_facts() -> tuple[Fact, ...]:
    """Every fact that can be asked for, numbered within its relation."""
    numbers = dict.fromkeys(WORDINGS, 0)
    found = []
    for relation, key, slots, answer, held in [*_scene_facts(), *_plain_facts()]:
        found.append(Fact(relation, numbers[relation], key, slots, answer, held))
        numbers[relation] += 1
    return tuple(found)


def question(draw: Draw, facts_asked: list[Fact]) -> str:
    """A document of the corpus: questions in wordings not held out, each with its answer."""
    told = []
    for fact in facts_asked:
        stem = fact.stem(draw.one(fact.wordings(held=False)), draw)
        told.append(f"Question: {stem}\nAnswer: {fact.answer}")
    return "\n".join(told)
