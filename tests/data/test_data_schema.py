import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.data.schema import (
    Boolean,
    Index,
    Integer,
    ListOf,
    MemberOf,
    Number,
    OneOf,
    Record,
    Text,
    at_path,
    problem,
)

ANSWER = Record({"text": Text(), "label": Text()})
SCHEMA = Record(
    {
        "stem": Text(),
        "hint": Text(blank=True),
        "answers": ListOf(ANSWER, minimum=2, maximum=3, distinct="label"),
        "key": MemberOf("answers.label"),
        "best": Index("answers"),
        "kind": OneOf(("easy", "hard", 3)),
        "year": Integer(1900, 2100),
        "share": Number(),
        "checked": Boolean(),
    },
    optional={"note": Text()},
)
ROW = {
    "stem": "Which?",
    "hint": "",
    "answers": [{"text": "this", "label": "A"}, {"text": "this", "label": "B"}],
    "key": "B",
    "best": 0,
    "kind": "easy",
    "year": 1999,
    "share": 1,
    "checked": False,
    "unknown fields": "do not matter",
}
A = ROW["answers"][0]


def test_a_good_row_has_no_problem():
    assert problem(SCHEMA, ROW) is None
    assert problem(SCHEMA, ROW | {"note": "n", "share": 0.5, "kind": 3}) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stem": None}, "stem: expected text, got NoneType None"),
        ({"stem": " \t"}, "stem: the text is empty"),
        ({"hint": 3}, "hint: expected text, got int 3"),
        ({"note": ""}, "note: the text is empty"),
        ({"answers": "AB"}, "answers: expected a list, got str 'AB'"),
        ({"answers": [A]}, "answers: 1 entries; expected 2 to 3"),
        ({"answers": [A] * 4}, "answers: 4 entries; expected 2 to 3"),
        ({"answers": [A, A]}, "answers[1].label: str 'A' occurs twice"),
        ({"answers": [A, "B"]}, "answers[1]: expected an object, got str 'B'"),
        ({"answers": [A, {"text": "x"}]}, "answers[1].label: the field is missing"),
        ({"answers": [A, {"text": "", "label": "B"}]}, "answers[1].text: the text is empty"),
        ({"key": "C"}, "key: str 'C' is not among answers.label, ['A', 'B']"),
        ({"best": 2}, "best: 2 is not an index into answers, which has 2 entries"),
        ({"best": -1}, "best: -1 is not an index into answers, which has 2 entries"),
        ({"best": True}, "best: expected an integer, got bool True"),
        ({"best": "1"}, "best: expected an integer, got str '1'"),
        ({"kind": "odd"}, "kind: str 'odd' is not one of ['easy', 'hard', 3]"),
        ({"kind": 3.0}, "kind: float 3.0 is not one of"),
        ({"year": 1899}, "year: 1899 is outside 1900..2100"),
        ({"year": 1999.0}, "year: expected an integer, got float 1999.0"),
        ({"year": False}, "year: expected an integer, got bool False"),
        ({"share": "1"}, "share: expected a number, got str '1'"),
        ({"share": True}, "share: expected a number, got bool True"),
        ({"checked": 0}, "checked: expected true or false, got int 0"),
    ],
)
def test_every_problem_is_named_with_its_field(change, message):
    assert problem(SCHEMA, ROW | change).startswith(message)


@pytest.mark.parametrize("name", SCHEMA.fields)
def test_a_missing_field_is_named(name):
    row = {key: value for key, value in ROW.items() if key != name}
    assert problem(SCHEMA, row) == f"{name}: the field is missing"


def test_a_row_that_is_no_object():
    assert problem(SCHEMA, [1]) == "the row: expected an object, got list [1]"


def test_an_open_list_says_or_more():
    schema = Record({"answers": ListOf(Text(), minimum=2)})
    assert problem(schema, {"answers": []}) == "answers: 0 entries; expected 2 or more"


def test_long_values_are_shortened_in_messages():
    found = problem(Record({"n": Integer()}), {"n": "x" * 500})
    assert len(found) < 120 and found.endswith("...")


def test_paths_enter_lists():
    assert at_path({"a": [{"b": 1}, {"b": 2}, {"c": 3}]}, "a.b") == [1, 2]
    assert at_path({"a": 1}, "x.y") == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(SCHEMA.fields)), json_values)
def test_no_json_value_breaks_the_check(name, value):
    found = problem(SCHEMA, ROW | {name: value})
    assert found is None or ": " in found
