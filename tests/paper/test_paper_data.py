import json
import subprocess
import sys

import pytest

from llama_jax import paper
from llama_jax.errors import InputError


@pytest.mark.shared
def test_every_cell_equals_the_independent_transcription(shared):
    reference = json.loads((shared / "paper" / "tables.json").read_text())["tables"]
    assert list(paper.numbers()) == list(reference)
    cells = 0
    for number, expected in reference.items():
        found = paper.table(number)
        assert found.page == expected["page"]
        assert {row: dict(values) for row, values in found.rows.items()} == expected["rows"]
        assert list(found.columns) == expected["columns"]
        cells += sum(map(len, expected["rows"].values()))
    assert cells == 2288


def test_published_gives_a_column_as_printed():
    assert paper.published("20", "HellaSwag")["Llama 2 7B"] == 77.2
    assert list(paper.published("3", "Math"))[::4] == ["MPT 7B", "Llama 1 7B", "Llama 2 7B"]
    assert paper.published("21", "HumanEval pass@100")["MPT 7B"] is None


@pytest.mark.parametrize("number", paper.numbers())
def test_every_table_is_rectangular_and_names_real_cells(number):
    found = paper.table(number)
    assert found.source == f"Llama 2 paper, Table {number}, page {found.page}"
    assert found.caption and all(found.units.values())
    assert all(tuple(row) == found.columns for row in found.rows.values())
    for row, column in [(c.row, c.column) for c in found.contested] + list(found.single_reading):
        assert column in found.rows[row]


def test_a_table_cannot_be_changed():
    with pytest.raises(TypeError):
        paper.table("3").rows["Llama 2 7B"]["Math"] = 99.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: paper.table("5"),
            r"table '5' of the paper: not held here; there are 1, 2, 3, 4, 6",
        ),
        (lambda: paper.published("25", "gsm"), r"no column 'gsm'; it has 'GSM8K', 'MATH'"),
        (lambda: paper.published("1", "gqa"), r"'gqa' holds text \(Llama 1 7B: 'no'\)"),
        (lambda: paper.published("27", "Better"), r"holds text \(Margin Small: '2/3'\)"),
    ],
)
def test_errors_name_what_exists(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_the_paper_and_the_tables_load_nothing_heavy():
    code = "import sys, llama_jax.paper, llama_jax.report; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "llama_jax.report.tables" in loaded
    assert not loaded & {"jax", "flax", "numpy", "matplotlib", "tensorflow_datasets", "orbax"}
