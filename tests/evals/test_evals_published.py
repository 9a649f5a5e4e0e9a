"""Published outputs give the published scores: every entry of expected.json whose task exists."""

import functools
import json

import pytest

from llama_jax.evals import score_saved as module
from llama_jax.evals.benchmarks import BENCHMARKS
from llama_jax.evals.score_saved import score_saved

pytestmark = pytest.mark.shared

PUBLISHED = (
    *("agieval", "bbh", "cnn_dailymail", "commonsense_qa", "gsm8k", "humaneval", "mbpp"),
    *("squad_v1", "wmt17_en_de", "wmt22_en_de"),
)
KNOWN = {benchmark.name: benchmark for benchmark in BENCHMARKS}


@pytest.fixture(scope="module")
def published(shared):
    folder = shared / "published"
    names = ("expected", "expected_flags", "expected_extracted")
    read = [json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names]

    @functools.cache
    def score(name, references, with_flags):
        """The result of a set; programs are judged by the authors' flags."""
        entry = next(entry for entry in read[0] if entry["name"] == name)
        how = {"predictions": folder / entry["file"]}
        if with_flags is not None:
            how["outcomes"] = with_flags
        return score_saved(
            KNOWN[entry["task"]],
            subtask=entry.get("subtask", ""),
            answer_format=entry.get("answer_format"),
            references=references,
            missing=entry.get("missing", "error"),
            data_dir=shared / "benchmarks",
            **how,
        )

    rows = {}

    def read_once(task, *how):
        if task not in rows:
            rows[task] = read_examples(task, *how)
        return rows[task]

    read_examples = module.read_examples
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "read_examples", read_once)
        yield *read, score


def test_every_task_is_scored(published):
    assert {entry["task"] for entry in published[0]} == set(PUBLISHED) <= set(KNOWN)


@pytest.mark.parametrize("task", PUBLISHED)
def test_values(published, task, tmp_path):
    expected, flags, _, score = published
    for entry in expected:
        if entry["task"] != task or entry["value"] is None:
            continue
        outcomes = None
        if KNOWN[task].outcomes is not None:
            outcomes = tmp_path / f"{entry['name']}.json"
            verdicts = {name: [passed] for name, passed in flags[entry["name"]].items()}
            outcomes.write_text(json.dumps(verdicts))
        found = score(entry["name"], tuple(entry.get("references", ())), outcomes).summary
        value = found["metrics"][entry["metric"]]["value"]
        assert value == pytest.approx(entry["value"], rel=0, abs=entry["tolerance"] + 1e-12), entry
        assert found["metrics"][entry["metric"]]["unit"] == entry["unit"]
        wrong = len(entry["missing_ids"]) if entry.get("missing") == "wrong" else 0
        assert found["n"] == entry["n"] + wrong
        assert found["missing"]["count"] == len(entry["missing_ids"])


def test_flags_and_answers_row_by_row(published):
    expected, flags, extracted, score = published
    tasks = {entry["name"]: entry["task"] for entry in expected}
    compared = 0
    for name in {*flags, *extracted}:
        if KNOWN[tasks[name]].outcomes is not None:
            continue
        for line in score(name, (), None).samples:
            if name in flags:
                assert line["scores"]["exact_match"] == flags[name][line["id"]], (name, line["id"])
            if name in extracted:
                answer = line["outputs"][0]["extracted"] or ""
                assert answer == extracted[name][line["id"]], (name, line["id"])
            compared += 1
    assert compared >= 2 * 1319 + 1319 + 1221 + 254
