r"""Answers in LaTeX: extraction and equality, with hand-worked values of the official quirks."""

import pytest

from llama_jax.evals.math_answers import (
    harness_normalise_math,
    hendrycks_equal,
    hendrycks_normalise,
    last_boxed,
    minerva_answer,
    minerva_normalise,
)

END = "Final Answer: The final answer is"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (f"So.\n{END} $[2,5)$. I hope it is correct.", "$[2,5)$"),
        (f"{END} 5. I hope it is correct. {END} 6. I hope it is correct.", "5"),  # the first
        (f"{END} $5$. ", "$5$"),  # cut before "I hope": completed
        (f"{END} $5$.", None),  # cut a blank earlier: not
        (f"{END} $5$", None),
        (f"{END} $5\n$. I hope it is correct.", None),  # it ends on its line
        (f"{END} . I hope it is correct.", None),  # nothing is said
        ("The answer is $5$. I hope it is correct.", None),
        ("", None),
    ],
)
def test_minerva_answer(text, answer):
    assert minerva_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"$\boxed{5}$", "5"),
        (r"\boxed{1}, then \boxed{2}.", "2"),
        (r"\boxed{\frac{1}{\sqrt{2}}} and {so} on}", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed{\left\{1,2\right\}}", r"\left\{1,2\right\}"),
        (r"\boxed{\text{a \boxed{3}}}", "3"),  # the last one, though it stands in another
        (r"$\boxed 5$ of them", "5"),
        (r"\boxed{1} and \boxed{2", None),  # unfinished
        (r"\boxed5", None),
        (r"\fbox{5}", None),
        ("5", None),
    ],
)
def test_last_boxed(text, answer):
    assert last_boxed(text) == answer


# What is written, Minerva's appendix D, lm-evaluation-harness 3.1.
NORMALISED = [
    ("$x=5$", "5", "5"),
    ("f(x)=y=2x", "2x", "2x"),
    ("1,234", "1234", "1234"),
    ("0,1", "01", "0,1"),
    ("-1,234", "-1,234", "-1234"),
    (r"$\$1{,}000$", "1000", "1000"),
    (r"50\%", r"50\%", r"50\%"),
    (r"90^\circ", "90", "90"),
    (r"90^{\circ}", "90", "90"),
    ("90 degrees", "90", "90"),
    (r"5\text{ cm}", "5", "5"),
    (r"5\text{ m}^2", "5", "5"),
    (r"\text{ways}", "", ""),
    (r"2\pi cm", r"2\pi", r"2\pi"),
    (r"2\picm", r"2\pi", r"2\picm"),
    (r"\text{Ann and Bob}", "AnnandBob", "AnnandBob"),
    (r"1\text{ and }2", "12", "1,2"),
    (r"\left(2,3\right)", r"\le(2,3\right)", r"\left(2,3\right)"),
    (r"(-\infty,3)", r"(-\iny,3)", r"(-\infty,3)"),
    (r"\frac12", r"\frac{1}{2}", r"\frac{1}{2}"),
    (r"\dfrac12", r"\dfrac{1}{2}", r"\dfrac{1}{2}"),
    (r"\frac{1}{2}", r"\frac{1}{2}", r"\frac{1}{2}"),
    (r"\sqrt3", r"\sqrt{3}", r"\sqrt{3}"),
    (r"\sqrt[3]{8}", r"\sqrt{[}3]{8}", r"\sqrt[3]{8}"),
    (r"\sqrt[3]8", r"\sqrt{[}3]8", r"\sqrt[3]{8}"),
    (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}", r"\frac{1}{2}"),
    ("about $3$ or $4$", "3", "3"),
    ("$3.$", "3", "3"),
    (r"\frac{1", r"\frac{1", r"\frac{1"),
    ("", "", ""),
]


@pytest.mark.parametrize(("text", "minerva", "harness"), NORMALISED)
def test_minerva_and_harness_normalisation(text, minerva, harness):
    assert minerva_normalise(text) == minerva
    assert harness_normalise_math(text) == harness


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        (r"\dfrac12", r"\frac{1}{2}"),
        (r"\tfrac{1}2", r"\frac{1}2"),  # only the first argument is looked at
        (r"\frac1{72}", r"\frac{1}{72}"),
        (r"\frac1", r"\frac1"),
        (r"\frac1+\frac23", r"\frac{1}{+}\frac{2}{3}"),
        ("1/2", r"\frac{1}{2}"),
        ("-3/4", r"\frac{-3}{4}"),
        ("01/2", "01/2"),
        ("a/b", "a/b"),
        ("0.5", r"\frac{1}{2}"),
        (".5", r"\frac{1}{2}"),
        ("0.25", "0.25"),
        ("x=5", "5"),
        ("x = 5", "5"),
        ("xy=5", "5"),
        ("x  = 5", "x=5"),
        ("x=y=5", "x=y=5"),
        (r"5\text{ cm}", "5"),
        (r"5\text{cm}", r"5\text{cm}"),
        (r"90^\circ", "90"),
        (r"50\%", "50"),
        ("50%", "50"),
        (r"\$3", "3"),
        ("1,234", "1,234"),
        (r"1,\!234", "1,234"),
        (r"\left( 1, 2 \right)", "(1,2)"),
        (r"\sqrt3+\sqrt{5}", r"\sqrt{3}+\sqrt{5}"),
        (r"\sqrt[3]{8}", r"\sqrt{[}3]{8}"),
        ("", ""),
    ],
)
def test_hendrycks_normalisation(text, normalised):
    assert hendrycks_normalise(text) == normalised


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"5\text{ a}\text{ b}", "2 units"),
        (r"2\sqrt", "nothing follows"),
        (r"\frac\frac12", "nothing follows"),
    ],
)
def test_malformed_answers_equal_only_themselves(text, said):
    with pytest.raises(ValueError, match=said):
        hendrycks_normalise(text)
    assert hendrycks_equal(text, text)
    assert not hendrycks_equal(f" {text}", text)


def test_hendrycks_equal():
    assert hendrycks_equal(r"x=\dfrac{1}{2}", "0.5")
    assert not hendrycks_equal("1234", "1,234")
    assert not hendrycks_equal("2x+2", "2(x+1)")
    assert not hendrycks_equal(None, "5")
