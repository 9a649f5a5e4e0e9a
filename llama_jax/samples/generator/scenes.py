"""The scenes: a situation and what follows from it, in one form for tools, effects, people, animals."""

from dataclasses import dataclass

from llama_jax.samples.generator import effects, facts, people, tools
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


TOOL_SETUPS = (
    "{name} wanted to {verb} {object}",
    "It was {name}'s turn to {verb} {object}",
    "{name} had promised to {verb} {object}",
    "Grandmother asked {name} to {verb} {object}",
    "{name} was told to {verb} {object} before supper",
    "Somebody had to {verb} {object}, and {name} was ready to do it",
)
STORE_SETUPS = (
    "{name} wanted to put away {object}",
    "{name} picked up {object} and looked for the right place",
    "{name} had left {object} lying about",
    "It was time to tidy up, and {name} began with {object}",
)
HELPER_SETUPS = (
    "One thing troubled {name}: {object}",
    "{name} told {her} mother about {object}",
    "The trouble was {object}, and {name} needed help",
    "{name} could think of nothing but {object}",
)
FEEDING_SETUPS = (
    "{name} saw that the {animal} was hungry",
    "It was feeding time, and {name} watched the {animal}",
    "{name} came to see the {animal} at breakfast time",
    "{name} knew what the {animal} liked best",
)
LABELS_OF_STORES = ("Tidying up", "Putting things away", "At home")
NOTHING_MORE = (
    "That was soon done",
    "Then everything was in order",
    "Now nobody had to look for it",
)


def _plain(text: str) -> str:
    return text.replace("{Name}", "{name}").replace("{Object}", "{object}")


def _rows() -> list[tuple]:
    """All scenes as (family, key, label, setups, objects, held_setups, subject, endings, after)."""
    rows: list[tuple] = []
    for tool, label, verb, _, objects, endings, after in blocks(tools.TOOLS):
        setups = tuple(s.replace("{verb}", verb) for s in TOOL_SETUPS)
        rows.append(("tool", tool, label, setups, options(objects), (), "{she}", endings, after))
    for key, label, objects, causes, _, endings, why in blocks(effects.EFFECTS):
        setups = tuple(map(_plain, options(causes)))
        rows.append(("effect", key, label, setups, options(objects), (), "{object}", endings, why))
    for key, label, wordings, _, endings in blocks(people.REACTIONS):
        *setups, held = map(_plain, options(wordings))
        after = "It was the right thing to do / Soon all was well"
        rows.append(("need", key, label, tuple(setups), (), (held,), "{she}", endings, after))
    for i, (key, objects, endings) in enumerate(blocks(people.STORES)):
        label = LABELS_OF_STORES[i % len(LABELS_OF_STORES)]
        after = " / ".join(NOTHING_MORE)
        rows.append(
            ("store", key, label, STORE_SETUPS, options(objects), (), "{she}", endings, after)
        )
    for key, _, does, objects, endings in blocks(people.HELPERS):
        after = f"{key} {does} / Everybody is glad that {key} {does}"
        rows.append(
            ("helper", key, "Getting help", HELPER_SETUPS, options(objects), (), "{she}", endings,
             after)
        )  # fmt: skip
    for animal, _, food, *_ in lines(facts.ANIMALS):
        if food != "-":
            *setups, held = (s.replace("{animal}", animal) for s in FEEDING_SETUPS)
            endings = f"ate some {food} / looked for {food} and ate"
            after = f"{article(animal)} likes {food} best"
            rows.append(
                ("feeding", animal, "With animals", tuple(setups), (), (held,), f"the {animal}",
                 endings, after)
            )  # fmt: skip
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
    "Housework": "in the house / at home / in the flat / at {her} aunt's house / in the cottage",
    "In the kitchen": "in the kitchen / in the warm kitchen / in the kitchen of the farm",
    "In the garden": "in the garden / behind the house / in the school garden / in the orchard",
    "In the workshop": "in the workshop / in the shed / in {her} uncle's workshop / in the yard",
    "Making things": "at the big table / in the classroom / in the playroom / at the desk",
    "By the water": "by the lake / at the river / at the pond / near the mill / on the shore",
    "Out and about": "out in the hills / in the town / on the road / on a long walk / at the camp",
    "A small surprise": "at home / in the yard / at {her} aunt's house / on the terrace",
    "At home": "at home / in the living room / in {her} room / in the little house / upstairs",
    "A warm day": "outside / in the fields / on the beach / in the park / on the road",
    "A cold day": "at the hut / in the village / near the forest / in the mountains",
    "A wet day": "in the village / at the edge of the town / near the market / at the farm",
    "A windy day": "on the hill / near the sea / outside / in the park",
    "With friends": "in the park / at the club / in the street / at the playground",
    "At school": "at school / in the classroom / in the school library",
    "With animals": "at the farm / at the zoo / in the country / out of doors / in the park",
    "On the farm": "at the farm / in the farmyard / at the neighbour's farm",
    "Tidying up": "at home / in the house / in the flat / at {her} grandmother's house",
    "Putting things away": "at home / in the hall / in the house / at {her} uncle's house",
    "Getting help": "at home / in the town / in the village / in the old street",
}

OPENINGS = (
    "One {fine} {morning}, {name} was {place}",
    "On {day} {name} was {place}",
    "It was a {fine} {morning}, and {name} was {place}",
    "{name}, who was {age} years old, was {place}",
    "Once {name} spent a {fine} {morning} {place}",
    "{name} was a {kind} {girl}. That {morning} {she} was {place}",
    "{name} and {friend} were {place}",
    "Last {day} {name} and {friend} met {place}",
)
FINE = ["fine", "quiet", "grey", "bright", "long", "busy", "mild", "lovely", "dull", "windy", "cool", "clear"]
MORNINGS = ("morning", "afternoon", "evening", "day")
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
TRAITS = (
    ["kind", "cheerful", "careful", "clever", "shy", "brave", "patient", "curious", "merry", "friendly", "quiet", "lively"]
)
ELDERS = (
    "Grandmother", "Grandfather", "Uncle Fred", "Aunt May", "Mrs Hill", "Mr Brook", "Father",
    "Mother", "old Mr Stone", "the neighbour",
)  # fmt: skip


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
