"""Scores of outputs that others published: passages, translations, summaries and programs."""

import json
from functools import cache

import pytest

from llama_jax.data.rows import Row, checked_rows
from llama_jax.evals.benchmarks import benchmark
from llama_jax.evals.types import Example, Generated, Output, Score

FILES = {
    "squad_v1": "dev-v1.1.json",
    "wmt17_en_de": "newstest2017-ende-ref.de",
    "wmt22_en_de": "generaltest2022.en-de.src.en",
    "cnn_dailymail": "test.cnndm.reference",
    "xsum": "test.xsum.reference",
}


@cache
def expected(shared):
    entries = json.loads((shared / "published" / "expected.json").read_text())
    return [entry for entry in entries if entry["value"] is not None]


@cache
def examples_of(shared, name):
    source = benchmark(name).examples
    path = shared / "benchmarks" / name / FILES[name]
    rows = checked_rows(path, source.parse, source.schema)
    return tuple(source.read(Row(path.name, index, row)) for index, row in enumerate(rows))


def completions(shared, file):
    lines = (shared / "published" / file).read_bytes().split(b"\n")
    found = [json.loads(line) for line in lines if line]
    return {line["id"]: line["completions"] for line in found}


def kept(example, names):
    """The example with only the named references."""
    if names is None:
        return example
    references = {name: example.row["references"][name] for name in names}
    return Example(example.id, {**example.row, "references": references})


def score(way, example, texts):
    if texts is None:  # the official script of SQuAD counts it as wrong
        return Score({metric.name: 0.0 for metric in way.metrics})
    return way.score(example, Generated(tuple(Output(text, "") for text in texts)))


@pytest.mark.shared
@pytest.mark.parametrize("task", FILES)
def test_published_outputs(shared, task):
    entries = [entry for entry in expected(shared) if entry["task"] == task]
    assert entries or task == "xsum"
    for file in {entry["file"] for entry in entries}:
        texts = completions(shared, file)
        examples = examples_of(shared, task)
        assert texts.keys() <= {example.id for example in examples}
        way = benchmark(task).answer_formats[0]
        metrics = {metric.name: metric for metric in way.metrics}
        scores = None
        for entry in [entry for entry in entries if entry["file"] == file]:
            asked = [kept(example, entry.get("references")) for example in examples]
            if scores is None or "references" in entry:
                scores = [score(way, example, texts.get(example.id)) for example in asked]
            value = metrics[entry["metric"]].of(asked, scores)
            close = {"rel": 1e-12} if entry["tolerance"] == 0 else {"abs": entry["tolerance"]}
            assert value.value == pytest.approx(entry["value"], **close), entry["name"]
            assert metrics[entry["metric"]].unit == entry["unit"]


@pytest.mark.shared
@pytest.mark.parametrize("task", ["humaneval", "mbpp"])
def test_published_outcomes(shared, task):
    flags = json.loads((shared / "published" / "expected_flags.json").read_text())
    source, rule = benchmark(task).examples, benchmark(task).outcomes
    path = (
        shared / "benchmarks" / task / {"humaneval": "HumanEval.jsonl", "mbpp": "mbpp.jsonl"}[task]
    )
    rows = checked_rows(path, source.parse, source.schema)
    examples = [source.read(Row(path.name, index, row)) for index, row in enumerate(rows)]
    names = [entry["name"] for entry in expected(shared) if entry["task"] == task]
    assert len(names) == {"humaneval": 2, "mbpp": 1}[task]
    for entry in expected(shared):
        if entry["task"] == task:
            passed = flags[entry["name"]]
            assert passed.keys() == {example.id for example in examples}
            scores = [rule.score(example, [passed[example.id]]) for example in examples]
            values = {metric.name: metric.of(examples, scores) for metric in rule.metrics}
            found = values.pop(entry["metric"]).value
            assert found == pytest.approx(entry["value"], abs=entry["tolerance"])
            assert set(values.values()) == {None}  # one sample says nothing of more
