import dataclasses
import hashlib
import json
import subprocess
import sys

import pytest

from llama_jax.errors import InputError
from llama_jax.evals.choices import ACC, ACC_UNCONDITIONAL, choice_score
from llama_jax.evals.protocol import Benchmark, Metric, Protocol, Rule, Source
from llama_jax.evals.run import evaluate
from llama_jax.evals.samples import read_samples
from llama_jax.evals.types import Rolling, Score, Value, shared_context
from llama_jax.inference.types import ScoreItem

TASKS = ["hellaswag", "arc_challenge"]
HELLASWAG_ITEMS = 15  # 4 x 4, two of them the same
ITEMS = HELLASWAG_ITEMS + 4 + 4 + 3 + 5


@pytest.fixture
def run(raw, tokenizer, model_info, engine_class):
    """Evaluates with a fresh engine; returns (results, engine)."""

    def go(tasks=TASKS, engine=None, info=model_info, **more):
        folder, manifest = raw
        engine = engine or engine_class()
        more = {"data_dir": folder, "manifest": manifest} | more
        return evaluate(engine, tokenizer, tasks, model_info=info, **more), engine

    return go


def files(folder, without=("run.json",)) -> dict[str, str]:
    """Path -> digest of the content; a journal's lines count in any order."""
    digests = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in without:
            lines = path.read_bytes().splitlines(keepends=True)
            content = sorted(lines) if path.parent.name == "journal" else lines
            name = path.relative_to(folder).as_posix()
            digests[name] = hashlib.sha256(b"".join(content)).hexdigest()
    return digests


def test_results_have_every_field_of_the_schema(run, tmp_path, raw):
    results, _ = run(out_dir=tmp_path / "out")
    document = json.loads((tmp_path / "out" / "results.json").read_text())
    assert document == results.summary
    assert document["schema"] == 1
    assert document["model"] == {
        "path": "models/hash",
        "params_sha256": "a" * 64,
        "parameters": 42,
        "dtype": "float32",
    }
    task = document["tasks"]["hellaswag"]
    manifest = json.loads(raw[1].read_text())
    assert {k: v for k, v in task.items() if k not in ("metrics", "hashes", "paper")} == {
        "protocol": "paper",
        "protocol_version": 1,
        "shots": 0,
        "split": "test",
        "n": 4,
        "of": 9,
        "limit": None,
        "overflow": {"policy": "error", "examples": 0, "shots": 0},
        "primary": "acc_norm",
        "data": "partial",
        "data_files": ["hellaswag_val.jsonl"],
        "chance": 0.25,
    }
    assert task["hashes"]["data"] == manifest["hellaswag"][0]["files"][0]["sha256"]
    assert task["hashes"]["tokenizer"] == "b" * 64
    assert len(task["hashes"]["prompts"]) == 64
    assert set(task["metrics"]) == {"acc", "acc_norm"}
    assert task["metrics"]["acc"].keys() == {"value", "stderr", "unit"}
    assert task["metrics"]["acc"]["unit"] == "fraction"
    paper = task["paper"]
    assert (paper["table"], paper["column"], paper["metric"]) == ("20", "HellaSwag", "acc_norm")
    assert paper["rows"]["Llama 2 7B"] == 77.2
    assert list(document["tasks"]) == sorted(TASKS)


def test_metrics_are_those_of_the_samples(run, tmp_path):
    results, _ = run(out_dir=tmp_path)
    for name in TASKS:
        lines = read_samples(tmp_path / "samples" / f"{name}.jsonl")
        assert lines == results.samples[name]
        picks = []
        for line in lines:
            per_character = [c["logprob"] / c["chars"] for c in line["choices"]]
            picks.append(per_character.index(max(per_character)) == line["gold"])
        value = results.summary["tasks"][name]["metrics"]["acc_norm"]["value"]
        assert value == sum(picks) / len(picks)


