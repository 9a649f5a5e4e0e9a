"""The nested JSON of SQuAD and QuAC -> one flat row for each question.

    {"data": [{"title": ..., "paragraphs": [{"context": ..., "qas": [{"question": ..., ...}]}]}]}

becomes, in the order of the file,

    {"id", "title", "context", "question", "answers": [text, ...],
     "earlier": [{"question", "answers"}, ...]}

where `earlier` holds the questions before this one about the same passage, with their answers; with
`orig_answer` alone where a question has one (QuAC: the answer with which the dialogue goes on).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llama_jax.data.schema import Boolean, ListOf, Record, Text, problem
from llama_jax.errors import InputError

_QUESTION = Record(
    {"id": Text(), "question": Text(), "answers": ListOf(Record({"text": Text()}))},
    optional={"is_impossible": Boolean(), "orig_answer": Record({"text": Text()})},
)
_PASSAGE = Record({"context": Text(), "qas": ListOf(_QUESTION)})
NESTED = Record(
    {"data": ListOf(Record({"title": Text(), "paragraphs": ListOf(_PASSAGE)}), minimum=1)}
)


def passage_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (number of the question from 1, row); a malformed file is an InputError.

    Further fields of a question stay in its row, `section_title` of an article (QuAC) too. A
    question that says `is_impossible` must have no answers, any other one at least one.
    """
    number = 0
    for article in _checked(path)["data"]:
        about = {name: article[name] for name in ("title", "section_title") if name in article}
        for passage in article["paragraphs"]:
            earlier: list[dict[str, Any]] = []
            for question in passage["qas"]:
                number += 1
                answers = [answer["text"] for answer in question["answers"]]
                _refuse_contradiction(path, number, question, answers)
                row = {**question, **about, "context": passage["context"], "answers": answers}
                yield number, {**row, "earlier": list(earlier)}
                told = [question["orig_answer"]["text"]] if "orig_answer" in question else answers
                earlier.append({"question": question["question"], "answers": told})


def _checked(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    if found := problem(NESTED, content):
        raise InputError(f"{path}: {found}")
    return content


def _refuse_contradiction(
    path: Path, number: int, question: dict[str, Any], answers: list[str]
) -> None:
    impossible = question.get("is_impossible", False)
    if impossible == bool(answers):
        raise InputError(
            f"{path}: question {number} ({question['id']}): is_impossible is "
            f"{str(impossible).lower()} and {len(answers)} answers are given; exactly the "
            "questions that are impossible have none"
        )
