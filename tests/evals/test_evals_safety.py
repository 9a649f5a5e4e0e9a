"""TruthfulQA, ToxiGen and BOLD: files, prompts word for word, and numbers by hand."""

import json
import math
import re
from dataclasses import replace

import pytest

from llama_jax import samples
from llama_jax.data.load import read_files
from llama_jax.data.manifest import locate
from llama_jax.data.rows import Row, checked_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import bold, toxigen, truthfulqa
from llama_jax.evals.grouped import subtask_mean
from llama_jax.evals.judge import with_judge
from llama_jax.evals.plan import plan_task
from llama_jax.evals.self_check import self_check
from llama_jax.evals.sentiment import compound
from llama_jax.evals.types import (
    ChosenFrom,
    Example,
    Generated,
    Likelihood,
    Loglikelihood,
    Output,
    Score,
)
from llama_jax.tokenizer import load_tokenizer

QUESTION = {
    "question": "Is it?",
    "best": "No",
    "correct": ["No", "Never"],
    "mc2": [
        {"text": "Never.", "right": True},
        {"text": "No.", "right": True},
        {"text": "Yes.", "right": False},
    ],
    "mc1": ["No.", "Yes."],
}
SHOT = Example("0", {"question": "Who?", "answer": "Nobody."})


def test_truthfulqa_prompts():
    example = truthfulqa.read(Row("TruthfulQA.csv", 4, QUESTION))
    request = truthfulqa.prompt(example, [SHOT])
    context = "Q: Who?\nA: Nobody.\n\nQ: Is it?\nA:"
    assert request.prompt == context
    assert (request.max_new_tokens, request.stop) == (50, ("Q:", "\n\n"))
    assert (request.temperature, request.top_p, request.samples) == (0.1, 0.9, 1)
    assert [c.given for c in truthfulqa.harness_prompt(example, [SHOT]).choices] == [
        Loglikelihood(context, f" {text}") for text in ("Never.", "No.", "Yes.")
    ]


def test_truthfulqa_mc1_and_mc2():
    """Probabilities 0.5, 0.1, 0.4 of some unlikely thing: mc1 compares 0.1 with 0.4, mc2 is 0.6."""
    example = truthfulqa.read(Row("TruthfulQA.csv", 4, QUESTION))
    texts = ("Never.", "No.", "Yes.")
    likely = tuple(Likelihood(math.log(p) - 900, 3, False) for p in (0.5, 0.1, 0.4))
    score = truthfulqa.harness_score(example, ChosenFrom(texts, likely))
    assert score.values == {"mc1": 0, "mc2": pytest.approx(0.6)}
    assert (score.gold, score.predicted) == (1, 2)


HEADER = ",".join(truthfulqa.HEADER)


def write_truthfulqa(folder, question="Is it?", header=HEADER):
    (folder / "data").mkdir(exist_ok=True)
    targets = {"mc1_targets": {"Yes.": 0, "No.": 1}, "mc2_targets": {"No.": 1, "Yes.": 0}}
    (folder / "data" / "mc_task.json").write_text(json.dumps([{"question": "Is it?", **targets}]))
    path = folder / "TruthfulQA.csv"
    path.write_text(f'\ufeff{header}\nAdversarial,Law,{question} ,No,"No; Never; ",Yes\n')
    return path


def test_truthfulqa_rows(tmp_path):
    path = write_truthfulqa(tmp_path)
    row = {**QUESTION, "mc2": [QUESTION["mc2"][1], QUESTION["mc2"][2]]}
    assert list(truthfulqa.parse(path)) == [(2, row)]


def test_truthfulqa_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r":2: question 'Why\?': no row of 6 columns whose"):
        list(truthfulqa.parse(write_truthfulqa(tmp_path, "Why?")))
    with pytest.raises(InputError, match=r"csv:1: header \['Question'\]; expected \['Type'"):
        list(truthfulqa.parse(write_truthfulqa(tmp_path, header="Question")))
    path = write_truthfulqa(tmp_path)
    (tmp_path / "data" / "mc_task.json").write_text('[{"question": "Is it?"}]')
    with pytest.raises(InputError, match="not a list of questions with their choices: 'mc2_target"):
        list(truthfulqa.parse(path))
    (tmp_path / "data" / "mc_task.json").unlink()
    with pytest.raises(InputError, match=r"mc_task\.json: the choices are missing"):
        list(truthfulqa.parse(path))
    bad = {**QUESTION, "mc1": ["No.", "Perhaps."]}
    with pytest.raises(InputError, match=r"mc1\[1\]: str 'Perhaps\.' is not among mc2\.text"):
        list(checked_rows(path, lambda path: iter([(1, bad)]), truthfulqa.SCHEMA))


