"""Nested passages become flat rows; what is malformed is named."""

import json
import re

import pytest

from llama_jax.data.passages import passage_rows
from llama_jax.errors import InputError


def question(name, *answers, **more):
    texts = [{"text": text, "answer_start": 0} for text in answers]
    return {"id": name, "question": f"{name}?", "answers": texts, **more}


def written(tmp_path, *questions, **article):
    passages = [{"context": "Tin is a metal.", "qas": list(questions)}]
    path = tmp_path / "dev.json"
    about = {"title": "Tin", "paragraphs": passages, **article}
    path.write_text(json.dumps({"version": "1", "data": [about]}))
    return path


def test_rows_in_the_order_of_the_file(tmp_path):
    first, second = question("a", "metal", "a metal"), question("b", "tin", yesno="x")
    path = written(tmp_path, first, second, section_title="Uses", background="not read")
    rows = dict(passage_rows(path))
    assert list(rows) == [1, 2]
    assert rows[1] == {
        "id": "a",
        "title": "Tin",
        "section_title": "Uses",
        "context": "Tin is a metal.",
        "question": "a?",
        "answers": ["metal", "a metal"],
        "earlier": [],
    }
    assert rows[2]["earlier"] == [{"question": "a?", "answers": ["metal", "a metal"]}]
    assert rows[2]["yesno"] == "x"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", ":1: not JSON: "),
        ("[]", ": the row: expected an object, got list []"),
        ('{"data": []}', ": data: 0 entries; expected 1 or more"),
        ('{"data": [{"title": "Tin"}]}', ": data[0].paragraphs: the field is missing"),
    ],
)
def test_a_malformed_file_is_named(tmp_path, content, said):
    path = tmp_path / "dev.json"
    path.write_text(content)
    with pytest.raises(InputError, match=re.escape(f"dev.json{said}")):
        list(passage_rows(path))


def test_a_malformed_question_is_named(tmp_path):
    bad = {**question("b", "tin"), "question": " "}
    with pytest.raises(InputError, match=re.escape("paragraphs[0].qas[1].question: the text is")):
        list(passage_rows(written(tmp_path, question("a", "tin"), bad)))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (question("b"), "question 2 (b): is_impossible is false and 0 answers are given"),
        (question("b", "tin", is_impossible=True), "is_impossible is true and 1 answers are given"),
    ],
)
def test_answers_and_impossibility_agree(tmp_path, bad, said):
    path = written(tmp_path, question("a", "tin", is_impossible=False), bad)
    with pytest.raises(InputError, match=re.escape(said)):
        list(passage_rows(path))
