r"""Extraction rules on texts whose answer one can see."""

import pytest

from llama_jax.evals import answer_formats as find
from llama_jax.evals.gsm8k_formats import FORMATS
from llama_jax.evals.types import Example, Generated, Output


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("So the answer is (A).", "(A)"),
        ("The answer is 3. No: the answer is 4", "4"),
        ("The answer is  yes. ", "yes"),
        ("valid.", "valid"),
        ("the answer is ...", ".."),
        ("The answer is: 4", "The answer is: 4"),  # the phrase ends with a blank
        ("The answer is ", None),
        ("", None),
        (" .", None),
    ],
)
def test_after_answer_is(text, found):
    assert find.after_answer_is(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3 * 4 = <<3*4=12>>12\nA: 12", "12"),
        ("A: 3\nso\nA: $1,234.50 ", "1234.50"),
        ("A:\n", None),
        ("so A: 5", None),
        ("", None),
        ("A: x\u2028A: 5", "x\u2028A: 5"),  # only a newline ends a line
    ],
)
def test_a_line(text, found):
    assert find.a_line(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"\boxed{7} and then $\boxed{8}$", "8"),
        (r"\boxed{\$1,234.50}", "1234.50"),
        (r"\boxed{50\%}", "50"),
        (r"\boxed{18 \text{ eggs}}", "18"),
        (r"\boxed{\frac{3}{4}}", r"\frac{3}{4}"),
        (r"\boxed{5} or \boxed{6", "5"),
        ("```output\n3\n```\nno\n```output\n4.0\n```\nso 9 of them", "4.0"),
        ("```output\n12", "12"),
        ("There are 3 of 1,200.", "1200"),
        ("It is -5.", "-5"),
        (r"\boxed{}", None),
        ("\u0661\u0668 eggs", None),
        ("", None),
    ],
)
def test_boxed_or_output(text, found):
    assert find.boxed_or_output(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3 and 4.\nTherefore, the answer (arabic numerals) is $1,234.50.", "1234.50"),
        ("\nTherefore, the answer (arabic numerals) is 26.00", "26.00"),
        ("\nTherefore, the answer (arabic numerals) is -3/4", "-3"),
        ("\nTherefore, the answer (arabic numerals) is 50%", "50"),
        ("\nTherefore, the answer (arabic numerals) is 7.", "7"),
        (" 12:30 it is", "1230"),
        ("4\nTherefore, the answer (arabic numerals) is unknown", None),
        ("\u0661\u0668", None),
        ("", None),
    ],
)
def test_zero_shot_number(text, found):
    assert find.zero_shot_number(text) == found


@pytest.mark.parametrize(
    ("text", "letters", "found"),
    [
        ("A cat.\nTherefore, among A through E, the answer is C.", "ABCDE", "C"),
        ("A cat.\nTherefore, among A through D, the answer is E or D.", "ABCD", "D"),
        ("most likely A, or B", "ABCDE", "A"),
        ("Every one", "ABCDE", "E"),
        ("Every Dog", "ABCD", "D"),
        ("b", "ABCDE", None),
        ("\u0410 \u0392 \uff21", "ABCDE", None),  # Cyrillic, Greek and full-width letters
        ("", "ABCDE", None),
    ],
)
def test_zero_shot_letter(text, letters, found):
    assert find.zero_shot_letter(text, letters) == found


@pytest.mark.parametrize(
    ("text", "letters", "found"),
    [
        ("B) 12, not C) 14.", "ABCDE", "C"),
        ("(A) then E)", "ABCD", "A"),
        ("the answer is B", "ABCDE", None),
        ("", "ABCDE", None),
    ],
)
def test_last_letter(text, letters, found):
    assert find.last_letter(text, letters) == found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("18", 18), (" 18.0\n", 18), ("-.5", -0.5), ("1e3", 1000), ("+2", 2)),
        *((text, None) for text in ("", "1,234", "-3/4", "50%", "$18", "nan", "inf", "1e999")),
        *((text, None) for text in ("1_000", "[18.0]", "\u0661\u0668", "0x10", "True", "1 2")),
    ],
)
def test_as_float(text, number):
    assert find.as_float(text) == number
    assert find.as_float(None) is None


def test_majority():
    """Of equal votes the answer found first wins; what was not found does not vote."""
    assert find.majority(["b", "a", "a", "b", "c"]) == "b"
    assert find.majority([None, None, "a"]) == "a"
    assert find.majority([18.0, 18.0, 5.0]) == 18.0
    assert find.majority([None, None]) is None
    assert find.majority([]) is None


def scored(name, answer, *texts):
    rule = next(rule for rule in FORMATS if rule.name == name)
    example = Example("0", {"answer": f"... #### {answer}"})
    return rule, example, rule.score(example, Generated(tuple(Output(t, "saved") for t in texts)))


@pytest.mark.parametrize(
    ("name", "gold", "text", "right"),
    [
        ("answer-is", "1,234.50", "The answer is $1234.5.", 1),
        ("answer-is", "18", "It is 18.", 0),
        ("last-number", "18", "It is 18.", 1),
        ("a-line", "10,800", "A: $10800", 1),
        ("a-line", "18", "A: 18.0", 0),  # compared as texts
        ("boxed", "18", r"\boxed{0.18}", 1),  # a percentage
        ("boxed", "18", r"\boxed{18.001}", 1),
        ("boxed", "18", r"\boxed{18.01}", 0),
        ("boxed", "18", r"\boxed{-18}", 0),
        ("value", "18", "18.0009", 1),
        ("value", "18", "18.0011", 0),
        ("value", "18", "[18.0]", 0),
        ("zero-shot-cot-number", "10,800", "10,800", 1),
        ("zero-shot-cot-number", "26", "26.00", 0),
    ],
)
def test_formats_of_gsm8k(name, gold, text, right):
    assert scored(name, gold, text)[2].values["exact_match"] == right
    empty = scored(name, gold, "")[2]
    assert (empty.values, empty.extracted) == ({"exact_match": 0, "extracted": 0}, (None,))


def test_maj_at_k_counts_equal_numbers_as_one_answer():
    texts = ["The answer is 5.", "The answer is 18.00.", "no", "The answer is 18.", "no", "no"]
    rule, example, score = scored("answer-is", "18", *texts)
    assert score.values == {"exact_match": 2 / 6, "maj@k": 1, "extracted": 0.5}
    metric = {m.name: m for m in rule.metrics}["maj@k"]
    assert metric.of([example], [score]).value == 1
    assert metric.of([example], [scored("answer-is", "18", "18")[2]]) is None
    assert scored("answer-is", "18", "no", "no")[2].values["maj@k"] == 0


def test_boxes_inside_boxes_that_are_never_closed():
    assert find.last_boxed("\\boxed{" * 20000) is None
    assert find.last_boxed("\\boxed{" * 20000 + "7}") == "7"
