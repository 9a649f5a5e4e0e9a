"""Word overlap by hand, with the quirks of the authors' scripts."""

import pytest

from llama_jax.evals.word_overlap import (
    answers_v2,
    best,
    exact,
    f1,
    f1_v2,
    quac_answers,
    quac_f1,
    quac_human_f1,
)


@pytest.mark.parametrize(
    ("text", "gold", "same", "overlap"),
    [
        ("The Cat, sat!", "cat sat", 1, 1),
        ("the cat sat", "a cat sat down", 0, 0.8),  # 2 of 2 and 2 of 3
        ("cat cat", "cat", 0, 2 / 3),  # one of the two counts: 1/2 and 1
        ("twenty-four", "twenty four", 0, 0),  # the hyphen goes, no blank comes
        ("“cat”", "cat", 0, 0),  # only ASCII punctuation is removed
        ("", "cat", 0, 0),
    ],
)
def test_one_gold_answer(text, gold, same, overlap):
    assert exact(text, gold) == same
    assert f1(text, gold) == f1_v2(text, gold) == pytest.approx(overlap)


def test_texts_without_words_differ_between_the_versions():
    assert exact("the", "a.") == 1
    assert (f1("the", "a."), f1_v2("the", "a.")) == (0, 1)
    assert f1_v2("", "cat") == f1_v2("cat", "") == 0


def test_the_nearest_gold_answer_counts():
    assert best(f1, "red cat", ["dog", "cat", "the red cat"]) == 1
    with pytest.raises(ValueError, match="no gold answers"):
        best(exact, "cat", [])


def test_gold_answers_of_version_2():
    assert answers_v2([]) == answers_v2(["The", "..."]) == [""]
    assert answers_v2(["The", "a cat"]) == ["a cat"]


def test_quac_says_that_there_is_no_answer_where_half_do():
    assert quac_answers(["CANNOTANSWER", "a cat"]) == ["CANNOTANSWER"]
    assert quac_answers(["CANNOTANSWER", "a cat", "cats"]) == ["a cat", "cats"]
    assert quac_answers(["CANNOTANSWER"]) == ["CANNOTANSWER"]
    assert quac_f1("CANNOTANSWER", ["CANNOTANSWER", "a cat"]) == 1
    assert quac_f1("cannotanswer", ["CANNOTANSWER"]) == 0  # letter for letter
    assert quac_f1("CANNOTANSWER", ["a cat"]) == 0


def test_quac_leaves_each_gold_answer_out_once():
    """Of "big cat": 1, 2/3 (cat), 0. Without each in turn the best is 2/3, 1, 1."""
    golds = ["big cat", "cat", "dog"]
    assert quac_f1("big cat", golds) == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert quac_f1("dog", golds) == pytest.approx(2 / 3)  # nothing left when it is left out
    # The annotators: big cat with cat 2/3, cat with big cat 2/3, dog with none.
    assert quac_human_f1(golds) == pytest.approx(4 / 9)
    assert quac_human_f1(["cat"]) == quac_human_f1(["CANNOTANSWER", "cat"]) == 1
