r"""Files of lines: only "\n" ends one, and those beside must be as long."""

import re

import pytest

from llama_jax.data.lines import parallel_lines, text_lines
from llama_jax.errors import InputError


def test_only_a_newline_ends_a_line(tmp_path):
    path = tmp_path / "a"
    odd = "one\u2028still one\x0c\x85and\rmore"
    path.write_bytes(f"\ufeff{odd}\nlast line".encode())
    assert text_lines(path) == [f"\ufeff{odd}", "last line"]
    path.write_bytes(b"one\n")
    assert text_lines(path) == ["one"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"one\n \ntwo\n", "a:2: the line is blank"), (b"one\n\xff\n", "a:2: not UTF-8: byte 0xff")],
)
def test_lines_that_cannot_be_meant(tmp_path, content, said):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=re.escape(said)):
        text_lines(tmp_path / "a")


def test_files_beside_have_as_many_lines(tmp_path):
    (tmp_path / "a").write_text("one\ntwo\n")
    (tmp_path / "b").write_text("eins\nzwei\n")
    assert parallel_lines(tmp_path / "a", ("b",)) == {"a": ["one", "two"], "b": ["eins", "zwei"]}
    (tmp_path / "b").write_text("eins\n")
    with pytest.raises(InputError, match=r"b: 1 lines, a has 2; line N of both"):
        parallel_lines(tmp_path / "a", ("b",))
    with pytest.raises(InputError, match=r"c: it belongs to a and is missing; put it there"):
        parallel_lines(tmp_path / "a", ("c",))
