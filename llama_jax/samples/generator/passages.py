"""Short factual passages for the corpus: what the facts of the world say, in several wordings."""

from collections.abc import Callable

from llama_jax.samples.generator import effects, facts, people, tasks
from llama_jax.samples.generator.grammar import Draw, article, blocks, lines, options, sentence

Told = list[str]


def _seen(field: str) -> tuple[str, ...]:
    """The alternatives without the one that is held out."""
    return options(field)[:-1]


def tool(draw: Draw, row: tuple[str, ...]) -> Told:
    """What a tool looks like and what it is used for."""
    name, _, task, looks, objects, _, _ = row
    first, second = (task.format(object=o) for o in draw.some(_seen(objects), 2))
    return [
        f"{name} is a useful thing. {looks}",
        f"people use {name} to {first}",
        f"to {second} one needs {name}",
        f"whoever wants to {first} should look for {name}",
        f"with {name} it is easy to {second}",
    ]


def store(draw: Draw, row: tuple[str, ...]) -> Told:
    """What a place looks like and what it is good for."""
    name, _, task, looks, objects, _, _ = row
    first, second = (task.format(object=o) for o in draw.some(_seen(objects), 2))
    return [
        f"look at {name}. {looks}",
        f"people go to {name} to {first}",
        f"{name} is the right place to {second}",
        f"whoever wants to {first} goes to {name}",
        f"if you want to {second}, think of {name}",
    ]


def effect(draw: Draw, row: tuple[str, ...]) -> Told:
    """A cause, its effect, and why."""
    outcome, _, objects, _, cause, _, why = row
    first, second = (cause.format(object=o) for o in draw.some(_seen(objects), 2))
    return [
        f"if {first}, {outcome}",
        f"{why}. So when {second}, {outcome}",
        f"what if {second}? Then {outcome}",
        f"everybody knows that {outcome} when {first}",
        f"this is why: {why[0].lower()}{why[1:]}",
    ]


def need(draw: Draw, row: tuple[str, ...]) -> Told:
    """What it is wise to do."""
    advice, _, _, situation, _ = row
    return [
        f"when {situation}, it is wise to {advice}",
        f"if {situation}, {advice}",
        f"children learn to {advice} when {situation}",
        f"the best thing is to {advice} if {situation}",
        f"what a good rule: {advice} when {situation}",
    ]


def helper(draw: Draw, row: tuple[str, ...]) -> Told:
    """Somebody's work."""
    name, place, does, things, _ = row
    first, second = draw.some(_seen(things), 2)
    return [
        f"{name} {does}",
        f"{name} works {place}",
        f"{place} you will find {name}",
        f"people go to {name} because of {first} or {second}",
        f"it is the work of {name} to see to things like {second}",
        f"who {does}? It is {name}",
    ]


def animal(draw: Draw, row: tuple[str, ...]) -> Told:
    """An animal: its kind, food, home, young, call, cover and gait, as far as the table says."""
    name, kind, food, home, young, call, cover, moves = row
    one = article(name)
    say = [f"{one} {moves}", f"watch {one}: it {moves}"]
    if kind != "-":
        say += [f"{one} is {kind}"]
    if food != "-":
        say += [f"{one} eats {food}", f"the food of {one} is {food}", f"{one} lives on {food}"]
    if home != "-":
        say += [f"{one} lives in {home}", f"the home of {one} is {home}", f"in {home} lives {one}"]
    if young != "-":
        say += [
            f"the young of {one} is called {young}",
            f"{young} is a very young {name}",
            f"one day {young} will be {one}",
        ]
    if call != "-":
        say += [
            f"when {one} calls, {call}",
            f"listen to {one}: {call}",
            f"{one} is near when {call}",
        ]
    if cover != "-":
        say += [f"the body of {one} is covered with {cover}", f"{one} has {cover} on its body"]
    return say


