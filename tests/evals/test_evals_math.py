r"""MATH: prompts word for word, scores, bad rows, and the authors' rows through the self-check."""

import json
import re
from pathlib import Path

import pytest

from llama_jax import paper, samples
from llama_jax.data.rows import Row, checked_rows, jsonl_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import benchmark, math, protocol
from llama_jax.evals.plan import plan_task
from llama_jax.evals.self_check import self_check
from llama_jax.evals.types import Generated, Output
from llama_jax.tokenizer import load_tokenizer

ROW = {
    "problem": "What is half of $1$?",
    "level": "Level 1",
    "type": "Counting & Probability",
    "solution": r"It is \boxed{\frac{1}{2}}.",
}
SHOT = {
    "problem": "Solve $y>0$.}",
    "solution": "\\begin{align*}\ny&>0\\\n&\n\\end{align*}\n"
    "Final Answer: The final answer is $(0,\\infty)$. I hope it is correct.",
}


def example(**changed):
    return math.read(Row("test.jsonl", 3, {**ROW, **changed}))


def shot():
    return math.read_shot(Row("shots.json", 0, SHOT))


def said(*texts):
    return Generated(tuple(Output(text, "stop") for text in texts))


def final(answer):
    return f"\nFinal Answer: The final answer is {answer}. I hope it is correct."


def test_an_example_has_its_answer_and_subject():
    found = example()
    assert (found.id, found.subtask) == ("3", "counting_and_probability")
    assert found.row["answer"] == r"\frac{1}{2}"


def test_paper_prompt_is_minervas():
    request = math.prompt(example(), [shot()])
    assert request.prompt == (
        "Problem:\nSolve $y>0$.}\n\nSolution:\n"
        "\\begin{align*}\ny&>0\\\\\n&\n\\end{align*}\n"
        "Final Answer: The final answer is $(0,\\infty)$. I hope it is correct.\n\n"
        "Problem:\nWhat is half of $1$?\n\nSolution:"
    )
    assert (request.max_new_tokens, request.stop) == (512, ("Problem:",))
    assert (request.temperature, request.samples) == (0, 1)


def test_harness_prompt():
    request = math.harness_prompt(example(), [shot()])
    assert request.prompt == (
        "Problem:\nSolve $y>0$.\n\nSolution: "
        "\\begin{align*}\ny&>0\\\\\n&\n\\end{align*}\n"
        "Final Answer: The final answer is $(0,\\infty)$. I hope it is correct.\n\n"
        "Problem:\nWhat is half of $1$?\n\nSolution:"
    )
    assert (request.max_new_tokens, request.stop) == (256, ("Problem:",))


def test_two_backslashes_at_the_end_of_a_line_stay_two():
    row = {**SHOT, "problem": "a\\\\\nb\\\nc\\frac"}
    assert math.read_shot(Row("shots.json", 0, row)).row["problem"] == "a\\\\\nb\\\\\nc\\frac"


def test_scores():
    answers = ["$0.5$", r"$x=\frac12$", "$2$", "$(1$"]
    response = said(*map(final, answers), r"\boxed{\frac{1}{2}}")
    score = math.score(example(), response)
    assert score.gold == r"\frac{1}{2}"
    assert score.extracted == ("0.5", r"\frac{1}{2}", "2", "(1", None)
    assert score.values == {"exact_match": 2 / 5, "extracted": 4 / 5}
    assert math.harness_score(example(), response).values == score.values
    boxed = math.boxed_score(example(), said(r"\boxed{0.5}", r"\boxed{\dfrac12}", "0.5"))
    assert boxed.values == {"exact_match": 2 / 3, "extracted": 2 / 3}
    assert boxed.extracted == ("0.5", r"\dfrac12", None)


def test_the_harness_reads_only_as_far_as_it_can():
    one = example(solution=r"\boxed{1}")
    assert math.score(one, said(final("$1,2$"))).values["exact_match"] == 0
    assert math.harness_score(one, said(final("$1,2$"))).values["exact_match"] == 1


def test_gold_answers_that_need_care():
    """A full stop in the box, which is no part of the answer; an answer over two lines."""
    dotted = example(solution=r"\boxed{1 + \frac{1}{5} i.}")
    assert math.score(dotted, said(final(r"$1+\frac{1}{5}i$"))).values["exact_match"] == 1
    lines = example(solution="\\boxed{90\\text{ square\nunits}}")
    assert all(math.score(lines, said(t)).values["exact_match"] for t in math.gold_texts(lines))


def test_answer_formats():
    minerva, boxed = math.BENCHMARK.answer_formats
    assert (minerva.name, boxed.name) == ("minerva", "boxed")
    text = said(r"\boxed{\frac{1}{2}}" + final("$2$"))
    assert minerva.score(example(), text).values["exact_match"] == 0
    assert boxed.score(example(), text).values["exact_match"] == 1


def test_the_paper_prints_it():
    task = math.BENCHMARK
    assert task.paper.column in paper.table("25").columns
    assert paper.column_of("25", "math@4", "exact_match") == "MATH"
    assert task.protocols[0].shots[0] == 4


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"problem": " "}, "problem: the text is empty"),
        ({"type": "Topology"}, "type: str 'Topology' is not one of"),
        ({"solution": "It is 5."}, "solution: str 'It is 5.' has nothing of the form"),
        ({"level": 5}, "level: expected text, got int 5"),
    ],
)
def test_bad_rows_are_refused(tmp_path, changed, line):
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps({**ROW, **changed}) + "\n")
    with pytest.raises(InputError, match=re.escape(f"{path}:1: {line}")):
        list(checked_rows(Path(path), jsonl_rows, math.SCHEMA))


@pytest.mark.parametrize("solution", [r"It is \boxed{1", r"\boxed{}", r"\boxed{1} \boxed2"])
def test_a_solution_without_an_answer_is_refused(solution):
    with pytest.raises(InputError, match=r"test.jsonl: row 3: solution: the last \\boxed holds no"):
        example(solution=solution)


def test_the_samples_have_every_subject():
    tokenizer = load_tokenizer(samples.TOKENIZER)
    plan = plan_task(math.BENCHMARK, math.PAPER, tokenizer, 1 << 20, data_dir=None)
    assert {one.subtask for one in plan.examples} == set(math.SUBJECTS.values())


RIGHT = {"exact_match": 1.0, "extracted": 1.0}


@pytest.mark.shared
@pytest.mark.parametrize("name", ["paper", "lm-eval"])
def test_gold_answers_on_the_authors_rows(shared, name):
    task = benchmark("math")
    tokenizer = load_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model")
    found = self_check(task, protocol(task, name), tokenizer, shared / "benchmarks", limit=4)
    assert (found.n, found.gold, found.wrong, found.unreachable) == (28, 1.0, 0.0, ())


@pytest.mark.shared
@pytest.mark.parametrize("score", [math.score, math.harness_score, math.boxed_score])
def test_gold_answers_equal_themselves(shared, score):
    """Every tenth, and the two that need care: SymPy reads one of them, one has two lines."""
    rows = list(jsonl_rows(shared / "benchmarks" / "math" / "test.jsonl"))
    chosen = sorted({*range(0, len(rows), 10), 2269, 4134})
    examples = [math.read(Row("test.jsonl", i, rows[i][1])) for i in chosen]
    wrong = [e.id for e in examples if score(e, said(math.gold_texts(e)[0])).values != RIGHT]
    assert (len(rows), wrong) == (5000, [])
