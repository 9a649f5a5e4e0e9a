import json

import pytest

from llama_jax.data.manifest import known_sets
from llama_jax.data.rows import Row, checked_rows, jsonl_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import BENCHMARKS, arc_challenge, benchmark, hellaswag, protocol
from llama_jax.evals.types import ChosenFrom, Likelihood, Loglikelihood
from llama_jax.paper import published


def ask(module, row: dict, index: int = 0):
    example = module.read(Row("file", index, row))
    return example, module.prompt(example)


def test_hellaswag_prompt_word_for_word():
    row = {
        "activity_label": "Home and Garden",
        "ctx_a": "[header] How to water a fern [title] Wait for a dry day. [step] Feel the soil.",
        "ctx_b": "the Gardener",
        "endings": ["[substeps] Pour slowly.", "Burn it. [title] Run.", " Sing. [step]", "Wait."],
        "label": 1,
    }
    example, request = ask(hellaswag, row, index=7)
    context = (
        "Home and Garden: How to water a fern. Wait for a dry day. Feel the soil. The gardener"
    )
    assert example.id == "7"
    assert [choice.given for choice in request.choices] == [
        Loglikelihood(context, "  Pour slowly."),
        Loglikelihood(context, " Burn it.. Run."),
        Loglikelihood(context, " Sing. "),
        Loglikelihood(context, " Wait."),
    ]
    # The counted text has no delimiter; a space that a mark left behind is counted.
    assert [c.text for c in request.choices] == [
        " Pour slowly.",
        "Burn it.. Run.",
        "Sing. ",
        "Wait.",
    ]


def test_hellaswag_without_a_begun_sentence_ends_at_the_full_stop():
    row = {
        "activity_label": "Cooking",
        "ctx_a": "An egg boils.",
        "ctx_b": "",
        "endings": list("abcd"),
    }
    _, request = ask(hellaswag, row | {"label": 0})
    assert request.choices[0].given == Loglikelihood("Cooking: An egg boils.", " a")


def test_arc_prompt_word_for_word():
    row = {
        "id": "Q_7",
        "question": {
            "stem": "Which is a metal?",
            "choices": [
                {"text": "chalk", "label": "1"},
                {"text": "tin", "label": "2"},
                {"text": "oak", "label": "3"},
            ],
        },
        "answerKey": "2",
    }
    example, request = ask(arc_challenge, row)
    context = "Question: Which is a metal?\nAnswer:"
    assert example.id == "Q_7"
    assert [choice.given for choice in request.choices] == [
        Loglikelihood(context, " chalk"),
        Loglikelihood(context, " tin"),
        Loglikelihood(context, " oak"),
    ]
    likelihoods = tuple(Likelihood(value, 1, False) for value in (-5.1, -3.0, -2.9))
    score = arc_challenge.score(example, ChosenFrom(("chalk", "tin", "oak"), likelihoods))
    # raw: oak; per character -1.02, -1.0, -0.967: oak
    assert (score.gold, score.values) == (1, {"acc": 0.0, "acc_norm": 0.0})


def test_raw_and_per_character_scores_differ():
    row = {"activity_label": "x", "ctx_a": "y", "ctx_b": "", "endings": ["aa", "bbbbbb", "c", "d"]}
    example, request = ask(hellaswag, row | {"label": 1})
    given = tuple(Likelihood(value, 1, False) for value in (-2.0, -3.0, -4.0, -4.0))
    score = hellaswag.score(example, ChosenFrom(tuple(c.text for c in request.choices), given))
    assert score.values == {"acc": 0.0, "acc_norm": 1.0}  # -2.0 wins; -0.5 beats -1.0


def test_an_unknown_benchmark_lists_those_there_are():
    with pytest.raises(InputError, match="no benchmark 'helaswag'; there are: .*, hellaswag, "):
        benchmark("helaswag")


def test_an_unknown_protocol_lists_those_there_are():
    with pytest.raises(
        InputError, match="hellaswag has no protocol 'helm'; it has: paper, lm-eval"
    ):
        protocol(benchmark("hellaswag"), "helm")


@pytest.mark.parametrize("task", BENCHMARKS, ids=lambda task: task.name)
def test_every_benchmark_is_complete(task):
    assert benchmark(task.name) is task
    assert known_sets(task.name)[0].kind == "official"
    for way in task.protocols:
        assert way.primary in [metric.name for metric in way.metrics]
        assert way.version >= 1
        assert way.rules and all(rule.what and rule.source for rule in way.rules)
    if task.paper is not None:
        assert task.paper.metric in [metric.name for metric in task.protocols[0].metrics]
        assert published(task.paper.table, task.paper.column)["Llama 2 7B"] > 0


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "file", "rows"),
    [
        ("hellaswag", "hellaswag_val_1000.jsonl", 1000),
        ("arc_challenge", "ARC-Challenge-Test.jsonl", 1172),
    ],
)
def test_every_row_of_the_authors_files(shared, name, file, rows):
    task = benchmark(name)
    source = task.examples
    path = shared / "benchmarks" / name / file
    found = [
        source.read(Row(file, i, row))
        for i, row in enumerate(checked_rows(path, jsonl_rows, source.schema))
    ]
    assert len({example.id for example in found}) == len(found) == rows
    sizes = {len(task.protocols[0].prompt(example, ()).choices) for example in found}
    assert sizes == ({4} if name == "hellaswag" else {3, 4, 5})
    for example in found:
        request = task.protocols[0].prompt(example, ())
        given = tuple(Likelihood(-1.0 - i, 1, False) for i in range(len(request.choices)))
        response = ChosenFrom(tuple(choice.text for choice in request.choices), given)
        assert all(choice.text.strip() for choice in request.choices)
        assert 0 <= task.protocols[0].score(example, response).gold < len(request.choices)


@pytest.mark.shared
def test_arc_labels_with_digits_are_there(shared):
    path = shared / "benchmarks" / "arc_challenge" / "ARC-Challenge-Test.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert sum(row["answerKey"] in "1234" for row in rows) == 22
