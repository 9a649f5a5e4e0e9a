import json
import subprocess
import sys

import pytest

from llama_jax import paper


@pytest.fixture
def paper_tables(repository):
    def call(*args):
        command = [sys.executable, repository / "experiments" / "paper_tables.py", *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return call


def test_prints_the_cells_and_the_counts(paper_tables):
    done = paper_tables("--tables", "3,24", "--limit", 2)
    assert done.returncode == 0, done.stderr
    cells, counts = done.stdout.split("\n\n")
    lines = [line.split() for line in cells.splitlines()[1:]]
    # two of each table, and the contradictions whatever the limit
    assert [line[0] for line in lines] == ["3"] * 5 + ["24"] * 3
    assert lines[0] == ["3", "MPT", "7B", "Code", "20.5", "20.450", "0.100", "equal"]
    assert sum("contradiction:" in line for line in lines) == 4
    assert counts.splitlines()[-1].split() == ["all", "204", "92", "4", "108"]


def test_prints_every_cell_as_json(paper_tables):
    done = paper_tables("--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [f["status"] for f in found] == [check.status for check in paper.recompute()]
    assert set(found[0]) == {
        *("table", "row", "column", "printed"),
        *("recomputed", "slack", "rounds", "status", "reason"),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--tables", "5"], "table '5' of the paper: not checked"), (["--limit", -1], "limit -1")],
)
def test_a_wrong_argument_is_one_line(paper_tables, arguments, message):
    done = paper_tables(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"paper_tables: error: {message}")
    assert len(done.stderr.splitlines()) == 1


def test_the_last_line_is_the_one_in_build_md(paper_tables, repository):
    last = paper_tables("--limit", 3).stdout.splitlines()[-1]
    assert f"\n{last}\n" in (repository / "BUILD.md").read_text()