def test_log_probabilities_are_the_engines(run, engine_class):
    results, engine = run(["arc_challenge"])
    line = results.samples["arc_challenge"][0]
    assert line["prompt"] == "Question: What melts ice?\nAnswer:"
    assert [c["text"] for c in line["choices"]] == ["heat", "a spoon", "dark", "sand"]
    text = line["prompt"] + " heat"
    item = next(i for i in engine.scored if bytes(b - 3 for b in i.ids[1:]).decode() == text)
    alone = engine_class().score([item])[0]
    assert line["choices"][0]["logprob"] == pytest.approx(sum(alone.logprobs), rel=1e-6)
    assert line["choices"][0]["tokens"] == len(" heat")
    assert (line["choices"][0]["chars"], line["choices"][0]["bytes"]) == (4, 4)


def test_the_same_inputs_give_the_same_bytes(run, tmp_path):
    run(out_dir=tmp_path / "a")
    run(out_dir=tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    # nor do the order of the tasks or how they were divided among runs matter
    run(TASKS[::-1], out_dir=tmp_path / "c")
    run(TASKS[:1], out_dir=tmp_path / "d")
    run(TASKS[1:], out_dir=tmp_path / "d")
    assert files(tmp_path / "a") == files(tmp_path / "c") == files(tmp_path / "d")


def test_run_json_says_what_differs_from_run_to_run(run, tmp_path):
    results, engine = run(out_dir=tmp_path)
    written = json.loads((tmp_path / "run.json").read_text())
    assert written == results.run
    assert written["device"] == "none"
    assert written["versions"]["numpy"]
    assert written["tasks"]["hellaswag"]["items"] == 15
    assert written["tasks"]["hellaswag"]["known_before"] == 0
    tokens = [task["tokens"]["scored"] for task in written["tasks"].values()]
    assert sum(tokens) == engine.counts["scored"] > 0
    assert written["seconds"] > 0


@pytest.mark.parametrize("after", [*range(0, ITEMS, 3), HELLASWAG_ITEMS + 1, ITEMS - 1])
def test_an_interrupted_run_is_finished_wherever_it_stopped(
    run, tmp_path, engine_class, crash, after
):
    whole, full = run(out_dir=tmp_path / "whole")
    out = tmp_path / "out"
    with pytest.raises(crash):
        run(engine=engine_class(crash_after=after), out_dir=out)
    under_way = "arc_challenge" if after >= HELLASWAG_ITEMS else "hellaswag"
    with (out / "journal" / f"{under_way}.jsonl").open("ab") as file:
        file.write(b'{"item": "torn')
    results, engine = run(out_dir=out, engine=engine_class(batch=2))
    assert len(engine.scored) == len(full.scored) - after
    assert results.summary == whole.summary
    assert files(out) == files(tmp_path / "whole")


def test_a_finished_run_does_no_model_work(run, tmp_path):
    run(out_dir=tmp_path)
    before = files(tmp_path)
    results, engine = run(out_dir=tmp_path)
    assert engine.calls == 0
    assert files(tmp_path) == before
    assert results.run["tasks"]["hellaswag"]["known_before"] == 15


def test_a_larger_limit_asks_for_the_rest_only(run, tmp_path):
    run(["hellaswag"], out_dir=tmp_path / "a", limit=3)
    results, engine = run(["hellaswag"], out_dir=tmp_path / "a")
    assert len(engine.scored) == 4
    whole, _ = run(["hellaswag"])
    assert results.summary == whole.summary


def test_another_protocol_with_the_same_prompts_asks_nothing_new(run, tmp_path):
    run(out_dir=tmp_path)
    results, engine = run(out_dir=tmp_path, protocol="lm-eval")
    assert engine.calls == 0
    assert results.summary["tasks"]["hellaswag"]["protocol"] == "lm-eval"


@pytest.mark.parametrize("change", [{"params_sha256": "c" * 64}, {"dtype": "bfloat16"}])
def test_results_of_another_model_are_not_overwritten(run, tmp_path, model_info, change):
    run(["hellaswag"], out_dir=tmp_path)
    before = files(tmp_path, without=())
    other = dataclasses.replace(model_info, **change)
    (name, value), *_ = change.items()
    for task in TASKS:  # the journal refuses the first, results.json the second
        with pytest.raises(InputError) as error:
            run([task], out_dir=tmp_path, info=other)
        assert f"{name} {getattr(model_info, name)}, this run's is {value}" in str(error.value)
        assert "give another --out" in str(error.value)
    assert files(tmp_path, without=()) == before


def test_another_tokenizers_results_are_not_overwritten(run, tmp_path, tokenizer):
    run(["hellaswag"], out_dir=tmp_path)
    tokenizer.sha256 = "d" * 64
    with pytest.raises(InputError, match="another model: tokenizer_sha256 bbb.*this run's is ddd"):
        run(["arc_challenge"], out_dir=tmp_path)


def test_a_file_that_is_not_results_is_not_overwritten(run, tmp_path):
    (tmp_path / "results.json").write_text('{"tasks": []}')
    with pytest.raises(InputError, match="results.json is not a results file"):
        run(out_dir=tmp_path)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"tasks": ["hellaswag", "nothing"]}, "no benchmark 'nothing'"),
        ({"tasks": []}, "name at least one"),
        ({"tasks": ["hellaswag", "hellaswag"]}, "none twice"),
        ({"protocol": "helm"}, "has no protocol 'helm'"),
        ({"shots": 5}, "5 shots"),
        ({"limit": 0}, "limit 0"),
        ({"data_dir": "nowhere"}, "no known examples file in nowhere/hellaswag"),
    ],
)
def test_nothing_is_asked_or_written_when_input_is_refused(
    run, tmp_path, engine_class, bad, message
):
    engine = engine_class()
    with pytest.raises(InputError, match=message):
        run(engine=engine, out_dir=tmp_path / "out", **bad)
    assert engine.calls == 0
    assert not (tmp_path / "out").exists()


