r"""Symbolic equality: what SymPy decides, and that nothing hangs or crashes."""

import os
import time

import pytest

from llama_jax.errors import InputError
from llama_jax.evals import math_symbolic
from llama_jax.evals.math_symbolic import Worker, same_expression


@pytest.fixture(scope="module")
def worker():
    found = Worker(seconds=4.0)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        (r"\frac{1}{2}", "0.5", "equal"),
        (r"\dfrac{1}{2}", r"\frac{2}{4}", "equal"),
        ("2x+2", "2(x+1)", "equal"),
        (r"\sqrt{8}", r"2\sqrt{2}", "equal"),
        ("1,234", "1234", "equal"),
        ("5", "6", "different"),
        ("0.333", r"\frac{1}{3}", "different"),
        ("x=5", "5", "different"),
        (r"90^\circ", "90", "different"),
        (r"50\%", "50", "unread"),
        ("(1,2)", "(1, 2)", "unread"),
        (r"\frac{1", "1", "unread"),
        ("", "1", "unread"),
        ("\ud800\n\0", "1", "unread"),
        ("{" * 3000 + "1" + "}" * 3000, "1", "unread"),
        ("(" * 3000 + "1" + ")" * 3000, "1", "unread"),
    ],
)
def test_verdicts(worker, left, right, verdict):
    assert worker.compare(left, right) == verdict


def test_a_text_is_read_to_its_end_where_that_is_asked_for(worker):
    assert worker.compare("1,2", "1") == "unread"
    assert worker.compare("1,2", "1", strict=False) == "equal"


@pytest.mark.parametrize("text", ["9^{9^{9^9}}", "(10^{10})!", "2^{2^{40}}"])
def test_huge_numbers_end_with_the_time_limit(text):
    worker = Worker(seconds=0.3)
    try:
        assert worker.compare("1", "1.0") in ("equal", "timeout")
        start = time.monotonic()
        assert worker.compare(text, "5") in ("timeout", "different")
        assert time.monotonic() - start < 30  # of which most is the start of a new one
    finally:
        worker.close()


def test_a_worker_that_was_killed_is_replaced(worker):
    assert worker.compare("1", "1.0") == "equal"
    first = worker._process.pid
    worker._process.kill()
    worker._process.wait()
    assert worker.compare("1", "1.0") == "equal"
    assert worker._process.pid != first


def test_a_worker_that_dies_during_a_comparison_is_told(worker, tmp_path, monkeypatch):
    script = tmp_path / "dies.py"
    script.write_text("print('{\"ready\": true}', flush=True)\ninput()\n")
    monkeypatch.setattr(math_symbolic, "_WORKER", script)
    other = Worker()
    assert other.compare("1", "2") == "died"
    assert other._process is None


def test_a_worker_without_sympy_is_an_input_error(tmp_path, monkeypatch):
    script = tmp_path / "lacks.py"
    script.write_text('print(\'{"ready": false, "why": "No module named sympy"}\')\n')
    monkeypatch.setattr(math_symbolic, "_WORKER", script)
    with pytest.raises(InputError, match="No module named sympy; install sympy and antlr4"):
        Worker().compare("1", "2")
    script.write_text("")
    with pytest.raises(InputError, match="it does not start"):
        Worker().compare("1", "2")


def test_equal_texts_and_empty_ones_never_reach_the_worker(monkeypatch):
    monkeypatch.setattr(math_symbolic._SHARED, "compare", None)
    assert same_expression("(1,2)", "(1,2)")
    assert same_expression("9^{9^{9^9}}", "9^{9^{9^9}}")
    assert not same_expression("", "")
    assert not same_expression("", "5")


def test_the_answer_is_asked_for_once(monkeypatch):
    asked = []

    def verdict(*pair):
        asked.append(pair)
        return "timeout"

    monkeypatch.setattr(math_symbolic._SHARED, "compare", verdict)
    assert not same_expression("once", "only")
    assert not same_expression("once", "only")
    assert asked == [("once", "only", True)]


def test_a_fork_leaves_the_parents_process_alone(worker):
    assert worker.compare("1", "1.0") == "equal"
    worker._owner = os.getpid() + 1  # as it looks in a child
    worker.close()
    worker._owner = os.getpid()
    assert worker.compare("1", "1.0") == "equal"
