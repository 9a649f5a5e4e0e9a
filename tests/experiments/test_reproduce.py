import subprocess
import sys

import pytest


@pytest.fixture
def reproduce(repository):
    def call(*args):
        command = [sys.executable, repository / "experiments" / "reproduce.py", *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, timeout=600)

    return call


def test_trains_evaluates_and_reports(reproduce, tmp_path):
    done = reproduce("--out", tmp_path / "out", "--steps", 4, "--limit", 3)
    assert done.returncode == 0, done.stderr
    assert "| Llama 2 70B" in done.stdout and "| untrained" in done.stdout
    page = tmp_path / "out" / "report" / "index.html"
    assert done.stdout.splitlines()[-1] == f"report: {page}"
    html = page.read_text()
    assert "<svg" in html and "hellaswag" in html
    again = reproduce("--out", tmp_path / "out", "--steps", 4, "--limit", 3)
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert page.read_text() == html


def test_evaluates_a_given_model(reproduce, small_model, tmp_path):
    done = reproduce("--model", small_model, "--out", tmp_path / "out", "--limit", 3)
    assert done.returncode == 0, done.stderr
    assert "| model " in done.stdout and "untrained" not in done.stdout


def test_a_wrong_path_is_one_line(reproduce, tmp_path):
    done = reproduce("--model", "nowhere", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("reproduce: error: nowhere: no such file")
    assert not (tmp_path / "out").exists()
