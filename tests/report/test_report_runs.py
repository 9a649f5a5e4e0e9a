import copy

import pytest

from llama_jax.errors import InputError
from llama_jax.report import RunFiles


def test_read_takes_the_folders_name_and_the_first_samples(write_run):
    run = RunFiles.read(write_run("trained"))
    assert run.label == "trained"
    assert list(run.tasks) == ["gsm8k", "math", "boolq", "perplexity"]
    assert [s["id"] for s in run.samples["boolq"]] == ["q0", "q1", "q2"]  # of five
    assert run.run["versions"] == {"jax": "0.10.2"}
    boolq = run.tasks["boolq"]
    assert (boolq.n, boolq.of, boolq.data, boolq.chance) == (16, 3270, "samples", 0.5)
    assert boolq.metrics["acc"].value * boolq.metrics["acc"].scale == 50.0
    assert run.tasks["math"].data == "partial"  # n below N, whatever the file says


def test_a_label_can_be_given(write_run):
    assert RunFiles.read(write_run(), label="step 2000").label == "step 2000"


@pytest.mark.parametrize("name", ["results.json", "run.json", "samples/math.jsonl"])
def test_a_missing_file_is_named(write_run, name):
    folder = write_run()
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"^{folder / name}: missing.*llama-jax eval"):
        RunFiles.read(folder)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("results.json", "{", "results.json: not JSON"),
        ("run.json", "[]", "run.json: holds a list, expected an object"),
        ("samples/math.jsonl", "{", "math.jsonl, line 1: not JSON"),
        ("samples/math.jsonl", "{}", "math.jsonl, line 1: not an object with an id"),
        (
            "samples/math.jsonl",
            '{"id": "0"}\n{"id": "1", "choices": [{"text": "a"}]}',
            "math.jsonl, line 2: choice 0: no 'logprob'",
        ),
        (
            "samples/math.jsonl",
            '{"id": "0", "choices": [{"text": "a", "logprob": NaN}]}',
            "line 1: choice 0: logprob: nan is not a finite number",
        ),
        ("samples/math.jsonl", '{"id": "0", "outputs": [{}]}', "line 1: output 0: no 'text'"),
    ],
)
def test_a_bad_file_is_named(write_run, name, text, message):
    folder = write_run()
    (folder / name).write_text(text)
    with pytest.raises(InputError, match=message):
        RunFiles.read(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(schema=2), "r: schema 2, this version reads 1"),
        (lambda r: r.update(model=None), "r: model is None, expected an object"),
        (lambda r: r.update(tasks={}), "r: no tasks"),
        (lambda r: r["tasks"].update(math=3), "r: math: is 3, expected an object"),
        (lambda r: r["tasks"]["math"].pop("shots"), "r: math: no 'shots'"),
        (lambda r: r["tasks"]["math"].update(shots="4"), "r: math: shots has a wrong type: '4'"),
        (lambda r: r["tasks"]["math"].update(n=5001), "r: math: n 5001 of 5000"),
        (lambda r: r["tasks"]["math"].update(n=0), "r: math: n 0 of 5000; expected 1 to 5000"),
        (lambda r: r["tasks"]["math"].update(data="x"), "data 'x' is not one of official, partial"),
        (lambda r: r["tasks"]["math"].update(chance="x"), "chance: 'x' is not a finite number"),
        (
            lambda r: r["tasks"]["math"].update(primary="acc"),
            r"r: math: primary metric 'acc' is not in \['exact_match'\]",
        ),
        (
            lambda r: r["tasks"]["math"]["metrics"]["exact_match"].update(value=float("nan")),
            "r: math: metric exact_match: value: nan is not a finite number",
        ),
        (
            lambda r: r["tasks"]["math"].update(
                primary=None, paper=None, metrics=dict.fromkeys(("a", "b"), _FRACTION)
            ),
            r"r: math: no primary metric among \['a', 'b'\]",
        ),
    ],
)
def test_a_bad_result_is_refused(results, change, message):
    bad = copy.deepcopy(results)
    change(bad)
    with pytest.raises(InputError, match=message):
        RunFiles.parse(bad, label="x", where="r")


_FRACTION = {"value": 0.5, "stderr": None, "unit": "fraction"}


def test_the_only_metric_is_the_primary_one(results):
    task = results["tasks"]["perplexity"]
    del task["primary"], task["chance"]
    parsed = RunFiles.parse(results, label="x").tasks["perplexity"]
    assert [metric.name for metric in parsed.shown] == ["perplexity"]


def test_without_a_primary_metric_the_papers_is(results):
    task = results["tasks"]["boolq"]
    task["metrics"]["other"] = _FRACTION
    del task["primary"]
    assert RunFiles.parse(results, label="x").tasks["boolq"].primary == "acc"


def test_the_papers_metric_is_shown_beside_another_primary_one(results):
    task = results["tasks"]["boolq"]
    task["metrics"]["acc_norm"] = _FRACTION
    task["primary"] = "acc_norm"
    parsed = RunFiles.parse(results, label="x").tasks["boolq"]
    assert [metric.name for metric in parsed.shown] == ["acc_norm", "acc"]


def test_a_protocol_without_the_papers_metric_compares_its_primary_one(results):
    results["tasks"]["boolq"]["paper"]["metric"] = "acc_unconditional"
    parsed = RunFiles.parse(results, label="x").tasks["boolq"]
    assert [metric.name for metric in parsed.shown] == ["acc"]
    assert parsed.printed(parsed.shown[0], "Llama 2 7B") == 77.4
    assert parsed.marks == "†§"
