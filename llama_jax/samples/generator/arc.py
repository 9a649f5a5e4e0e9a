"""The sample in ARC's raw format: questions that the corpus never asks, each with its choices."""

from llama_jax.samples.generator.clashes import clash
from llama_jax.samples.generator.distractors import positions, share_out
from llama_jax.samples.generator.grammar import Draw
from llama_jax.samples.generator.questions import Fact

# Rows a relation. Relations with few different answers have rows in even numbers of each.
ROWS = {
    "tool": 50, "store": 28, "effect": 36, "need": 12, "helper": 30, "food": 12, "home": 12,
    "young": 8, "caller": 12,
}  # fmt: skip
# As in the authors' file, a few rows have three or five choices, or numbers for letters.
THREE, FIVE, NUMBERED = 5, 5, 10


def _choose(draw: Draw, facts: list[Fact], count: int) -> list[tuple[Fact, str]]:
    """Facts and stems: held-out facts and wordings in turn, all answers equally often."""
    chosen: list[tuple[Fact, str]] = []
    used = dict.fromkeys((fact.answer for fact in facts), 0)
    left = draw.shuffled(facts)
    while len(chosen) < count:
        fresh = len(chosen) % 2 == 0
        left.sort(key=lambda fact: (used[fact.answer], fact.held != fresh))
        fact = left.pop(0)
        used[fact.answer] += 1
        wordings = list(range(5)) if fact.held else fact.wordings(held=True)
        chosen.append((fact, fact.stem(draw.one(wordings), draw)))
    return chosen


def _relation(
    draw: Draw, chosen: list[tuple[Fact, str]], counts: list[int]
) -> list[tuple[Fact, str, list[str]]]:
    """The rows of one relation, each with its wrong choices."""
    wrong = share_out(draw, [fact.key for fact, _ in chosen], counts, clash)
    return [
        (fact, stem, [chosen[w][0].answer for w in others])
        for (fact, stem), others in zip(chosen, wrong, strict=True)
    ]


def _raw(number: int, row: tuple[Fact, str, list[str]], place: int, numbered: bool) -> dict:
    """The row as the authors' file spells it."""
    fact, stem, wrong = row
    texts = list(wrong)
    texts.insert(place, fact.answer)
    labels = "12345" if numbered else "ABCDE"
    kind = "fact" if fact.held else "wording"
    return {
        "id": f"llama_jax_{fact.relation}_{kind}_{number:03d}",
        "question": {
            "stem": stem,
            "choices": [
                {"text": text, "label": label} for text, label in zip(texts, labels, strict=False)
            ],
        },
        "answerKey": labels[place],
    }


def arc_rows(draw: Draw, facts: tuple[Fact, ...]) -> list[dict]:
    """All rows in a random order, every place of the right choice equally often."""
    sizes = draw.shuffled([2] * THREE + [4] * FIVE + [3] * (ROWS["tool"] - THREE - FIVE))
    rows = []
    for relation, count in ROWS.items():
        chosen = _choose(draw, [f for f in facts if f.relation == relation], count)
        counts = sizes if relation == "tool" else [3] * count
        rows += _relation(draw, chosen, counts)
    rows = draw.shuffled(rows)
    numbered = set(draw.some(range(len(rows)), NUMBERED))
    places = positions(draw, [1 + len(wrong) for _, _, wrong in rows])
    return [
        _raw(number, row, place, number in numbered)
        for number, (row, place) in enumerate(zip(rows, places, strict=True))
    ]
