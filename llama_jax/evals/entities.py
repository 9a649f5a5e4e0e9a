"""Pure: named entities in tagged sentences, counted as the CoNLL shared tasks' script conlleval.

    tokens  Ada     Byron   lives  in  New     York    State
    gold    B-PER   I-PER   O      O   B-LOC   I-LOC   I-LOC    (PER, 0, 2) (LOC, 4, 7)
    found   I-PER   I-PER   O      O   B-LOC   I-LOC   O        (PER, 0, 2) (LOC, 4, 6)

    entities  1 right of 2 found and 2 gold     precision 1/2, recall 1/2
    tags      5 of 7 to the letter              accuracy 5/7 (B-PER against I-PER is wrong)
    tokens    4 right of 4 inside found, 5 gold precision 1, recall 4/5 (types alone, no B or I)

An entity begins at B, at an I after O, and at an I of another type than the tag before, so both of
the schemes in use are read: BIO (B begins every entity) and IOB1 (B only where an entity follows
one of its own type at once). It is right where type, begin and end are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llama_jax.evals.classification import Rates

_TAG = re.compile(r"O|[BI]-\S+")


@dataclass(frozen=True)
class Entity:
    """Tokens `begin` up to, and without, `end`, and what they name."""

    type: str
    begin: int
    end: int


@dataclass(frozen=True)
class Hits:
    """How many are right of those found and those in the gold answer."""

    right: int
    found: int
    gold: int


def is_tag(text: str) -> bool:
    """Whether a text is O, B-TYPE or I-TYPE."""
    return _TAG.fullmatch(text) is not None


def entities(tags: Sequence[str]) -> list[Entity]:
    """Returns the entities of a sentence, in order.

    >>> entities(["I-PER", "B-PER", "I-LOC"])
    [Entity(type='PER', begin=0, end=1), Entity(type='PER', begin=1, end=2), \
Entity(type='LOC', begin=2, end=3)]

    Raises:
        ValueError: a tag is none of O, B-TYPE and I-TYPE.
    """
    found: list[Entity] = []
    inside = ""  # the type of the entity that the token before belongs to
    for place, tag in enumerate(tags):
        if not is_tag(tag):
            raise ValueError(f"tag {place} is {tag!r}; expected O, B-TYPE or I-TYPE")
        kind = tag[2:]
        if kind and (tag[0] == "B" or kind != inside):
            found.append(Entity(kind, place, place + 1))
        elif kind:
            found[-1] = Entity(kind, found[-1].begin, place + 1)
        inside = kind
    return found


def bio(found: Sequence[Entity], length: int) -> list[str]:
    """Returns the BIO tags of entities in a sentence of `length` tokens.

    Raises:
        ValueError: two overlap, or one does not lie in the sentence.
    """
    tags = ["O"] * length
    for one in found:
        if not 0 <= one.begin < one.end <= length or set(tags[one.begin : one.end]) != {"O"}:
            raise ValueError(f"{one} overlaps another entity, or ends after token {length}")
        inner = [f"I-{one.type}"] * (one.end - one.begin - 1)
        tags[one.begin : one.end] = [f"B-{one.type}", *inner]
    return tags


def entity_hits(gold: Sequence[str], found: Sequence[str]) -> Hits:
    """Returns the counts of entities that agree in type, begin and end."""
    _same_length(gold, found)
    wanted, given = set(entities(gold)), set(entities(found))
    return Hits(len(wanted & given), len(given), len(wanted))


def token_hits(gold: Sequence[str], found: Sequence[str]) -> Hits:
    """Returns the counts of tokens inside an entity whose types agree."""
    _same_length(gold, found)
    wanted, given = [tag[2:] for tag in gold], [tag[2:] for tag in found]
    right = sum(a == b != "" for a, b in zip(wanted, given, strict=True))
    return Hits(right, sum(map(bool, given)), sum(map(bool, wanted)))


def tags_right(gold: Sequence[str], found: Sequence[str]) -> int:
    """Returns how many tags agree to the letter, O among them."""
    _same_length(gold, found)
    return sum(a == b for a, b in zip(gold, found, strict=True))


def hit_rates(hits: Hits) -> Rates:
    """Returns precision, recall and F1; a ratio of nothing is 0, as in conlleval."""
    precision = hits.right / hits.found if hits.found else 0.0
    recall = hits.right / hits.gold if hits.gold else 0.0
    both = precision + recall
    return Rates(precision, recall, 2 * precision * recall / both if both else 0.0)


def _same_length(gold: Sequence[str], found: Sequence[str]) -> None:
    if len(gold) != len(found):
        raise ValueError(f"{len(found)} tags for a sentence of {len(gold)} tokens")
