"""What eval_speed.py counts and compares; its workers need another environment."""

import sys
from pathlib import Path

import pytest

from llama_jax.errors import InputError

BENCHMARKS = Path(__file__).resolve().parent.parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])


def test_the_prefix_tree_counts_every_prefix_once():
    from eval_cases import prefix_tree_nodes

    rows = [[1, 2, 3], [1, 2, 4, 5], [1, 2], [1, 2, 3], [6], []]
    every = {tuple(row[:end]) for row in rows for end in range(1, len(row) + 1)}
    assert prefix_tree_nodes(rows) == len(every) == 6


def test_limit_counts_each_subtask_and_questions_are_numbered():
    from eval_cases import Case, requests_of

    rows = requests_of(Case("mmlu", 2, ("nutrition", "high_school_geography")), None)
    assert [row["question"] for row in rows] == [q for q in range(4) for _ in range(4)]
    assert {row["continuation"] for row in rows} == {" A", " B", " C", " D"}
    with pytest.raises(InputError, match="no astronomy"):
        requests_of(Case("mmlu", 2, ("nutrition", "astronomy")), None)
    (row,) = requests_of(Case("gsm8k", 1, new_tokens=7), None)
    assert row["max_gen_toks"] == 7 and row["until"]


def test_answers_are_compared_by_question():
    from eval_compare import compare

    requests = [{"question": i // 2, "continuation": "x"} for i in range(4)]
    peer = [{"logprob": -float(i), "greedy": False} for i in range(4)]
    ours = [dict(row) for row in peer]
    assert compare(requests, ours, peer)["equal"]
    ours[3]["logprob"] = -1.5
    found = compare(requests, ours, peer)
    assert found["outside_tolerance"] == [3] and found["largest_difference"] == 1.5
    assert found["different"] == [{"question": 1, "peer_margin": 1.0}]


def test_of_texts_the_first_differing_token_is_named():
    from eval_compare import compare

    ours = [{"ids": [5, 6], "text": " a b"}, {"ids": [5, 6], "text": "a b"}]
    peer = [{"ids": [5, 6, 9], "text": "a b"}, {"ids": [5, 7], "text": "a c"}]
    found = compare([{"question": 0}, {"question": 1}], ours, peer)
    assert found["different"] == [{"request": 1, "token": 1, "of": 2, "ours": [6], "peer": [7]}]
