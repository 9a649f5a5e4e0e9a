import pytest

from llama_jax.evals.entities import (
    Entity,
    Hits,
    bio,
    entities,
    entity_hits,
    hit_rates,
    is_tag,
    tags_right,
    token_hits,
)


def spans(tags):
    return [(e.type, e.begin, e.end) for e in entities(tags.split())]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O O", []),
        ("B-PER I-PER O B-LOC", [("PER", 0, 2), ("LOC", 3, 4)]),
        ("I-PER I-PER O I-LOC", [("PER", 0, 2), ("LOC", 3, 4)]),  # IOB1
        ("I-PER B-PER I-PER", [("PER", 0, 1), ("PER", 1, 3)]),  # IOB1, one after another
        ("B-PER B-PER", [("PER", 0, 1), ("PER", 1, 2)]),
        ("O I-ORG I-ORG", [("ORG", 1, 3)]),  # an I after O begins an entity
        ("B-PER I-LOC I-LOC", [("PER", 0, 1), ("LOC", 1, 3)]),  # so does one of another type
        ("B-PER O I-PER", [("PER", 0, 1), ("PER", 2, 3)]),
        ("I-PER I-LOC B-LOC", [("PER", 0, 1), ("LOC", 1, 2), ("LOC", 2, 3)]),
    ],
)
def test_where_entities_begin_and_end(tags, expected):
    assert spans(tags) == expected
    assert spans(" ".join(bio(entities(tags.split()), len(tags.split())))) == expected


def test_the_example_of_the_module():
    gold = ["B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "I-LOC"]
    found = ["I-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O"]
    assert entity_hits(gold, found) == Hits(1, 2, 2)
    assert token_hits(gold, found) == Hits(4, 4, 5)
    assert tags_right(gold, found) == 5
    rates = hit_rates(token_hits(gold, found))
    assert (rates.precision, rates.recall) == (1, 0.8)
    assert rates.f1 == pytest.approx(1.6 / 1.8)


def test_type_and_both_ends_must_be_right():
    gold = ["B-PER", "I-PER", "O", "B-ORG"]
    for found, hits in (
        ("B-PER O O B-ORG", Hits(1, 2, 2)),
        ("B-PER I-PER I-PER B-ORG", Hits(1, 2, 2)),
        ("B-LOC I-LOC O B-LOC", Hits(0, 2, 2)),
        ("B-PER B-PER O O", Hits(0, 2, 2)),  # two where there is one
        ("I-PER I-PER O I-ORG", Hits(2, 2, 2)),
        ("O O O O", Hits(0, 0, 2)),
    ):
        assert entity_hits(gold, found.split()) == hits, found


def test_rates_worked_by_hand():
    """Of 3 found 2 are right, of 4 gold: precision 2/3, recall 1/2, F1 4/7."""
    rates = hit_rates(Hits(2, 3, 4))
    assert (rates.precision, rates.recall) == (2 / 3, 0.5)
    assert rates.f1 == pytest.approx(4 / 7)


def test_ratios_of_nothing_are_zero():
    for hits in (Hits(0, 0, 0), Hits(0, 2, 0), Hits(0, 0, 2)):
        rates = hit_rates(hits)
        assert (rates.precision, rates.recall, rates.f1) == (0, 0, 0)


def test_what_is_no_tag_is_refused():
    assert [is_tag(text) for text in ("O", "B-PER", "I-X", "S-PER", "B-", "PER", "o", "B-a b")] == [
        *(True, True, True),
        *[False] * 5,
    ]
    with pytest.raises(ValueError, match="tag 1 is 'E-PER'; expected O, B-TYPE or I-TYPE"):
        entities(["B-PER", "E-PER"])
    for count in (entity_hits, token_hits, tags_right):
        with pytest.raises(ValueError, match="1 tags for a sentence of 2 tokens"):
            count(["O", "O"], ["O"])
    with pytest.raises(ValueError, match="overlaps"):
        bio([Entity("PER", 0, 2), Entity("LOC", 1, 2)], 3)
    with pytest.raises(ValueError, match="ends after token 1"):
        bio([Entity("PER", 0, 2)], 1)
