"""The prompts, word for word: a change here without a new protocol version is a mistake."""

import json
import re
from pathlib import Path

import pytest

from llama_jax import samples
from llama_jax.data.rows import Row, checked_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import BENCHMARKS, boolq, gsm8k, mmlu, nq_open, piqa, winogrande
from llama_jax.evals.plan import plan_task
from llama_jax.evals.types import Example, Generated, Loglikelihood, Output
from llama_jax.tokenizer import load_tokenizer

GOLDEN = Path(__file__).with_name("prompts.json")


def one(module, row, file="file", index=0):
    return module.read(Row(file, index, row))


MMLU = {"question": " 1 + 1 = ", "A": "1", "B": "2", "C": "3", "D": "2", "answer": "B"}


def test_mmlu_paper_prompt_is_hendrycks():
    example = one(mmlu, MMLU, "test/high_school_physics_test.csv", 3)
    shot = one(mmlu, {**MMLU, "question": "2 + 2 =", "answer": "D"}, "dev/x_dev.csv")
    request = mmlu.prompt(example, [shot])
    assert (example.id, example.subtask) == ("mmlu/high_school_physics:3", "high_school_physics")
    context = (
        "The following are multiple choice questions (with answers) about  high school physics.\n\n"
        "2 + 2 =\nA. 1\nB. 2\nC. 3\nD. 2\nAnswer: D\n\n"
        " 1 + 1 = \nA. 1\nB. 2\nC. 3\nD. 2\nAnswer:"
    )
    assert [c.given for c in request.choices] == [
        Loglikelihood(context, f" {letter}") for letter in "ABCD"
    ]
    harness = mmlu.harness_prompt(example, [shot]).choices[0].given.context
    assert harness == context.replace("about  high", "about high").replace(
        " 1 + 1 = \n", "1 + 1 =\n"
    )


def test_boolq_prompts():
    row = {"question": "is tin a metal", "passage": "Tin -- Tin is a metal.", "label": "true"}
    example = one(boolq, row)
    request = boolq.prompt(example)
    context = "Tin -- Tin is a metal.\nquestion: is tin a metal?\nanswer:"
    assert [(c.given, c.unconditional) for c in request.choices] == [
        (Loglikelihood(context, f" {word}"), Loglikelihood("Answer:", f" {word}"))
        for word in ("no", "yes")
    ]
    harness = boolq.harness_prompt(example).choices
    assert harness[0].given.context == "Tin -- Tin is a metal.\nQuestion: is tin a metal?\nAnswer:"
    assert harness[0].unconditional is None


@pytest.mark.parametrize(("label", "gold"), [("false", 0), ("true", 1), (False, 0), (True, 1)])
def test_boolq_labels_in_either_form(label, gold):
    assert boolq.LABELS[label] == gold


def test_winogrande_fills_the_blank():
    row = {"sentence": "The cup fell off the tray as _ was wet.", "option1": "the cup"}
    example = one(winogrande, {**row, "option2": "the tray", "answer": "2"})
    request = winogrande.prompt(example)
    assert [c.given for c in request.choices] == [
        Loglikelihood(f"The cup fell off the tray as the {noun}", " was wet.")
        for noun in ("cup", "tray")
    ]
    assert request == winogrande.harness_prompt(example)


def test_piqa_prompts():
    example = one(piqa, {"goal": "Dry a shoe", "sol1": "Use paper.", "sol2": "Wait", "label": "0"})
    assert piqa.prompt(example).choices[1].given == Loglikelihood("Dry a shoe", " Wait")
    harness = piqa.harness_prompt(example).choices[1].given
    assert harness == Loglikelihood("Question: Dry a shoe\nAnswer:", " Wait")


def test_gsm8k_prompt_and_scores():
    shot = Example("0", {"question": "1 and 1?", "answer": "1 + 1 = 2. The answer is 2."})
    example = one(gsm8k, {"question": "2 and 2?", "answer": "2 + 2 = <<2+2=4>>4\n#### 4"})
    request = gsm8k.prompt(example, [shot])
    assert request.prompt == "Q: 1 and 1?\nA: 1 + 1 = 2. The answer is 2.\n\nQ: 2 and 2?\nA:"
    assert (request.stop, request.temperature, request.samples) == (("Q:",), 0, 1)
    texts = [" The answer is 4.", " It is 4.", " The answer is 5."]
    response = Generated(tuple(Output(text, "eos") for text in texts))
    score = gsm8k.score(example, response)
    assert score.extracted == ("4", None, "5")
    assert score.values == {"exact_match": 1 / 3, "extracted": 2 / 3}
    harness = gsm8k.harness_score(example, response).values
    assert harness["exact_match"] == 1 / 3
    assert harness["exact_match_flexible"] == pytest.approx(2 / 3)  # "4." without its dot


def test_nq_open_prompt_and_scores():
    shot = Example("0", {"question": "who is it", "answer": ["Ann", "Anna"]})
    example = one(nq_open, {"question": "where is it", "answer": ["the Hague", "Delft"]})
    request = nq_open.prompt(example, [shot])
    assert request.prompt == "Answer these questions:\nQ: who is it?\nA: Ann\nQ: where is it?\nA:"
    assert request.stop == ("\n", ".", ",")
    harness = nq_open.harness_prompt(example, [shot]).prompt
    assert harness == request.prompt.replace("questions:\n", "questions:\n\n")
    for text, right, found in ((" Hague", 1, "Hague"), (" Paris", 0, "Paris"), (" ", 0, None)):
        score = nq_open.score(example, Generated((Output(text, "stop"),)))
        assert (score.values["exact_match"], score.extracted) == (right, (found,))


