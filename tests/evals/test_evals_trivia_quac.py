"""TriviaQA and QuAC: files, prompts word for word, and the authors' metrics."""

import json
import re

import pytest

from llama_jax.data.passages import passage_rows
from llama_jax.data.rows import Row, checked_rows
from llama_jax.errors import InputError
from llama_jax.evals.answers import trivia_normalise
from llama_jax.evals.benchmarks import quac, triviaqa
from llama_jax.evals.types import Generated, Output

TRIVIA = {
    "id": "tc_1",
    "question": "Which sea is it?",
    "value": "The North Sea",
    "aliases": ["North Sea", "German_Ocean"],
    "normalized_aliases": ["north sea", "german ocean"],
}
QUAC = {
    "id": "C_1_q#1",
    "title": "Ada",
    "section_title": "Youth",
    "context": "Ada sold nets. CANNOTANSWER",
    "question": "What did she sell?",
    "answers": ["nets", "sold nets", "nets"],
    "earlier": [{"question": "Who is it?", "answers": ["Ada"]}],
}


def example(module, row):
    return module.read(Row("file", 0, row))


def said(*texts):
    return Generated(tuple(Output(text, "stop") for text in texts))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Rolling_Stones", "rolling stones"),
        ("rock’n’roll", "rock n roll"),  # a blank in the place of each mark
        ("twenty-four", "twenty four"),
        ("An A.M. radio", "m radio"),  # "a" alone is an article once its dot is gone
        ("“quoted”", "“quoted”"),  # double curly quotes stay
    ],
)
def test_trivia_normalisation(text, normal):
    assert trivia_normalise(text) == normal


def test_trivia_prompts():
    shot = example(triviaqa, TRIVIA)
    asked = triviaqa.prompt(example(triviaqa, {**TRIVIA, "question": "Who?"}), [shot])
    assert asked.prompt == (
        "Answer these questions:\nQ: Which sea is it?\nA: The North Sea\nQ: Who?\nA:"
    )
    assert (asked.max_new_tokens, asked.stop) == (64, ("\n", ".", ","))
    harness = triviaqa.harness_prompt(shot)
    assert harness.prompt == "Question: Which sea is it??\nAnswer:"
    assert (harness.max_new_tokens, harness.stop) == (256, ("\n", ".", ","))


def test_trivia_scores():
    texts = said(" north sea", "german ocean", "The German-Ocean", "Baltic", " ")
    found = triviaqa.score(example(triviaqa, TRIVIA), texts)
    # SQuAD's rule joins what the underscore and the hyphen part.
    assert [v["exact_match"] for v in found.output_values] == [1, 0, 1, 0, 0]
    assert [v["exact_match_official"] for v in found.output_values] == [1, 1, 1, 0, 0]
    assert found.extracted[3:] == ("Baltic", None)
    texts = said(" North sea.", "The North Sea", "GermanOcean")
    harness = triviaqa.harness_score(example(triviaqa, TRIVIA), texts)
    assert [v["exact_match"] for v in harness.output_values] == [1, 0, 1]  # articles count


def test_trivia_formats(tmp_path):
    answer = {"Value": "Tin", "Aliases": ["Tin", "Sn"], "NormalizedAliases": ["tin", "sn"]}
    content = {"Data": [{"QuestionId": "q", "Question": "What?", "Answer": answer}]}
    path = tmp_path / "dev.json"
    path.write_text(json.dumps(content))
    row = {"id": "q", "question": "What?", "value": "Tin", "aliases": ["Tin", "Sn"]}
    assert dict(triviaqa.parse(path)) == {1: {**row, "normalized_aliases": ["tin", "sn"]}}
    path = tmp_path / "subset.jsonl"
    line = {"context": "Question: What?\nAnswer:", "answer": "Tin", "aliases": ["Tin", "Sn", "."]}
    path.write_text(json.dumps(line) + "\n")
    normalised = {"id": "0", "aliases": ["Tin", "Sn", "."], "normalized_aliases": ["tin", "sn"]}
    assert dict(triviaqa.parse(path)) == {1: {**row, **normalised}}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("d.json", "{", "not JSON"),
        ("d.json", '{"Data": [{"QuestionId": "q"}]}', "Data[0].Question: the field is missing"),
        ("d.jsonl", '{"context": "What?", "aliases": ["x"]}', "d.jsonl:1: context: str 'What?' ha"),
        (
            "d.jsonl",
            '{"context": "Question: x\\nAnswer:", "aliases": ["x"]}',
            "d.jsonl:1: value: expected text, got NoneType None",
        ),
    ],
)
def test_malformed_trivia_is_named(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content + "\n")
    with pytest.raises(InputError, match=re.escape(said)):
        list(checked_rows(path, triviaqa.parse, triviaqa.SCHEMA))


