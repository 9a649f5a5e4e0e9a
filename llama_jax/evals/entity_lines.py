r"""Pure: entities as lines "TYPE: text", and where in a sentence they stand.

    sentence  Ada met Ada Byron in York .      gold  (PER, 0, 1) (PER, 2, 4) (LOC, 5, 6)
    lines     PER: Ada Byron                   ->    (PER, 2, 4)
              ORG: York                        ->    (ORG, 5, 6)
              LOC: London                      ->    nowhere

A line says no place. One that a gold entity has the type and text of stands there; any other where
its text stands first in the sentence and no other line does. Blanks are ignored ("U.S. 's" and
"U.S.'s" are one text), the case of letters is not. A line whose text stands nowhere (any more) is
an entity that was found and is wrong.
"""

from collections.abc import Sequence

from llama_jax.evals.entities import Entity

NONE = "none"  # what is written where a sentence has no entity


def entity_lines(tokens: Sequence[str], found: Sequence[Entity]) -> str:
    """Returns the lines of entities in a sentence, or "none"."""
    lines = [f"{one.type}: {' '.join(tokens[one.begin : one.end])}" for one in found]
    return "\n".join(lines) or NONE


def parse_lines(text: str, types: Sequence[str]) -> list[tuple[str, str]] | None:
    """Returns (type, text) of every line "TYPE: text"; other lines are passed over.

    None where there is no such line, unless one says "none" (in any case): then there are none.
    """
    found = []
    for line in text.split("\n"):
        kind, colon, name = (part.strip() for part in line.partition(":"))
        if colon and name and kind in types:
            found.append((kind, name))
    said_none = any(line.strip().lower() == NONE for line in text.split("\n"))
    return found if found or said_none else None


def place(
    tokens: Sequence[str], gold: Sequence[Entity], lines: Sequence[tuple[str, str]]
) -> tuple[list[Entity], int]:
    """Returns the lines' entities in the order of the sentence, and how many stand nowhere."""
    free = list(gold)
    placed: list[Entity] = []
    rest: list[tuple[str, str]] = []
    for kind, name in lines:
        same = [e for e in free if e.type == kind and _bare(_text(tokens, e)) == _bare(name)]
        if same:
            free.remove(same[0])
            placed.append(same[0])
        else:
            rest.append((kind, name))
    lost = 0
    for kind, name in rest:
        one = _first(tokens, kind, _bare(name), placed)
        if one is None:
            lost += 1
        else:
            placed.append(one)
    return sorted(placed, key=lambda e: e.begin), lost


def _first(tokens: Sequence[str], kind: str, bare: str, placed: list[Entity]) -> Entity | None:
    """The first place where tokens that no entity has taken make up the text."""
    taken = {place for one in placed for place in range(one.begin, one.end)}
    for begin in range(len(tokens)):
        text = ""
        for end in range(begin, len(tokens)):
            if end in taken or len(text) >= len(bare):
                break
            text += tokens[end]
            if text == bare:
                return Entity(kind, begin, end + 1)
    return None


def _text(tokens: Sequence[str], one: Entity) -> str:
    return "".join(tokens[one.begin : one.end])


def _bare(text: str) -> str:
    return "".join(text.split())
