"""CommonsenseQA and AGIEval: prompts word for word, parsers, and what is refused."""

import csv
import re
from pathlib import Path

import pytest

from llama_jax import samples
from llama_jax.data.rows import Row, checked_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import agieval, commonsense_qa
from llama_jax.evals.plan import plan_task
from llama_jax.evals.self_check import self_check
from llama_jax.evals.types import Example, Generated, Loglikelihood, Output
from llama_jax.tokenizer import load_tokenizer

TEXTS = ["tin", "oak", "wool", "clay", "ice"]
CHOICES = [{"label": k, "text": t} for k, t in zip("EDCBA", reversed(TEXTS), strict=True)]
CSQA = {"id": "x1", "answerKey": "B", "question": {"stem": " What grows? ", "choices": CHOICES}}


def test_commonsense_qa_prompts():
    example = commonsense_qa.read(Row("file", 3, CSQA))
    assert (example.id, commonsense_qa.gold(example)) == ("x1", "B")
    fields = {"question": "What melts?", "choices": ["a hat", "ice", "an ear", "a key"]}
    shot = Example("0", {**fields, "answer": "B", "explanation": "It is cold."})
    context = (
        "Q: What melts? Answer Choices: (a) a hat (b) ice (c) an ear (d) a key\n"
        "A: The answer is (b).\n\n"
        "Q:  What grows?  Answer Choices: (a) tin (b) oak (c) wool (d) clay (e) ice\n"
        "A: The answer is"
    )
    assert [c.given for c in commonsense_qa.prompt(example, [shot]).choices] == [
        Loglikelihood(context, f" ({letter})") for letter in "abcde"
    ]
    harness = "Question: What grows?\nA. tin\nB. oak\nC. wool\nD. clay\nE. ice\nAnswer:"
    assert [c.given for c in commonsense_qa.harness_prompt(example).choices] == [
        Loglikelihood(harness, f" {letter}") for letter in "ABCDE"
    ]


def question(task="lsat-ar", **fields):
    row = {"passage": "Ann sings.", "question": "Who sings?", "label": "B"}
    row["options"] = ["(A)Bo", "(B)Ann", "(C)Cy", "(D)none"]
    return Example(f"agieval/{task}:0", {**row, **fields}, task)


def test_agieval_prompts():
    shot = question(passage="Bo sits.", question="Who sits?", label="A")
    options = "(A)Bo (B)Ann (C)Cy (D)none"
    prompt = agieval.prompt(question(), [shot])
    assert prompt.prompt == (
        "Here are the answers for the problems in the exam.\n"
        f"Problem 1.   Bo sits. Who sits?\nChoose from the following options:    {options}\n"
        "The answer is therefore A\n\n"
        f"Problem 2.   Ann sings. Who sings?\nChoose from the following options:    {options}\n"
    )
    assert (prompt.max_new_tokens, prompt.stop) == (10, ("\n",))
    bare = question("sat-en-without-passage", passage="")
    assert "Problem 1.    Who sits?\n" in agieval.prompt(bare, [shot]).prompt
    harness = (
        f"Ann sings.Q: Who sings? Answer Choices: {options}\nA: Among A through D, the answer is"
    )
    assert [c.given for c in agieval.harness_prompt(question()).choices] == [
        Loglikelihood(harness, f" {option}") for option in question().row["options"]
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The answer is therefore B", "B"),
        ("A cat: the answer is (C) or (D)", "C"),
        ("I think B", "B"),
        ("answer is\nG", None),
        ("Good", None),
        ("\u0412", None),
        ("", None),
    ],
)
def test_agieval_parser(text, found):
    score = agieval.score(question(), Generated((Output(text, "stop"),)))
    assert score.extracted == (found,)
    assert score.values == {"accuracy": found == "B", "extracted": found is not None}


def test_the_published_rules_know_five_letters():
    formats = {one.name: one for one in agieval.BENCHMARK.answer_formats}
    response = Generated((Output("Fine Every Dog B) E) F)", "saved"),))
    found = {name: one.score(question(), response).extracted[0] for name, one in formats.items()}
    assert found == {"answer-is": "F", "zero-shot-cot-letter": "E", "last-letter": "E"}


def test_agieval_shots_of_a_task_with_fewer():
    tokenizer = load_tokenizer(samples.TOKENIZER)
    way = agieval.BENCHMARK.protocols[0]
    plan = plan_task(agieval.BENCHMARK, way, tokenizer, 1 << 20, data_dir=None)
    counts = {
        example.subtask: request.prompt.count("The answer is therefore")
        for example, request in zip(plan.examples, plan.requests, strict=True)
    }
    assert counts == {"aqua-rat": 5, "sat-en": 3, "sat-en-without-passage": 3}
    with pytest.raises(InputError, match="agieval example .*: 0 shots where 5 are wanted"):
        plan_task(
            agieval.BENCHMARK,
            agieval.replace(way, pick_shots=lambda example, pool, count: ()),
            tokenizer,
            1 << 20,
            data_dir=None,
        )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["", "x"]], "1: the header names none of aqua-rat"),
        ([["", "sat-en"], ["1", "{'label'"], ["2", ""]], "2: the sample of sat-en is not a Python"),
        ([["", "sat-en"], ["1", "[3]"], ["2", ""]], "2: the sample of sat-en is not a Python"),
        ([["", "sat-en"], ["1"], ["2", "x"]], "2: the record has not 2 fields"),
    ],
)
def test_shots_that_are_not_such(rows, said, tmp_path):
    path = tmp_path / "shots.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(InputError, match=re.escape(f"{path}:{said}")):
        list(agieval.parse_shots(path))


@pytest.mark.parametrize(
    ("module", "row", "said"),
    [
        (agieval, {**question().row, "label": "F"}, "label: str 'F' is not one of"),
        (agieval, {**question().row, "options": ["(A)x"]}, "options: 1 entries; expected 4 to 5"),
        (commonsense_qa, {**CSQA, "answerKey": "F"}, "answerKey: str 'F' is not among"),
        (
            commonsense_qa,
            {**CSQA, "question": {"stem": "q", "choices": CHOICES[:4]}},
            "question.choices: 4 entries; expected 5 to 5",
        ),
    ],
)
def test_rows_that_cannot_be_asked_are_refused(module, row, said):
    def parse(path):
        yield 7, row

    with pytest.raises(InputError, match=re.escape(f"file:7: {said}")):
        list(checked_rows(Path("file"), parse, module.SCHEMA))


PAIRS = [(b, way) for b in (agieval.BENCHMARK, commonsense_qa.BENCHMARK) for way in b.protocols]


@pytest.mark.shared
@pytest.mark.parametrize(("task", "way"), PAIRS, ids=lambda value: value.name)
def test_gold_answers_on_the_authors_files(shared, task, way):
    tokenizer = load_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model")
    found = self_check(task, way, tokenizer, shared / "benchmarks", limit=40)
    assert (found.gold, found.wrong, found.unreachable) == (1.0, 0.0, ())