def test_a_later_task_that_does_not_fit_stops_the_first_one_too(
    run, tmp_path, model_info, engine_class
):
    engine = engine_class()
    short = dataclasses.replace(model_info, context=60)
    with pytest.raises(InputError, match="hellaswag example 0: context 45 [+] continuation 25"):
        run(TASKS[::-1], engine=engine, info=short, out_dir=tmp_path / "out")
    assert engine.calls == 0
    assert not (tmp_path / "out").exists()


def test_a_model_that_answers_nan_is_named_with_the_example(run, tmp_path, engine_class):
    class Broken(engine_class):
        def score(self, items, on_result=None, known=()):
            found = super().score(items, known=known)
            on_result(3, dataclasses.replace(found[3], logprobs=(float("nan"),)))

    with pytest.raises(InputError, match="hellaswag example 0: the model gave .* nan"):
        run(["hellaswag"], engine=Broken(), out_dir=tmp_path)


def test_one_example_has_no_standard_error(run):
    results, _ = run(["hellaswag"], limit=1)
    assert results.summary["tasks"]["hellaswag"]["metrics"]["acc"]["stderr"] is None
    assert results.summary["tasks"]["hellaswag"]["n"] == 1


def test_generation_with_shots_in_subtasks(toy, run, tmp_path):
    toy_benchmark, folder, manifest = toy
    where = {"data_dir": folder, "manifest": manifest, "out_dir": tmp_path / "out"}
    results, engine = run([toy_benchmark()], **where)
    task = results.summary["tasks"]["toy"]
    assert (task["shots"], task["n"], task["of"]) == (2, 10, 10)
    assert task["hashes"]["shots"] != task["hashes"]["data"]
    parts = [part["metrics"]["exact"]["value"] for part in task["subtasks"].values()]
    assert list(task["subtasks"]) == ["add", "twice"]
    assert task["metrics"]["exact"]["value"] == pytest.approx(sum(parts) / 2)
    line = results.samples["toy"][0]
    assert line["outputs"][0]["extracted"] == line["outputs"][0]["text"].strip()
    again, idle = run([toy_benchmark()], **where)
    assert (idle.calls, again.summary) == (0, results.summary)


