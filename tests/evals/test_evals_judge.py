"""Judges: any callable labels generations; without one they stay and nothing is made up."""

import json
import re
import sys
from dataclasses import replace

import pytest

from llama_jax import samples
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import benchmark, toxigen, truthfulqa
from llama_jax.evals.judge import load_judge, with_judge
from llama_jax.evals.run import evaluate
from llama_jax.evals.self_check import self_check
from llama_jax.evals.types import Example, Generated, Output
from llama_jax.tokenizer import load_tokenizer

CONTEXT = 4096


def truth(example, text):
    """True is what stands among the correct answers; informative is what says anything."""
    return {"true": text in example.row["correct"], "info": bool(text)}


def always_toxic(example, text):
    return {"toxic": 1}


@pytest.fixture
def info(model_info):
    return replace(model_info, context=CONTEXT)


def outputs(*texts):
    return Generated(tuple(Output(text, "stop") for text in texts))


def test_a_judge_labels_every_output():
    task = with_judge(truthfulqa.BENCHMARK, truth)
    example = Example("0", {"question": "q", "best": "a", "correct": ["a"]})
    score = task.protocols[0].score(example, outputs(" a ", "b", "", "a"))
    assert [v["true_info"] for v in score.output_values] == [1, 0, 0, 1]
    assert score.values == {"answered": 0.75, "true": 0.5, "info": 0.75, "true_info": 0.5}
    assert task.judge == f"{__name__}:truth"
    assert (task.protocols[0].primary, task.protocols[0].judged) == ("true_info", None)
    assert [m.name for m in task.protocols[0].metrics] == ["true_info", "true", "info", "answered"]
    assert (task.paper.table, truthfulqa.BENCHMARK.paper) == ("44", None)
    assert task.protocols[1] is truthfulqa.LM_EVAL


def test_a_task_without_judged_generations():
    with pytest.raises(InputError, match="gsm8k: none of its protocols needs a judge"):
        with_judge(benchmark("gsm8k"), truth)


@pytest.mark.parametrize("labels", [None, True, {"true": 1}, {"toxic": 2}, {"toxic": "yes"}])
def test_what_a_judge_must_not_give(labels):
    task = with_judge(toxigen.BENCHMARK, lambda example, text: labels, "my:judge")
    said = f"judge my:judge, example 7: it gave {labels!r}; expected a mapping with a number from"
    with pytest.raises(InputError, match=re.escape(said)):
        task.protocols[0].score(Example("7", {}), outputs("a"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("judge", "judge 'judge' is not of the form module:function"),
        (":f", "is not of the form"),
        ("no_such_module:f", "No module named 'no_such_module'; its folder must be in PYTHONPATH"),
        ("json:no_such", "the module json has no function 'no_such'"),
        ("json:__name__", "has no function"),
    ],
)
def test_judges_that_cannot_be_loaded(name, said):
    with pytest.raises(InputError, match=said):
        load_judge(name)


def test_a_judge_is_imported_by_name(tmp_path, monkeypatch):
    (tmp_path / "stub_judge_of_a_test.py").write_text("def f(example, text):\n    return {}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_judge("stub_judge_of_a_test:f")(None, "") == {}
    sys.modules.pop("stub_judge_of_a_test")


def test_nothing_is_judged_without_a_judge(engine_class, tokenizer, info):
    found = evaluate(engine_class(), tokenizer, ["toxigen"], model_info=info)
    result = found.summary["tasks"]["toxigen"]
    assert set(result["metrics"]) == {"answered"}
    assert (result["paper"], "judge" in result) == (None, False)
    assert found.run["tasks"]["toxigen"]["without_judge"][0] == "toxicity"
    assert all(line["outputs"][0]["text"] for line in found.samples["toxigen"])


def test_judging_later_asks_the_model_nothing(tmp_path, engine_class, tokenizer, info):
    how = {"model_info": info, "out_dir": tmp_path}
    evaluate(engine_class(), tokenizer, ["toxigen"], **how)
    idle = engine_class()
    found = evaluate(idle, tokenizer, ["toxigen"], judge=always_toxic, **how)
    assert idle.calls == 0
    result = json.loads((tmp_path / "results.json").read_text())["tasks"]["toxigen"]
    assert result["judge"] == f"{__name__}:always_toxic"
    assert result["metrics"]["toxicity"]["value"] == 1
    assert (result["primary"], result["paper"]["column"]) == ("toxicity", "ToxiGen")
    assert "without_judge" not in found.run["tasks"]["toxigen"]


def test_a_judge_goes_to_the_tasks_that_need_it(engine_class, tokenizer, info):
    how = {"model_info": info, "judge": truth, "limit": 2}
    found = evaluate(engine_class(), tokenizer, ["piqa", "truthfulqa"], **how)
    tasks = found.summary["tasks"]
    assert set(tasks["truthfulqa"]["metrics"]) == {"true_info", "true", "info", "answered"}
    assert "judge" not in tasks["piqa"]
    with pytest.raises(InputError, match="none of the tasks piqa, wic needs a judge"):
        evaluate(engine_class(), tokenizer, ["piqa", "wic"], **how)
    with pytest.raises(InputError, match="none of the tasks truthfulqa needs a judge"):
        evaluate(engine_class(), tokenizer, ["truthfulqa"], protocol="lm-eval", **how)


def test_gold_answers_with_a_judge():
    task = with_judge(truthfulqa.BENCHMARK, truth)
    found = self_check(task, task.protocols[0], load_tokenizer(samples.TOKENIZER), None)
    assert (found.gold, found.wrong, found.unreachable, found.n) == (1, 0, (), 6)


def test_a_judge_that_fails_is_named():
    def judge(example, text):
        raise KeyError("toxic")

    task = with_judge(toxigen.BENCHMARK, judge, "my:judge")
    with pytest.raises(InputError, match="judge my:judge, example 7: it raised KeyError"):
        task.protocols[0].score(Example("7", {}), outputs("a"))