def plan(task, way, **how):
    tokenizer = load_tokenizer(samples.TOKENIZER)
    return plan_task(task, way, tokenizer, 1 << 20, data_dir=None, **how)


@pytest.mark.parametrize("task", BENCHMARKS, ids=lambda task: task.name)
def test_a_changed_prompt_needs_a_new_version(task):
    """Digests of all requests on the samples, by protocol and version.

    Run with LLAMA_JAX_WRITE_PROMPTS=1 after raising a version.
    """
    import os

    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    for way in task.protocols:
        key = f"{task.name} {way.name} v{way.version}"
        found = plan(task, way).prompts_sha256
        if os.environ.get("LLAMA_JAX_WRITE_PROMPTS"):
            golden[key] = found
            GOLDEN.write_text(json.dumps(dict(sorted(golden.items())), indent=1) + "\n")
        assert golden.get(key) == found, f"{key}: raise the version, then write the digest"


@pytest.mark.parametrize(
    ("module", "row", "said"),
    [
        (mmlu, {"C": " "}, "C: the text is empty"),
        (mmlu, {"answer": "E"}, "answer: str 'E' is not one of"),
        (piqa, {"sol2": "a"}, "sol2: str 'a' is also sol1; the answers must differ"),
        (winogrande, {"option2": "a"}, "option2: str 'a' is also option1"),
        (winogrande, {"sentence": "no blank"}, "sentence: str 'no blank' has nothing of the form"),
        (winogrande, {"sentence": "two _ and _."}, "sentence: "),
        (gsm8k, {"answer": "it is 4"}, "answer: str 'it is 4' has nothing of the form ####"),
        (nq_open, {"answer": []}, "answer: 0 entries; expected 1 or more"),
        (boolq, {"label": "maybe"}, "label: str 'maybe' is not one of"),
    ],
)
def test_rows_that_cannot_be_asked_are_refused(module, row, said, tmp_path):
    good = {
        mmlu: MMLU,
        piqa: {"goal": "g", "sol1": "a", "sol2": "b", "label": "0"},
        winogrande: {"sentence": "x _ y", "option1": "a", "option2": "b", "answer": "1"},
        gsm8k: {"question": "q", "answer": "#### 4"},
        nq_open: {"question": "q", "answer": ["a"]},
        boolq: {"question": "q", "passage": "p", "label": "true"},
    }[module]

    def parse(path):
        yield 7, {**good, **row}

    with pytest.raises(InputError, match=re.escape(f"file:7: {said}")):
        list(checked_rows(Path("file"), parse, module.SCHEMA))


def test_more_shots_than_the_file_holds(tmp_path):
    task = next(task for task in BENCHMARKS if task.name == "nq_open")
    with pytest.raises(InputError, match=r"nq_open example 0: 5 shots where 64 are wanted"):
        plan(task, task.protocols[0], shots=64)
    with pytest.raises(InputError, match="nq_open: 3 shots; protocol paper is defined for 5, 0, 1"):
        plan(task, task.protocols[0], shots=3)


def test_a_shots_file_that_is_absent_is_named(tmp_path, shared):
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k" / "test.jsonl").symlink_to(shared / "benchmarks" / "gsm8k" / "test.jsonl")
    task = next(task for task in BENCHMARKS if task.name == "gsm8k")
    tokenizer = load_tokenizer(samples.TOKENIZER)
    with pytest.raises(InputError, match=r"gsm8k: no known shots file in .*shots_wei2022\.json"):
        plan_task(task, task.protocols[0], tokenizer, 4096, data_dir=tmp_path)


def test_dropped_shots_are_counted():
    task = next(task for task in BENCHMARKS if task.name == "mmlu")
    tokenizer = load_tokenizer(samples.TOKENIZER)
    found = plan_task(
        task, task.protocols[0], tokenizer, 400, data_dir=None, on_overflow="drop-shots"
    )
    assert found.overflow["policy"] == "drop-shots"
    lost = [request.choices[0].given.context.count("Answer: ") for request in found.requests]
    assert found.overflow["examples"] == sum(kept < 5 for kept in lost) == 6
    assert found.overflow["shots"] == sum(5 - kept for kept in lost) > 0
    with pytest.raises(InputError, match=r"context \d+ \+ continuation \d+ tokens, .* is 400"):
        plan_task(task, task.protocols[0], tokenizer, 400, data_dir=None)


def test_mmlu_categories():
    """Two subjects of STEM right, one of Other wrong: 4 of 6, 1.0, 0.0; no other category."""
    way = mmlu.BENCHMARK.protocols[0]
    subjects = ["anatomy", "anatomy", "anatomy", "astronomy", "virology", "virology"]
    examples = [Example(str(i), MMLU, subject) for i, subject in enumerate(subjects)]
    scores = [mmlu.Score({"acc": float(s != "virology")}) for s in subjects]
    values = {metric.name: metric.of(examples, scores) for metric in way.metrics}
    assert values["acc"].value == pytest.approx(4 / 6)
    assert values["acc_stem"].value == 1
    assert values["acc_other"].value == 0
    assert values["acc_humanities"] is values["acc_social_sciences"] is None
    assert values["acc_by_subject"].value == pytest.approx(2 / 3)
