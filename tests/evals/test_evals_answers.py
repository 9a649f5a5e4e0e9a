import pytest

from llama_jax.evals import answers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9 * $2 = $18. The answer is $18.", "18"),
        ("The answer is 1,234.50 dollars", "1234.50"),
        ("the answer is 3. No: the answer is -4.", "-4"),
        ("So the answer is (-7)", "-7"),
        ("The answer is .5", ".5"),
        ("The answer is unknown.", None),
        ("It is 18.", None),
        ("", None),
        ("The answer is ١٨.", None),  # digits of another script are no number here
    ],
)
def test_the_number_after_answer_is(text, found):
    assert answers.answer_is_number(text) == found


def test_the_last_number():
    assert answers.last_number("16 - 3 = 13, then 13 * 2,000 = 26,000.") == "26000"
    assert answers.last_number("none") is None


@pytest.mark.parametrize(
    ("found", "gold", "same"),
    [
        ("18", "18", True),
        ("18.00", "18", True),
        ("3,750", "3750", True),
        ("3750", "3,750", True),
        ("-5", "5", False),
        (None, "5", False),
        (".5", "0.5", True),
    ],
)
def test_equal_numbers(found, gold, same):
    assert answers.equal_numbers(found, gold) is same


@pytest.mark.parametrize(
    ("text", "strict", "flexible"),
    [
        (" 4 + 5 = 9. The answer is 9.", "9", "9."),
        # the expression wants one more character and takes it from the number
        (" The answer is 18", "1", "18"),
        (" The answer is 1,250.\n", "1,250", "1,250."),
        (" The answer is $18.", None, "$18."),
        (" The answer is 3. The answer is 4.", "3.", "4."),  # as greedy as the expression is
        (" seven", None, None),
        (" 7", None, "7"),
    ],
)
def test_the_filters_of_the_harness(text, strict, flexible):
    """Each value worked out with Python's `re` on the expressions of gsm8k-cot.yaml."""
    assert answers.harness_strict(text) == strict
    assert answers.harness_flexible(text) == flexible


def test_the_harness_compares_without_marks():
    assert answers.harness_same_number("1,250.", "1250")
    assert answers.harness_same_number("$18", "18")
    assert not answers.harness_same_number("18.0", "18")
    assert not answers.harness_same_number(None, "18")


def test_normalised_answers():
    assert answers.normalise_answer("The  Beatles' drummer.") == "beatles drummer"
    assert answers.normalise_answer("A theatre in an abbey") == "theatre in abbey"
    assert answers.harness_normalise("The Who") == "who"
    assert answers.harness_normalise("a  b") == " b"  # the article and one blank; others count
    assert answers.harness_normalise("Lake Tahoe, U.S.") == "lake tahoe us"
