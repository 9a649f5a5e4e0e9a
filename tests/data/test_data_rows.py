import csv
import hashlib

import pytest

from llama_jax.data.rows import checked_rows, file_sha256, jsonl_rows, line_count
from llama_jax.data.schema import Index, ListOf, Record, Text
from llama_jax.errors import InputError

SCHEMA = Record({"endings": ListOf(Text()), "label": Index("endings")})


def test_rows_come_with_their_line_numbers(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"a": "x\u2028y"}\n{"a": "é"}'.encode())
    assert list(jsonl_rows(path)) == [(1, {"a": "x\u2028y"}), (2, {"a": "é"})]
    assert line_count(path) == 2
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": ', "a.jsonl:2: not a line of JSON: "),
        (b"", "a.jsonl:2: not a line of JSON: "),
        (b'{"a": "\xff"}', "a.jsonl:2: not a line of JSON: 'utf-8' codec"),
        (b"[1, 2]", "a.jsonl:2: expected a JSON object, got list"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' + line + b'\n{"a": 1}\n')
    with pytest.raises(InputError) as error:
        list(jsonl_rows(path))
    assert message in str(error.value)


def test_a_row_that_breaks_the_schema_is_named_by_file_and_line(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"endings": ["a"], "label": 0}\n{"endings": ["a"], "label": 1}\n')
    with pytest.raises(InputError) as error:
        list(checked_rows(path, jsonl_rows, SCHEMA))
    assert str(error.value) == (
        f"{path}:2: label: 1 is not an index into endings, which has 1 entries"
    )


@pytest.mark.parametrize("error", [ValueError("a number"), RecursionError(), csv.Error("a quote")])
def test_what_a_parser_stumbles_over_is_named(tmp_path, error):
    def parse(path):
        yield 1, {"a": "b"}
        raise error

    with pytest.raises(InputError, match="file: cannot be read"):
        list(checked_rows(tmp_path / "file", parse, Record({"a": Text()})))
