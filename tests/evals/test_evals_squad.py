"""SQuAD 1.1 and 2.0: prompts word for word, scores, and every row of the authors' files."""

import pytest

from llama_jax.data.passages import passage_rows
from llama_jax.data.rows import Row, checked_rows
from llama_jax.evals.benchmarks import squad_v1, squad_v2
from llama_jax.evals.types import Generated, Output

ROW = {
    "id": "q7",
    "title": "Tin_mine",
    "context": "Tin is a metal.",
    "question": "What is tin?",
    "answers": ["a metal", "metal"],
    "earlier": [{"question": "What is gold?", "answers": []}],
    "is_impossible": False,
}
NONE = {**ROW, "answers": [], "is_impossible": True}
FILES = {"squad_v1": "dev-v1.1.json", "squad_v2": "dev-v2.0_cs224n_half.json"}
HEAD = "Title: Tin_mine\n\nBackground: Tin is a metal.\n\n"


def example(row, module=squad_v2):
    return module.read(Row("file", 0, row))


def said(*texts):
    return Generated(tuple(Output(text, "stop") for text in texts))


def test_the_paper_prompt_has_the_earlier_questions():
    request = squad_v2.prompt(example(ROW))
    earlier = "Q: What is gold?\n\nA: unanswerable\n\n"
    assert request.prompt == f"{HEAD}{earlier}Q: What is tin?\n\nA:"
    assert (request.max_new_tokens, request.stop, request.temperature) == (32, ("\n",), 0)
    shot = example({**NONE, "title": "Zinc", "earlier": []})
    answered = "Title: Zinc\n\nBackground: Tin is a metal.\n\nQ: What is tin?\n\nA: unanswerable"
    assert squad_v2.prompt(example(ROW), [shot]).prompt == f"{answered}\n\n{request.prompt}"
    first = {**ROW, "earlier": [{"question": "What is gold?", "answers": ["dear"]}]}
    asked = squad_v1.prompt(example(first, squad_v1), [example({**ROW, "earlier": []}, squad_v1)])
    assert asked.prompt == (
        f"{HEAD}Q: What is tin?\n\nA: a metal\n\n"
        f"{HEAD}Q: What is gold?\n\nA: dear\n\nQ: What is tin?\n\nA:"
    )


def test_the_harness_asks_one_question():
    request = squad_v2.harness_prompt(example(ROW))
    assert request.prompt == f"{HEAD}Question: What is tin?\n\nAnswer:"
    assert (request.max_new_tokens, request.stop) == (256, ("\n",))


def test_shots_come_from_different_articles():
    pool = [example({**ROW, "id": f"{t}{i}", "title": t}) for t in "xyz" for i in range(3)]
    chosen = squad_v2.PAPER.pick_shots(pool[0], pool, 2)
    assert [shot.id for shot in chosen] == ["x0", "y0"]
    assert len(squad_v2.PAPER.pick_shots(pool[0], pool, 5)) == 3  # the plan refuses too few


def test_scores_of_version_1():
    found = squad_v1.score(example(ROW, squad_v1), said("The metal.", "metal spoon", " "))
    assert [v["exact_match"] for v in found.output_values] == [1, 0, 0]
    assert [v["f1"] for v in found.output_values] == pytest.approx([1, 2 / 3, 0])
    assert found.extracted == ("The metal.", "metal spoon", None)
    assert found.values["extracted"] == pytest.approx(2 / 3)


def test_scores_of_version_2():
    texts = said(" Unanswerable.", "", "metal")
    paper = squad_v2.score(example(NONE), texts)
    assert [v["exact_match"] for v in paper.output_values] == [1, 1, 0]
    assert paper.extracted == ("", "", "metal")
    verbatim = squad_v2.verbatim_score(example(NONE), texts)
    assert [v["f1"] for v in verbatim.output_values] == [0, 1, 0]
    answered = squad_v2.score(example(ROW), said("unanswerable", "", "a metal"))
    assert [v["f1"] for v in answered.output_values] == [0, 0, 1]


def test_questions_with_and_without_an_answer_are_averaged_apart():
    examples = [example(row) for row in (ROW, ROW, NONE)]
    scores = [squad_v2.score(e, said(t)) for e, t in zip(examples, ["metal", "x", ""], strict=True)]
    values = {metric.name: metric.of(examples, scores) for metric in squad_v2.METRICS}
    assert values["exact_match"].value == pytest.approx(2 / 3)
    assert values["HasAns_exact"].value == values["HasAns_f1"].value == 0.5
    assert values["NoAns_exact"].value == values["NoAns_f1"].value == 1
    assert squad_v2.METRICS[4].of(examples[:2], scores[:2]) is None


@pytest.mark.shared
@pytest.mark.parametrize("module", [squad_v1, squad_v2], ids=["squad_v1", "squad_v2"])
def test_the_authors_files(shared, module):
    """Every question can be answered right, and no stop string cuts an answer.

    Version 2.0 does not accept a gold answer of articles alone where there are others.
    """
    name = module.BENCHMARK.name
    path = shared / "benchmarks" / name / FILES[name]
    rows = list(checked_rows(path, passage_rows, module.SCHEMA))
    assert len({row["id"] for row in rows}) == len(rows) == {"squad_v1": 10570}.get(name, 6078)
    for row in rows[::5]:
        texts = module.gold_texts(example(row, module))
        assert not any("\n" in text for text in texts)
        found = module.score(example(row, module), said(*texts))
        assert max(values["exact_match"] for values in found.output_values) == 1