def test_quac_prompt_has_the_dialogue():
    asked = quac.prompt(example(quac, QUAC))
    assert asked.prompt == (
        "TITLE: Ada - Youth\nPARAGRAPH: Ada sold nets. CANNOTANSWER\n\n"
        "Q: Who is it?\n\nA: Ada\n\nQ: What did she sell?\n\nA:"
    )
    assert (asked.max_new_tokens, asked.stop) == (32, ("\n",))
    shot = example(quac, {k: v for k, v in QUAC.items() if k != "section_title"} | {"earlier": []})
    answered = (
        "TITLE: Ada\nPARAGRAPH: Ada sold nets. CANNOTANSWER\n\nQ: What did she sell?\n\nA: nets"
    )
    assert quac.prompt(example(quac, QUAC), [shot]).prompt == f"{answered}\n\n{asked.prompt}"


def test_the_dialogue_goes_on_with_its_own_answer(tmp_path):
    turns = [
        {"id": "a", "question": "a?", "answers": [{"text": "x"}], "orig_answer": {"text": "y"}},
        {"id": "b", "question": "b?", "answers": [{"text": "z"}]},
    ]
    path = tmp_path / "val.json"
    passages = [{"context": "x y z", "qas": turns}]
    path.write_text(json.dumps({"data": [{"title": "T", "paragraphs": passages}]}))
    rows = [row for _, row in passage_rows(path)]
    assert rows[0]["answers"] == ["x"]
    assert rows[1]["earlier"] == [{"question": "a?", "answers": ["y"]}]


def test_a_repeated_dialogue_is_read_once(tmp_path):
    turn = {"id": "a", "question": "a?", "answers": [{"text": "x"}]}
    same = {"title": "T", "paragraphs": [{"context": "x", "qas": [turn]}]}
    other = {"title": "T", "paragraphs": [{"context": "x y", "qas": [turn]}]}
    path = tmp_path / "val.json"
    path.write_text(json.dumps({"data": [same, same, other]}))
    # One that differs stays, and the plan refuses its id.
    assert [row["context"] for _, row in quac.parse(path)] == ["x", "x y"]


def test_quac_scores():
    """Against nets, sold nets, nets: "sold nets" has 2/3, 1, 2/3; left out in turn 1, 2/3, 1."""
    found = quac.verbatim_score(example(quac, QUAC), said("sold nets"))
    assert found.values["f1"] == found.values["f1_unfiltered"] == pytest.approx(8 / 9)
    none = example(quac, {**QUAC, "answers": ["CANNOTANSWER"]})
    texts = said(" CANNOTANSWER")
    assert quac.score(none, texts).values["f1"] == 1
    assert quac.verbatim_score(none, texts).values["f1"] == 0  # letter for letter


def test_questions_on_which_people_differ_are_left_out():
    disputed = example(quac, {**QUAC, "answers": ["red", "blue boats", "blue"]})  # people: 4/9
    hopeless = example(quac, {**QUAC, "answers": ["red", "blue", "green"]})  # people: 0
    examples = [example(quac, QUAC), disputed, hopeless]
    texts = ["nets", "red", "red"]
    scores = [quac.score(e, said(t)) for e, t in zip(examples, texts, strict=True)]
    values = {metric.name: metric.of(examples, scores) for metric in quac.METRICS}
    assert values["f1_unfiltered"].value == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert values["f1"].value == pytest.approx((1 + 2 / 3) / 2)
    assert values["heq_q"].value == 1
    assert quac.METRICS[0].of([hopeless], scores[2:]) is None


@pytest.mark.shared
def test_the_files_that_are_there(shared):
    folder = shared / "benchmarks"
    path = folder / "triviaqa" / "triviaqa_sm_sub.jsonl"
    rows = list(checked_rows(path, triviaqa.parse, triviaqa.SCHEMA))
    assert len(rows) == 3000
    unreachable = 0
    for row in rows:
        one = example(triviaqa, row)
        cut = [re.split(r"[\n.,]", text)[0] for text in triviaqa.gold_texts(one)]
        found = triviaqa.score(one, said(*cut))
        unreachable += not any(value["exact_match"] for value in found.output_values)
    assert unreachable == 34  # every form holds a full stop or a comma that matters
    sample = folder / "triviaqa" / "triviaqa_sample.json"
    (row,) = checked_rows(sample, triviaqa.parse, triviaqa.SCHEMA)
    predictions = json.loads((folder / "triviaqa" / "sample_predictions.json").read_text())
    found = triviaqa.score(example(triviaqa, row), said(*predictions.values()))
    assert found.values["exact_match_official"] == 1
    dialogues = folder / "quac" / "quac_sample.json"
    rows = list(checked_rows(dialogues, quac.parse, quac.SCHEMA))
    assert len({row["id"] for row in rows}) == len(rows) == 6  # of a dialogue that is there twice
