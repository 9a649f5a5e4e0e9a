"""The sample in HellaSwag's raw format: scenes that the corpus never tells, with four endings."""

from dataclasses import dataclass

from llama_jax.samples.generator.clashes import clash
from llama_jax.samples.generator.distractors import positions, share_out
from llama_jax.samples.generator.grammar import PEOPLE, Draw, Person, person_is_held, sentence
from llama_jax.samples.generator.scenes import ELDERS, Scene, opening

# Rows a family, in turn with a held-out object or wording ("zeroshot") and with a held-out person
# only ("indomain"). Endings are shared out within each of the three groups.
ROWS = (
    {"task": 80, "need": 38, "helper": 22},
    {"effect": 40},
    {"feeding": 20},
)
CHOICES = 4
# One row in this many has its whole beginning in ctx_a, as HellaSwag's rows from WikiHow have.
WHOLE = 6


@dataclass(frozen=True)
class _Told:
    """One row before its wrong endings are chosen."""

    scene: Scene
    person: Person
    held: bool
    whole: bool
    ctx_a: str
    subject: str
    ending: str


def _tell(draw: Draw, scene: Scene, held: bool, whole: bool) -> _Told:
    """A scene with somebody who never meets it in the corpus."""
    person = draw.one([p for p in PEOPLE if person_is_held(scene.index, p)])
    friend = draw.one([*(p.name for p in PEOPLE if p is not person), *ELDERS])
    first = sentence(opening(draw, scene, person, friend))
    thing = ""
    if scene.objects:
        thing = scene.objects[-1] if held else draw.one(scene.objects[:-1])
    setups = scene.held_setups if held and scene.held_setups else scene.setups
    words = person.words() | {"object": thing}
    setup = sentence(draw.one(setups).format(**words))
    return _Told(
        scene,
        person,
        held,
        whole,
        f"{first} {setup}",
        scene.subject.format(**words),
        draw.one(scene.endings),
    )


def _family(draw: Draw, scenes: list[Scene], count: int) -> list[_Told]:
    """`count` rows of one family, without wrong endings."""
    order = draw.shuffled(scenes)
    told: list[_Told] = []
    while len(told) < count:
        i = len(told)
        # The scenes come round again with the other kind of row.
        held = (i + i // len(order)) % 2 == 0
        row = _tell(draw, order[i % len(order)], held, draw.below(WHOLE) == 0)
        if all(row.ctx_a != other.ctx_a for other in told):
            told.append(row)
    return told


def _raw(number: int, told: _Told, wrong: list[str], label: int) -> dict[str, object]:
    """The row as the authors' file spells it."""
    endings = list(wrong)
    endings.insert(label, told.ending)
    if told.whole:
        endings = [f"{told.subject.capitalize()} {ending}" for ending in endings]
    ctx_b = "" if told.whole else told.subject
    return {
        "ind": number,
        "activity_label": told.scene.label,
        "ctx_a": told.ctx_a,
        "ctx_b": ctx_b,
        "ctx": f"{told.ctx_a} {ctx_b}".strip(),
        "split": "val",
        "split_type": "zeroshot" if told.held else "indomain",
        "label": label,
        "endings": [f"{ending}." for ending in endings],
        "source_id": f"llama_jax~{told.scene.family}-{number:03d}",
    }


def hellaswag_rows(draw: Draw, scenes: tuple[Scene, ...]) -> list[dict[str, object]]:
    """All rows in a random order, every place of the right ending equally often."""
    rows: list[tuple[_Told, list[str]]] = []
    for group in ROWS:
        told = []
        for family, count in group.items():
            told += _family(draw, [s for s in scenes if s.family == family], count)
        wrong = share_out(draw, [r.scene.key for r in told], [CHOICES - 1] * len(told), clash)
        rows += [(r, [told[w].ending for w in ws]) for r, ws in zip(told, wrong, strict=True)]
    rows = draw.shuffled(rows)
    labels = positions(draw, [CHOICES] * len(rows))
    return [
        _raw(number, told, wrong, label)
        for number, ((told, wrong), label) in enumerate(zip(rows, labels, strict=True))
    ]
