"""`llama-jax score` on the package's samples and on a made-up task with references and programs."""

import functools
import hashlib
import json

import pytest

from llama_jax.data.rows import jsonl_rows
from llama_jax.data.schema import Record, Text
from llama_jax.evals import benchmarks
from llama_jax.evals.protocol import AnswerFormat, Benchmark, Metric, OutcomeRule, Source
from llama_jax.evals.types import Example, Score, Value


@pytest.fixture
def run(monkeypatch, llama_jax_command):
    """Runs `llama-jax score ARGS`: (exit status, stdout, stderr)."""
    monkeypatch.delenv("LLAMA_JAX_DATA", raising=False)

    return functools.partial(llama_jax_command, "score")


def failure(result) -> str:
    """The one line of stderr of a call that ended with status 2 and printed nothing."""
    status, out, err = result
    assert (status, out, err.count("\n")) == (2, "", 1), result
    return err


@pytest.fixture
def save(tmp_path):
    def file(of, name="predictions.jsonl"):
        lines = ({"id": key, "completions": texts} for key, texts in of.items())
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
        return tmp_path / name

    return file


ANSWERS = {f"bbh/letter_count:{i}": [text] for i, text in enumerate("2431")}


def test_a_subtask_takes_only_its_examples(run, save, tmp_path):
    path = save({**ANSWERS, "bbh/letter_count:3": [" 1"]})
    status, out, err = run("bbh/letter_count", "--predictions", path)
    assert status == 0 and "samples inside the package" in err
    assert [line.split() for line in out.splitlines()] == [
        ["bbh/letter_count:", "verbatim,", "4", "of", "4", "examples", "(samples", "data)"],
        ["metric", "value", "stderr", "n", "extracted"],
        ["exact_match", "0.7500", "0.2500", "4", "1.0000"],
    ]
    said = failure(run("bbh", "--predictions", path))
    assert (
        "no completions for 4 of the 8 examples of bbh (samples data): 'bbh/shelf_order:0'" in said
    )
    said = failure(run("bbh/shelf_order", "--predictions", path))
    assert "4 ids ('bbh/letter_count:0', 'bbh/letter_count:1', 'bbh/letter_count:2' and 1" in said


def test_results_and_samples_are_the_same_bytes(run, save, tmp_path):
    path = save(dict(reversed(ANSWERS.items())))
    args = ("bbh", "--predictions", path, "--missing", "wrong", "--answer-format", "answer-is")
    results = []
    for name in ("one", "one", "two"):
        out = run(*args, "--out", tmp_path / name, "--json")[1]
        files = [tmp_path / name / p for p in ("results.json", "samples/bbh.jsonl")]
        results.append((out, *(file.read_bytes() for file in files)))
    assert results[0] == results[1] == results[2]
    found = json.loads(results[0][1])
    assert found == json.loads(results[0][0])
    assert (found["schema"], found["task"], found["subtask"]) == (1, "bbh", None)
    assert (found["n"], found["of"], found["completions"]) == (8, 8, 1)
    assert found["missing"] == {"policy": "wrong", "count": 4}
    assert found["metrics"]["exact_match"]["value"] == 0.5
    assert found["metrics"]["exact_match"]["unit"] == "fraction"
    assert found["subtasks"]["shelf_order"]["metrics"]["exact_match"]["value"] == 0
    assert set(found["hashes"]) == {"data", "predictions"}
    first, last = results[0][2].splitlines()[0], results[0][2].splitlines()[-1]
    assert json.loads(first) == {
        "id": "bbh/letter_count:0",
        "subtask": "letter_count",
        "outputs": [
            {
                "text": "2",
                "stop_reason": "saved",
                "extracted": "2",
                "scores": {"exact_match": 1.0, "extracted": 1.0},
            }
        ],
        "gold": "2",
        "scores": {"exact_match": 1.0, "extracted": 1.0},
    }
    assert json.loads(last)["missing"] is True


def test_missing_examples_can_be_left_out(run, save):
    path = save({"bbh/letter_count:0": ["2"]})
    out = run("bbh", "--predictions", path, "--missing", "skip")[1]
    assert "1 of 8 examples (samples data); 7 without a prediction left out" in out
    assert out.splitlines()[2].split() == ["exact_match", "1.0000", "-", "1", "1.0000"]


def test_refused_arguments(run, save, tmp_path):
    path = save(ANSWERS)
    score = ("--predictions", path)
    assert "no benchmark 'x'" in failure(run("x", *score))
    assert "bbh has no subtask 'x'; it has: letter_count, shelf" in failure(run("bbh/x", *score))
    assert "'bbh/' names no subtask" in failure(run("bbh/", *score))
    said = failure(run("bbh/letter_count", *score, "--answer-format", "x"))
    assert "bbh has no answer format 'x'; it has: verbatim, answer-is" in said
    said = failure(run("hellaswag", *score))
    assert "hellaswag has no answer format for saved outputs" in said
    assert "--references: its examples" in failure(run("bbh", *score, "--references", "a"))
    assert "nothing to score; give --predictions FILE" in failure(run("bbh"))
    assert "no such file" in failure(run("bbh", "--predictions", tmp_path / "none"))
    (tmp_path / "o.json").write_text('{"0": [true]}')
    said = failure(run("bbh", *score, "--outcomes", tmp_path / "o.json"))
    assert "bbh: --outcomes is for tasks whose outputs are programs" in said
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "results.json").write_text('{"schema": 1}')
    said = failure(run("bbh/letter_count", *score, "--out", tmp_path / "eval"))
    assert "results.json was not written by `score`; give another --out" in said


