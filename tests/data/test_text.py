import numpy as np
import pytest

from llama_jax.data.text import (
    encode_documents,
    is_validation,
    read_documents,
    split_documents,
    split_validation,
)
from llama_jax.errors import InputError


class Characters:
    """A tokenizer of code points: enough to see what is encoded."""

    bos_id, eos_id = 1, 2

    def encode(self, text):
        return [ord(c) for c in text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\nstill one\n\ntwo\n", ["one\nstill one", "two"]),
        ("\n\none\n \t\n\n  two\n\n\n", ["one", "  two"]),
        ("one", ["one"]),
        ("\n \n\n", []),
        ("", []),
    ],
)
def test_blank_lines_separate_documents(text, expected):
    assert split_documents(text, "blank-line") == expected


def test_a_file_may_be_one_document():
    assert split_documents("one\n\ntwo\n", "file") == ["one\n\ntwo\n"]
    assert split_documents(" \n", "file") == []


def test_an_unknown_separator_is_refused():
    with pytest.raises(InputError, match="separator 'page': must be one of blank-line, file"):
        split_documents("x", "page")


def test_files_are_read_in_the_given_order(tmp_path):
    (tmp_path / "b.txt").write_bytes("\u00e9t\u00e9\r\nsuite\r\n\r\ndeux".encode())
    (tmp_path / "a.txt").write_text("last", encoding="utf-8")
    found = read_documents([tmp_path / "b.txt", str(tmp_path / "a.txt")], "blank-line")
    assert found == ["\u00e9t\u00e9\nsuite", "deux", "last"]


def test_files_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"abc\xe9")
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(InputError, match=r"latin\.txt: not UTF-8 at byte 3"):
        read_documents([tmp_path / "latin.txt"], "file")
    with pytest.raises(InputError, match=r"empty\.txt: no document"):
        read_documents([tmp_path / "empty.txt"], "file")
    with pytest.raises(InputError, match=r"none\.txt: no such text file"):
        read_documents([tmp_path / "none.txt"], "file")
    with pytest.raises(InputError, match="no text files given"):
        read_documents([], "file")


def test_documents_are_framed_by_bos_and_eos():
    (ids,) = encode_documents(["AB"], Characters())
    assert ids.tolist() == [1, 65, 66, 2]
    assert ids.dtype == np.int32


def test_the_split_covers_every_document_once_and_keeps_the_order():
    training, validation = split_validation(list(range(1000)), 0.1, seed=5)
    assert sorted(training + validation) == list(range(1000))
    assert training == sorted(training)
    assert validation == sorted(validation)
    assert 70 < len(validation) < 130  # 100 expected, standard deviation 9.5


def test_the_split_depends_on_the_seed_and_not_on_later_documents():
    small = split_validation(list(range(500)), 0.1, seed=5)[1]
    assert split_validation(list(range(1000)), 0.1, seed=5)[1][: len(small)] == small
    assert split_validation(list(range(500)), 0.1, seed=6)[1] != small
    assert [i for i in range(200) if is_validation(i, 0.02, 0)] == VALIDATION_OF_200


VALIDATION_OF_200 = [50, 134, 179]


def test_no_fraction_means_no_validation():
    assert split_validation(["a", "b"], 0.0, seed=0) == (["a", "b"], [])


def test_an_empty_side_is_refused():
    with pytest.raises(InputError, match=r"fraction 0.01 with seed 0 takes 0 of 1 documents"):
        split_validation(["a"], 0.01, seed=0)
    with pytest.raises(InputError, match=r"fraction 1.0: must be at least 0 and below 1"):
        split_validation(["a"], 1.0, seed=0)