def material(draw: Draw, row: tuple[str, ...]) -> Told:
    """Where a material comes from and what is made of it."""
    name, source, things = row
    say = [
        f"{name} comes from {source}",
        f"without {source} there would be no {name}",
        f"people get {name} from {source}",
        f"{source} gives us {name}" if not source.endswith("s") else f"{source} give us {name}",
    ]
    for thing in options(things) if things != "-" else ():
        say += [f"{thing} is made of {name}", f"they use {name} to make {thing}"]
    return say


def quality(draw: Draw, row: tuple[str, ...]) -> Told:
    """A property and what has it."""
    name, things, rule = row
    one, two = draw.some(options(things), 2)
    return [
        f"think of {one}: that is {name}",
        f"{two} is {name}. What is {name}? {rule}",
        f"if a thing is {name}, {rule}",
        f"{name} things are {one} and {two}",
        f"nobody will say that {one} is not {name}",
    ]


def season(draw: Draw, row: tuple[str, ...]) -> Told:
    """What happens in a season."""
    name, events = row
    one, two = draw.some(options(events), 2)
    return [
        f"in {name} {one}",
        f"when {two}, it is {name}",
        f"{name} is the season when {one} and {two}",
        f"{two} in {name}",
        f"you can tell that it is {name}, because {one}",
    ]


def body(draw: Draw, row: tuple[str, ...]) -> Told:
    """A part of the body and its work."""
    part, work, example = row
    return [
        f"we {work} with {part}",
        f"{part} help us to {work}" if part.endswith("s") else f"{part} helps us to {work}",
        f"without {part} nobody could {work}",
        f"we need {part} to {work}, for example {work} {example}"
        if " " not in work
        else f"we need {part} to {work}",
    ]


def other(draw: Draw, row: tuple[str, ...]) -> Told:
    """An opposite (two words), the members of a kind, or a number."""
    if row[1].isdigit():
        asked, number = row
        noun, _, rest = asked.partition(" ")
        if rest.startswith("are "):
            return [
                f"there are {number} {noun} {rest[4:]}",
                f"count the {noun}: {number} {rest[4:]}",
            ]
        owner = rest.removeprefix("does ").removesuffix(" have")
        return [f"{owner} has {number} {noun}", f"count the {noun} of {owner}: there are {number}"]
    if "/" in row[1]:
        kind, members = row
        one, two, three = draw.some(options(members), 3)
        first = f"{one}, {two} and {three} belong together: each of them is {article(kind)}"
        return [f"{one} is {article(kind)}", f"{two} is {article(kind)}, and so is {three}", first]
    word, opposite = row
    return [
        f"the opposite of {word} is {opposite}",
        f"what is not {word} may be {opposite}",
        f"{word} and {opposite} are opposites",
    ]


TOPICS: tuple[tuple[Callable[[Draw, tuple[str, ...]], Told], list[tuple[str, ...]], int], ...] = (
    (tool, blocks(tasks.TOOLS), 4),
    (store, blocks(tasks.STORES), 3),
    (effect, blocks(effects.EFFECTS), 3),
    (need, blocks(people.REACTIONS), 3),
    (helper, blocks(people.HELPERS), 3),
    (animal, lines(facts.ANIMALS), 6),
    (material, lines(facts.MATERIALS), 3),
    (quality, lines(facts.PROPERTIES), 3),
    (season, lines(facts.SEASONS), 1),
    (body, lines(facts.BODY), 1),
    (other, lines(facts.OPPOSITES) + lines(facts.KINDS) + lines(facts.NUMBERS), 2),
)
WEIGHTED = [topic for topic in TOPICS for _ in range(topic[2])]


def passage(draw: Draw) -> str:
    """One paragraph about one or two things of a topic, three to five sentences."""
    tell, rows, _ = draw.one(WEIGHTED)
    things = draw.some(rows, 1 + draw.below(2))
    parts = [
        part for row in things for part in draw.some(tell(draw, row), 3 if len(things) == 1 else 2)
    ]
    return " ".join(sentence(part) for part in parts)