def test_truthfulqa_shots(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(
        "task: x\n  Q: Who?\\n\\\n  A: Nobody.\\n\\n\\\nQ: When?\nA: Soon.\\\n  '%}\\\n"
    )
    assert list(truthfulqa.parse_shots(path)) == [
        (2, {"question": "Who?", "answer": "Nobody."}),
        (4, {"question": "When?", "answer": "Soon."}),
    ]
    path.write_text("Q: Who?\nQ: When?\n")
    with pytest.raises(InputError, match=":2: Q: out of turn; expected Q and A in turn"):
        list(truthfulqa.parse_shots(path))


def test_toxigen_prompts_and_groups(tmp_path):
    path = tmp_path / "hate_middle_east_1k.txt"
    path.write_text("- one\\n- two\\n-\n- three\\n-\n")
    rows = list(toxigen.parse(path))
    assert rows[0] == (
        1,
        {"kind": "hate", "group": "middle_east", "prompt": "- one\n- two\n-"},
    )
    example = toxigen.read(Row(path.name, 1, rows[1][1]))
    assert (example.id, example.subtask) == ("hate_middle_east:1", "middle_east")
    request = toxigen.prompt(example)
    assert (request.prompt, request.stop, request.top_p) == ("- three\n-", ("\n",), 0.9)


def test_toxicity_is_the_plain_mean_over_groups():
    """a: 1 of 4 toxic, b: 1 of 1: 0.625, although 2 of 5 are; of hate 1/2 and 1, neutral 0."""
    task = with_judge(toxigen.BENCHMARK, lambda example, text: {"toxic": text == "bad"})
    way = task.protocols[0]
    rows = [("hate", "a", "bad"), ("hate", "a", ""), ("neutral", "a", "x"), ("neutral", "a", "x")]
    rows.append(("hate", "b", "bad"))
    examples = [
        Example(str(i), {"kind": kind, "group": group}, group)
        for i, (kind, group, _) in enumerate(rows)
    ]
    scores = [
        way.score(example, Generated((Output(text, "stop"),)))
        for example, (_, _, text) in zip(examples, rows, strict=True)
    ]
    values = {metric.name: metric.of(examples, scores).value for metric in way.metrics}
    assert values == {
        "toxicity": 0.625,
        "toxic": pytest.approx(0.4),
        "toxicity_hate": 0.75,
        "toxicity_neutral": 0,
        "answered": pytest.approx(0.8),
    }
    assert way.metrics[0].of(examples, scores).stderr is None  # group b has one example
    assert way.metrics[2].of(examples[2:4], scores[2:4]) is None  # no hate


def test_the_error_of_a_mean_over_groups():
    """Group errors 0.5 (values 0, 1) and 0 (values 1, 1): sqrt(0.25 + 0) / 2."""
    examples = [Example(str(i), {}, group) for i, group in enumerate("aabb")]
    scores = [Score({"x": value}) for value in (0.0, 1.0, 1.0, 1.0)]
    found = subtask_mean("x")(examples, scores)
    assert (found.value, found.stderr) == (0.75, 0.25)


def test_bold_rows_and_prompt(tmp_path):
    path = tmp_path / "race_prompt.json"
    path.write_text(json.dumps({"G": {"A_B": ["A is "], "C": ["C was", " "]}}))
    rows = list(bold.parse(path))
    assert [(n, row["article"], row["place"]) for n, row in rows] == [
        (1, "A_B", "0"),
        (2, "C", "0"),
        (3, "C", "1"),
    ]
    example = bold.read(Row(path.name, 0, rows[0][1]))
    assert (example.id, example.subtask) == ("race/G/A_B:0", "race/G")
    request = bold.prompt(example)
    assert (request.prompt, request.temperature, request.top_p) == ("A is", 0.1, 0.9)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "race_prompt.json: expected an object, got list"),
        ('{"G": []}', "race_prompt.json: G: expected an object, got list"),
        ('{"G": {"A": "text"}}', "G: A: expected a list of texts"),
        ('{"G": {"A": [3]}}', ":1: prompt: expected text, got int 3"),
    ],
)
def test_bold_files_that_cannot_be_read(tmp_path, content, said):
    path = tmp_path / "race_prompt.json"
    path.write_text(content)
    with pytest.raises(InputError, match=re.escape(said)):
        list(checked_rows(path, bold.parse, bold.SCHEMA))


def test_sentiment_is_vaders():
    """The README of vaderSentiment prints 0.8316 for its first sentence."""
    assert compound("VADER is smart, handsome, and funny.") == 0.8316
    assert compound("the table") == 0
    row = {"prompt": "VADER is smart, "}
    response = Generated((Output(" handsome, and funny.", "eos"), Output("", "length")))
    score = bold.score(Example("0", row), response)
    assert [v["sentiment"] for v in score.output_values] == [0.8316, compound("VADER is smart,")]
    assert score.values["sentiment"] == pytest.approx((0.8316 + compound("smart,")) / 2)


@pytest.mark.shared
def test_truthfulqa_on_the_authors_files(shared):
    """The primer is in no file of the folder: 0-shot, which changes no score."""
    tokenizer = load_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model")
    task = with_judge(
        truthfulqa.BENCHMARK,
        lambda example, text: {"true": text in example.row["correct"], "info": 1},
    )
    for way in task.protocols:
        found = self_check(task, replace(way, shots=(0,)), tokenizer, shared / "benchmarks", 60)
        assert (found.n, found.gold, found.wrong, found.unreachable) == (60, 1, 0, ())
    plan = plan_task(task, way, tokenizer, 4096, data_dir=shared / "benchmarks", shots=0)
    assert (len(plan.examples), plan.known.kind) == (817, "official")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("module", "rows", "groups", "kind"),
    [(toxigen, 2600, 13, "partial"), (bold, 23679, 43, "official")],
    ids=["toxigen", "bold"],
)
def test_the_authors_prompts(shared, module, rows, groups, kind):
    source = module.BENCHMARK.examples
    found = locate(module.BENCHMARK.name, shared / "benchmarks")
    examples = [source.read(row) for row in read_files(found, source.parse, source.schema)]
    assert (found.known.kind, len(examples)) == (kind, rows)
    assert len({example.subtask for example in examples}) == groups
    assert len({example.id for example in examples}) == rows


def test_the_shots_of_the_samples():
    tokenizer = load_tokenizer(samples.TOKENIZER)
    plan = plan_task(truthfulqa.BENCHMARK, truthfulqa.PAPER, tokenizer, 4096, data_dir=None)
    assert plan.requests[0].prompt.count("\n\nQ: ") == 6
    assert plan.requests[0].prompt.startswith("Q: How many legs has a spider?\nA: ")
