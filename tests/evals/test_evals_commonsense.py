"""SIQA, ARC-Easy and OpenBookQA: prompts word for word, rows refused, gold answers."""

import re
from pathlib import Path

import pytest

from llama_jax.data.rows import Row, checked_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import arc_challenge, arc_easy, openbookqa, siqa
from llama_jax.evals.self_check import self_check
from llama_jax.evals.types import ChosenFrom, Likelihood, Loglikelihood
from llama_jax.tokenizer import load_tokenizer

SIQA = {
    "context": "Ann fell.",
    "question": "What will Ann do next?",
    "answerA": "get up",
    "answerB": "fly",
    "answerC": "sing",
    "label": "1",
}
HEADER = "\t".join(openbookqa.HEADER)


def test_siqa_prompt():
    example = siqa.read(Row("dev.jsonl", 3, SIQA))
    assert example.id == "3"
    context = "Q: Ann fell. What will Ann do next?\nA:"
    assert [c.given for c in siqa.prompt(example).choices] == [
        Loglikelihood(context, f" {answer}") for answer in ("get up", "fly", "sing")
    ]


def test_siqa_decides_per_character_and_the_harness_does_not():
    """-3 / 6 characters = -0.5, -2 / 3 = -0.67, -4 / 4 = -1: the first; the raw sum: the second."""
    example = siqa.read(Row("dev.jsonl", 0, SIQA))
    likely = tuple(Likelihood(logprob, 2, False) for logprob in (-3.0, -2.0, -4.0))
    response = ChosenFrom(("get up", "fly", "sing"), likely)
    assert siqa.score(example, response).values == {"acc_norm": 1, "acc": 0}
    assert siqa.harness_score(example, response).values == {"acc": 0}


def test_arc_easy_is_arc_challenge_but_for_its_file():
    for mine, theirs in zip(
        arc_easy.BENCHMARK.protocols, arc_challenge.BENCHMARK.protocols, strict=True
    ):
        assert (mine.prompt, mine.score, mine.primary) == (
            theirs.prompt,
            theirs.score,
            theirs.primary,
        )
    assert "2376" in arc_easy.PAPER.rules[-1].what
    assert "1172" in arc_challenge.PAPER.rules[-1].what


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_openbookqa_rows_and_prompts(tmp_path):
    choices = "(A) a cat (fat) (B) a dog (C) tin (D) 5 g"
    path = write(tmp_path / "t.tsv", HEADER, f"7-1\tWhat purrs?\t{choices}\tWhat ..\tA")
    rows = list(openbookqa.parse(path))
    answers = ["a cat (fat)", "a dog", "tin", "5 g"]
    assert rows == [(2, {"id": "7-1", "stem": "What purrs?", "choices": answers, "answer": "A"})]
    example = openbookqa.read(Row("t.tsv", 0, rows[0][1]))
    assert [(c.given, c.unconditional) for c in openbookqa.prompt(example).choices] == [
        (Loglikelihood("What purrs?", f" {a}"), Loglikelihood("Answer:", f" {a}")) for a in answers
    ]
    assert all(c.unconditional is None for c in openbookqa.harness_prompt(example).choices)


def test_openbookqa_divides_by_the_probability_without_the_question():
    """ln p: -5, -2, -9, -9; after "Answer:": -9, -3, -9, -9. The gain: 4, 1, 0, 0."""
    row = {"id": "1", "stem": "s", "choices": ["a", "b", "c", "d"], "answer": "A"}
    example = openbookqa.read(Row("t.tsv", 0, row))
    given = tuple(Likelihood(x, 1, False) for x in (-5.0, -2.0, -9.0, -9.0))
    without = tuple(Likelihood(x, 1, False) for x in (-9.0, -3.0, -9.0, -9.0))
    response = ChosenFrom(("a", "b", "c", "d"), given, without)
    values = openbookqa.score(example, response).values
    assert values == {"acc_unconditional": 1, "acc": 0, "acc_norm": 0}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["ID\tStem"], ":1: header ['ID', 'Stem']; expected ['ID', 'Question Stem'"),
        ([HEADER, "1\tq\t(A) a"], ":2: 3 tab-separated fields; expected 5: ID, "),
        ([HEADER, "1\tq\t(A) a (B) b\tq\tA"], ":2: Choices: '(A) a (B) b' is not of the form"),
        (
            [HEADER, "1\tq\t(A) a (B) b (C) c (D) d\tq\tE"],
            ":2: answer: str 'E' is not one of ['A', 'B', 'C', 'D']",
        ),
    ],
)
def test_openbookqa_rows_that_cannot_be_asked(tmp_path, lines, said):
    path = write(tmp_path / "t.tsv", *lines)
    with pytest.raises(InputError, match=re.escape(str(path) + said)):
        list(checked_rows(path, openbookqa.parse, openbookqa.SCHEMA))


def test_siqa_labels_are_checked(tmp_path):
    path = write(tmp_path / "d.jsonl", '{"context": "c"}')
    with pytest.raises(InputError, match=r"d-labels\.lst: the labels of d\.jsonl are missing"):
        list(siqa.BENCHMARK.examples.parse(path))
    with pytest.raises(InputError, match="file:7: label: str '0' is not one of"):
        bad = [(7, {**SIQA, "label": "0"})]
        list(checked_rows(Path("file"), lambda path: iter(bad), siqa.SCHEMA))


@pytest.mark.shared
@pytest.mark.parametrize("module", [siqa, arc_easy, openbookqa], ids=lambda module: module.__name__)
def test_gold_answers_on_the_authors_files(shared, module):
    tokenizer = load_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model")
    for way in module.BENCHMARK.protocols:
        found = self_check(module.BENCHMARK, way, tokenizer, shared / "benchmarks", 300)
        assert (found.gold, found.wrong, found.unreachable) == (1, 0, ())
        assert found.n == 300
