import pytest

from llama_jax.data.conll import conll_rows
from llama_jax.errors import InputError


def rows(tmp_path, text):
    path = tmp_path / "file.txt"
    path.write_text(text, encoding="utf-8")
    return [(n, row["tokens"], row["tags"]) for n, row in conll_rows(path)]


def test_sentences_documents_and_lines(tmp_path):
    text = (
        "-DOCSTART- -X- -X- O\n\nAda NNP B-NP B-PER\nspoke VBD B-VP O\n\n\n"
        "Yes UH O O\n-DOCSTART- -X- -X- O\n\nYork NNP B-NP I-LOC"
    )
    assert rows(tmp_path, text) == [
        (3, ["Ada", "spoke"], ["B-PER", "O"]),
        (7, ["Yes"], ["O"]),
        (10, ["York"], ["I-LOC"]),
    ]


def test_tabs_two_columns_and_other_line_ends(tmp_path):
    assert rows(tmp_path, "Ada\tB-PER\r\nspoke\tO\r\n\r\n") == [
        (1, ["Ada", "spoke"], ["B-PER", "O"])
    ]
    assert rows(tmp_path, "\n\n") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ada B-PER\nspoke\n", ":2: 1 columns; expected 2, as before"),
        ("Ada NNP B-PER\n\nspoke O\n", ":3: 2 columns; expected 3, as before"),
        ("Ada\n", ":1: 1 columns; expected a token and, last, its tag"),
    ],
)
def test_lines_of_another_width_are_refused(tmp_path, text, said):
    with pytest.raises(InputError) as error:
        rows(tmp_path, text)
    assert str(error.value) == f"{tmp_path / 'file.txt'}{said}"