# ---- a made-up task: two references, one corpus metric, programs ----


def read(row):
    return Example(str(row.index), {"references": {"a.txt": row.fields["a"], "b.txt": "b"}})


def corpus(examples, scores):
    return Value(sum(len(score.extracted[0]) for score in scores), None)


def text_score(example, response):
    """`best` counts an empty text as right where it is a reference, as SQuAD v2 does."""
    texts = tuple(output.text for output in response.outputs)
    references = list(example.row["references"].values())
    return Score({"best": float(texts[0] in references)}, references, texts)


BEST = Metric("best", "The text is a reference.")
LENGTH = Metric("length", "Characters in all.", "characters", corpus)
PASSED = Metric("pass@1", "The share of programs that pass.")
RULE = OutcomeRule(
    (PASSED,),
    lambda example, passed: Score({"pass@1": sum(passed) / len(passed)}, None),
)


@pytest.fixture
def task(monkeypatch, tmp_path):
    folder = tmp_path / "data" / "pairs"
    folder.mkdir(parents=True)
    content = "".join(json.dumps({"a": a}) + "\n" for a in ("", "x", "y")).encode()
    (folder / "rows.jsonl").write_bytes(content)
    file = {"path": "rows.jsonl", "sha256": hashlib.sha256(content).hexdigest(), "rows": 3}
    known = {"kind": "official", "role": "examples", "split": "test", "official_rows": 3}
    known |= {"licence": "none", "source": "made up", "files": [file]}
    (tmp_path / "manifest.json").write_text(json.dumps({"pairs": [known]}))
    source = Source(Record({"a": Text(blank=True)}), read, jsonl_rows)
    formats = (AnswerFormat("text", "The text.", text_score, (BEST, LENGTH)),)
    made = Benchmark("pairs", "Pairs", "nobody", source, (), answer_formats=formats, outcomes=RULE)
    monkeypatch.setattr(benchmarks, "BENCHMARKS", (made,))
    monkeypatch.setattr("llama_jax.score_command.MANIFEST", tmp_path / "manifest.json")
    monkeypatch.setenv("LLAMA_JAX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data"


def test_a_missing_text_is_wrong_or_empty(run, save, task):
    """The first example's reference is empty: an empty text would be right, a missing one not."""
    path = save({"1": ["x"], "2": ["four"]})
    args = ("pairs", "--predictions", path, "--data", task, "--json")
    found = json.loads(run(*args, "--missing", "wrong")[1])
    assert found["metrics"]["best"]["value"] == 1 / 3
    assert found["metrics"]["length"] == {"value": 5, "stderr": None, "unit": "characters"}
    assert json.loads(run(*args, "--missing", "skip")[1])["metrics"]["best"]["value"] == 1 / 2
    full = save({"0": [""], "1": ["x"], "2": ["four"]})
    found = json.loads(run("pairs", "--predictions", full, "--data", task, "--json")[1])
    assert found["metrics"]["best"]["value"] == 2 / 3


def test_references_are_chosen_by_name(run, save, task):
    path = save({"0": ["b"], "1": ["x"], "2": ["?"]})
    args = ("pairs", "--predictions", path, "--data", task, "--json", "--references")
    for names, value in (("a.txt", 1 / 3), ("b.txt", 1 / 3), ("b.txt, a.txt", 2 / 3)):
        found = json.loads(run(*args, names)[1])
        assert found["metrics"]["best"]["value"] == value
        assert found["references"] == names.split(", ")
    assert "a.txt,a.txt names one of them twice" in failure(run(*args, "a.txt,a.txt"))
    said = failure(run(*args, "c.txt"))
    assert "pairs has no reference 'c.txt'; it has: a.txt, b.txt" in said


def test_outcomes_are_scored_by_the_tasks_rule(run, save, task, tmp_path):
    outcomes = tmp_path / "outcomes.json"
    outcomes.write_text(json.dumps({"0": [True, True], "1": [True, False], "2": [False, False]}))
    args = ("pairs", "--outcomes", outcomes, "--data", task)
    assert "pass@1  0.5000  0.2887  3  -" in run(*args)[1]
    path = save({"0": ["a", "b"], "1": ["c", "d"], "2": ["e", "f"]})
    run(*args, "--predictions", path, "--out", tmp_path / "out")
    said = run("pairs", "--predictions", path, "--data", task)
    assert said[0] == 0 and "pairs: pass@k needs verdicts" in said[2]
    first = json.loads((tmp_path / "out/samples/pairs.jsonl").read_text().splitlines()[0])
    assert [(one["text"], one["passed"]) for one in first["outputs"]] == [("a", True), ("b", True)]
    said = failure(run(*args, "--answer-format", "text"))
    assert "--answer-format text has no part in --outcomes" in said
    outcomes.write_text(json.dumps({"0": [True, True]}))
    out = run(*args, "--missing", "wrong")[1]
    assert "2 without a prediction counted as wrong" in out and "0.3333" in out