def test_an_interrupted_generation_is_finished(toy, run, tmp_path, engine_class, crash):
    toy_benchmark, folder, manifest = toy
    where = {"data_dir": folder, "manifest": manifest}
    whole, _ = run([toy_benchmark()], **where)
    with pytest.raises(crash):
        run([toy_benchmark()], engine=engine_class(crash_after=6), out_dir=tmp_path, **where)
    results, engine = run([toy_benchmark()], out_dir=tmp_path, **where)
    assert engine.counts["generated"] == 10 - 6
    assert results.summary == whole.summary


def made_up(toy, prompt, score, metrics) -> Benchmark:
    toy_benchmark, _, _ = toy
    source: Source = toy_benchmark().examples
    rules = (Rule("all", "made up"),)
    way = Protocol("paper", 1, prompt, score, metrics, metrics[0].name, rules)
    return Benchmark("toy", "Toy", "nobody", source, (way,))


def test_a_normaliser_shared_by_all_examples_is_scored_once(toy, run):
    def prompt(example, shots):
        return shared_context(f"Q: {example.row['q']}\nA:", ["yes", "no"], unconditional="Answer:")

    def score(example, response):
        return choice_score(0, response, (ACC_UNCONDITIONAL, ACC))

    task = made_up(toy, prompt, score, (ACC_UNCONDITIONAL, ACC))
    results, engine = run([task], data_dir=toy[1], manifest=toy[2])
    different = 9  # both subtasks ask "0 and 0"
    assert len(engine.scored) == different * 2 + 2
    for line in results.samples["toy"]:
        gains = [c["logprob"] - c["unconditional_logprob"] for c in line["choices"]]
        assert line["scores"]["acc_unconditional"] == float(gains[0] >= gains[1])


def test_a_metric_may_aggregate_in_its_own_way(toy, run):
    def prompt(example, shots):
        return Rolling(example.row["q"] + " is " + example.row["a"])

    def score(example, response):
        return Score({"logprob": response.logprob, "tokens": float(response.tokens)})

    def per_token(examples, scores):
        total = sum(s.values["logprob"] for s in scores)
        return Value(-total / sum(s.values["tokens"] for s in scores), None)

    metric = Metric("nats", "Negative log-probability of a token.", "nats", per_token)
    task = made_up(toy, prompt, score, (metric,))
    results, engine = run([task], data_dir=toy[1], manifest=toy[2])
    found = results.summary["tasks"]["toy"]["metrics"]["nats"]
    texts = [line["choices"][0]["text"] for line in results.samples["toy"]]
    items = [ScoreItem((1, *(byte + 3 for byte in text.encode())), 1) for text in texts]
    values = [value for result in engine.score(items) for value in result.logprobs]
    assert found["unit"] == "nats" and found["stderr"] is None
    assert found["value"] == pytest.approx(-sum(values) / len(values), rel=1e-6)


def test_bars_are_quiet_where_stderr_is_no_terminal(run, capsys):
    run(["hellaswag"])
    assert capsys.readouterr() == ("", "")
    run(["hellaswag"], progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "hellaswag: encoding" in shown.err and "hellaswag: asking" in shown.err


LIGHT = """
import sys
import {module}
print([name for name in ("jax", "flax", "orbax", "tensorflow_datasets") if name in sys.modules])
"""


@pytest.mark.parametrize(
    "module",
    [
        "llama_jax.evals.metrics",
        "llama_jax.evals.run",
        "llama_jax.evals.benchmarks, llama_jax.data.load",
    ],
)
def test_importing_evaluation_imports_no_jax_and_no_tfds(module, repository):
    code = LIGHT.format(module=module)
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
