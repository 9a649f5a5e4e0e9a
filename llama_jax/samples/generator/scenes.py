"""The scenes: a situation and what follows from it, in one form for all tables."""

from dataclasses import dataclass

from llama_jax.samples.generator import effects, facts, people, tasks
from llama_jax.samples.generator.grammar import Draw, Person, article, blocks, lines, options


@dataclass(frozen=True)
class Scene:
    """A situation and its outcome.

    Attributes:
        index: its number, which decides with whom it is held out.
        family: scenes whose endings could be mistaken for each other.
        key: the tool, effect, need, place, helper or animal.
        label: the activity label.
        setups: wordings of the situation, with the slots {name}, {her} and {object}.
        objects: things that fill {object}; the last is held out.
        held_setups: wordings that the corpus does not use.
        subject: subject of the ending: "{she}" or "{object}".
        endings: predicates, past tense, no full stop.
        after: sentences that may follow.
    """

    index: int
    family: str
    key: str
    label: str
    setups: tuple[str, ...]
    objects: tuple[str, ...]
    held_setups: tuple[str, ...]
    subject: str
    endings: tuple[str, ...]
    after: tuple[str, ...]


SHE = "{she}"
TASK_SETUPS = (
    "{name} wanted to {task}",
    "It was {name}'s turn to {task}",
    "{name} had promised to {task}",
    "Grandmother asked {name} to {task}",
    "{name} was told to {task}",
)
HELPER_SETUPS = (
    "{name} told {her} mother about {object}",
    "The trouble was {object}, and {name} needed help",
    "{name} could think of nothing but {object}",
)
FEEDING_SETUPS = (
    "It was feeding time, and {name} watched the {animal}",
    "{name} came to see the {animal} at breakfast time",
    "{name} saw that the {animal} was hungry",
)


def _plain(text: str) -> str:
    return text.replace("{Name}", "{name}").replace("{Object}", "{object}")


def _rows() -> list[tuple]:
    """All scenes as (family, key, label, setups, objects, held_setups, subject, endings, after)."""
    rows: list[tuple] = []
    for table in (tasks.TOOLS, tasks.STORES):
        for key, label, task, _, objects, endings, after in blocks(table):
            setups = tuple(s.replace("{task}", task) for s in TASK_SETUPS)
            rows.append(("task", key, label, setups, options(objects), (), SHE, endings, after))
    for key, label, objects, causes, _, endings, why in blocks(effects.EFFECTS):
        setups = tuple(map(_plain, options(causes)))
        rows.append(("effect", key, label, setups, options(objects), (), "{object}", endings, why))
    for key, label, wordings, _, endings in blocks(people.REACTIONS):
        *setups, held = map(_plain, options(wordings))
        after = "It was the right thing to do / Soon all was well"
        rows.append(("need", key, label, tuple(setups), (), (held,), SHE, endings, after))
    for key, _, work, objects, endings in blocks(people.HELPERS):
        label, things = "Getting help", options(objects)
        after = f"{key} {work} / Everybody is glad that {key} {work}"
        rows.append(("helper", key, label, HELPER_SETUPS, things, (), SHE, endings, after))
    for key, _, food, *_ in lines(facts.ANIMALS):
        if food != "-":
            *setups, held = (s.replace("{animal}", key) for s in FEEDING_SETUPS)
            label, subject, after = "With animals", f"the {key}", f"{article(key)} likes {food}"
            endings = f"ate some {food} / looked for {food} and ate"
            rows.append(
                ("feeding", key, label, tuple(setups), (), (held,), subject, endings, after)
            )
    return rows


def all_scenes() -> tuple[Scene, ...]:
    """Every scene of the world, numbered."""
    return tuple(
        Scene(i, family, key, label, setups, objects, held, subject, options(ends), options(after))
        for i, (family, key, label, setups, objects, held, subject, ends, after) in enumerate(
            _rows()
        )
    )


PLACES = {
    "Housework": "in the house / at home / at {her} aunt's house",
    "In the kitchen": "in the kitchen / in the warm kitchen / in the farm kitchen",
    "In the garden": "in the garden / behind the house / in the school garden",
    "In the workshop": "in the workshop / in the yard / in {her} uncle's workshop",
    "At the table": "at the big table / in the living room / at home",
    "By the water": "by the lake / at the river / on the shore",
    "Out and about": "in the town / on the road / out in the hills",
    "A small surprise": "at home / in the yard / at {her} aunt's house",
    "At home": "at home / in the living room / in the little house",
    "A warm day": "outside / in the fields / on the beach / in the park",
    "A cold day": "in the village / near the forest / in the hills",
    "A wet day": "in the village / near the market / in the town",
    "A windy day": "on the hill / outside / in the park",
    "With friends": "in the park / in the street / at the playground",
    "At school": "at school / in the classroom",
    "With animals": "at the farm / at the zoo / in the park",
    "On the farm": "at the farm / in the farmyard",
    "Getting help": "at home / in the town / in the village",
}

OPENINGS = (
    "One {fine} {morning} {name} was {place}",
    "On {day} {name} was {place}",
    "{name} was {age} years old. That {morning} {she} was {place}",
    "{name} was a {kind} {girl}. One {morning} {she} was {place}",
    "{name} and {friend} were {place}",
)
FINE = ("fine", "quiet", "grey", "bright", "long", "busy", "lovely", "cool")
MORNINGS = ("morning", "afternoon", "evening", "day")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TRAITS = ("kind", "cheerful", "careful", "clever", "shy", "brave", "patient", "quiet")
ELDERS = ("Grandmother", "Grandfather", "Uncle Fred", "Aunt May", "Father", "Mother")


def opening(draw: Draw, scene: Scene, person: Person, friend: str) -> str:
    """A first sentence (or two) that names the person and a place that suits the scene."""
    words = person.words()
    place = draw.one(options(PLACES[scene.label])).format(**words)
    return draw.one(OPENINGS).format(
        **words,
        place=place,
        friend=friend,
        fine=draw.one(FINE),
        morning=draw.one(MORNINGS),
        day=draw.one(DAYS),
        age=5 + draw.below(9),
        kind=draw.one(TRAITS),
    )
