"""Saved outputs: what is refused, in one line with counts and first ids, and what is matched."""

import json
import re

import pytest

from llama_jax.errors import InputError
from llama_jax.evals.predictions import agree, match, read_outcomes, read_predictions
from llama_jax.evals.types import Example


def lines(*pairs):
    return "".join(json.dumps({"id": name, "completions": texts}) + "\n" for name, texts in pairs)


@pytest.fixture
def write(tmp_path):
    def file(content, name="file.jsonl"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return file


def test_texts_are_kept_as_they_are(write):
    texts = ["", " a\u2028b\n", "\u0661"]
    found = read_predictions(write(lines(("0", texts), ("1", ["x", "y", "z"]))))
    assert found.of == {"0": tuple(texts), "1": ("x", "y", "z")}
    assert found.count == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file holds no completions"),
        (b"\xff\xfe", r"file.jsonl:1: not a line of JSON: 'utf-8' codec"),
        (lines(("0", ["a"])) + "{\n", "file.jsonl:2: not a line of JSON"),
        (lines(("0", ["a"])) + "\n", "file.jsonl:2: not a line of JSON"),
        ("[" * 100_000 + "\n", "file.jsonl:1: not a line of JSON"),
        ("9" * 5000 + "\n", "file.jsonl:1: not a line of JSON"),
        ("\ufeff{}\n", "file.jsonl:1: not a line of JSON"),
        ("[1]\n", "file.jsonl:1: expected a JSON object, got list"),
        ('{"id": 1, "completions": ["a"]}\n', "file.jsonl:1: id: expected text, got int 1"),
        ('{"completions": ["a"]}\n', "file.jsonl:1: id: the field is missing"),
        ('{"id": "0", "completion": "a"}\n', "completions: the field is missing"),
        ('{"id": "0", "completions": "a"}\n', "completions: expected a list, got str 'a'"),
        ('{"id": "0", "completions": []}\n', "completions: 0 entries; expected 1 or more"),
        ('{"id": "0", "completions": [null]}\n', r"completions\[0\]: expected text, got NoneType"),
        ('{"id": "0", "completions": ["\\ud800"]}\n', r"file.jsonl:1: a lone surrogate, U\+D800"),
        (
            '{"id": "0", "completions": ["5"], "completions": ["6"]}\n',
            "file.jsonl:1: not a line of JSON: an object has a name twice",
        ),
        (
            lines(("0", ["a"]), ("1", ["a"]), ("0", ["b"]), ("1", ["b"])),
            r"2 ids \('0', '1'\) more than once",
        ),
        (
            lines(("0", ["a"]), ("1", ["a", "b"]), ("2", ["a"])),
            r"1 id \('1'\) with another number of completions \(2\) than the first, '0' \(1\)",
        ),
    ],
)
def test_a_file_that_cannot_be_read(write, content, said):
    with pytest.raises(InputError, match=said) as error:
        read_predictions(write(content))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[true]", "expected an object of id to a list, got list"),
        ("{", "not JSON"),
        ("{}", "the file holds no outcomes"),
        ('{"0": true}', "'0': expected a list of true and false, one for each program, got True"),
        ('{"0": [1]}', r"'0': expected a list of true and false"),
        ('{"0": []}', r"'0': expected a list of true and false"),
        ('{"0": {}}', r"'0': expected a list of true and false"),
        ('{"0": [true], "0": [false]}', r"1 id \('0'\) more than once"),
        ('{"0": [true], "1": [true, false]}', "another number of outcomes"),
    ],
)
def test_outcomes_that_cannot_be_read(write, content, said):
    with pytest.raises(InputError, match=said):
        read_outcomes(write(content))


def test_files_that_are_not_there(tmp_path):
    for read in (read_predictions, read_outcomes):
        with pytest.raises(InputError, match="none: no such file"):
            read(tmp_path / "none")


EXAMPLES = [Example(str(i), {}) for i in range(10)]


def test_unknown_and_missing_ids_are_counted(write):
    saved = read_predictions(write(lines(("3", ["a"]), ("x", ["a"]), ("y", ["a"]))))
    for missing in ("error", "wrong", "skip"):
        with pytest.raises(InputError, match=r"2 ids \('x', 'y'\) unknown in toy, .* like '0'"):
            match(saved, EXAMPLES, missing, "toy")
    saved = read_predictions(write(lines(("3", ["a"]))))
    said = "no completions for 9 of the 10 examples of toy: '0', '1', '2' and 6 more; add them, or"
    with pytest.raises(InputError, match=re.escape(said)):
        match(saved, EXAMPLES, "error", "toy")
    absent = match(saved, EXAMPLES, "skip", "toy")
    assert [example.id for example in absent] == [str(i) for i in range(10) if i != 3]


def test_outcomes_and_predictions_must_agree(write):
    texts = read_predictions(write(lines(("0", ["a"]), ("1", ["a"]))))

    def verdicts(content):
        return read_outcomes(write(json.dumps(content), "outcomes.json"))

    agree(texts, verdicts({"1": [True], "0": [False]}))
    with pytest.raises(InputError, match=r"file.jsonl: 1 id \('1'\) without outcomes in .*outcom"):
        agree(texts, verdicts({"0": [True]}))
    with pytest.raises(InputError, match=r"outcomes.json: 1 id \('2'\) without completions in"):
        agree(texts, verdicts({"0": [True], "1": [True], "2": [True]}))
    with pytest.raises(InputError, match=r"2 outcomes for each id, but .* has 1 completions"):
        agree(texts, verdicts({"0": [True, True], "1": [True, True]}))
