import json
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

import llama_jax as lj
from llama_jax import samples


def run(repository, *words):
    command = [sys.executable, repository / "experiments" / "word_similarity.py", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_prints_a_line_for_both_tasks(repository, small_model):
    done = run(repository, small_model)
    assert done.returncode == 0, done.stderr
    header, *rows = (line.split() for line in done.stdout.splitlines())
    assert header == ["task", "data", "n", "of", "tokens/word", "rho"]
    assert [row[:4] for row in rows] == [
        [task, "samples", "8", "8"] for task in ("wordsim353", "simlex999")
    ]
    assert all(-1 <= float(row[5]) <= 1 for row in rows)


def test_json_as_computed_by_hand(repository, small_model):
    done = run(repository, small_model, "--json")
    assert done.returncode == 0, done.stderr
    found = {line["task"]: line for line in map(json.loads, done.stdout.splitlines())}
    model = lj.load(small_model)
    rows = np.asarray(model.params["embedding"], np.float64)
    path = next((samples.TOKENIZER.parent / "simlex999").iterdir())
    ratings, cosines = [], []
    for line in path.read_text().splitlines():
        *words, rating = line.split("\t")
        a, b = (rows[model.tokenizer.encode(word)].mean(axis=0) for word in words)
        ratings.append(float(rating))
        cosines.append(a @ b / np.sqrt((a @ a) * (b @ b)))
    expected = stats.spearmanr(ratings, cosines).statistic
    assert found["simlex999"]["spearman"] == pytest.approx(expected)


def test_one_pair_and_no_pair(repository, small_model):
    done = run(repository, small_model, "--limit", "1", "--json")
    assert [json.loads(line)["spearman"] for line in done.stdout.splitlines()] == [None, None]
    done = run(repository, small_model, "--limit", "0")
    assert (done.returncode, done.stderr) == (
        2,
        "word_similarity: error: limit 0: it must be at least 1, or absent for all\n",
    )
