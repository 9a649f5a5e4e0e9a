"""BIG-Bench Hard: prompts from the shots' file, scores, and what is refused."""

import re

import pytest

from llama_jax.data.rows import Row
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import bbh
from llama_jax.evals.self_check import self_check
from llama_jax.evals.types import Example, Generated, Output
from llama_jax.tokenizer import load_tokenizer

PROMPTS = """canary
-----
Count.

In two paragraphs.

Q: 1 + 1
Options:
(A) 2
A: Let's think step by step.
It is 2. So the answer is (A).

Q: 2 + 2
A: Let's think step by step. So the answer is 4."""


@pytest.fixture
def shots(tmp_path):
    path = tmp_path / "cot-prompts" / "sums.txt"
    path.parent.mkdir()
    path.write_text(PROMPTS)
    rows = [Row("cot-prompts/sums.txt", i, row) for i, (_, row) in enumerate(bbh.parse_shots(path))]
    return [bbh.read(row) for row in rows]


EXAMPLE = Example("bbh/sums:0", {"input": "3 + 3", "target": "6"}, "sums")


def test_shots_are_parsed(shots):
    assert [(shot.id, shot.subtask) for shot in shots] == [
        ("bbh/sums:0", "sums"),
        ("bbh/sums:1", "sums"),
    ]
    assert [bbh.target(shot) for shot in shots] == ["(A)", "4"]


def test_prompts(shots):
    head = "Count.\n\nIn two paragraphs.\n\n"
    direct = f"{head}Q: 1 + 1\nOptions:\n(A) 2\nA: (A)\n\nQ: 2 + 2\nA: 4\n\nQ: 3 + 3\nA:"
    assert bbh.prompt(EXAMPLE, shots).prompt == direct
    harness = bbh.harness_prompt(EXAMPLE, shots)
    assert (harness.prompt, harness.stop) == (direct, ("</s>", "Q", "\n\n"))
    reasoned = bbh.reasoned_prompt(EXAMPLE, shots)
    assert reasoned.prompt == PROMPTS.partition("-----\n")[2] + (
        "\n\nQ: 3 + 3\nA: Let's think step by step."
    )
    assert reasoned.stop == ("\n\n",)


@pytest.mark.parametrize(
    ("score", "text", "right", "found"),
    [
        (bbh.score, " 6", 1, "6"),
        (bbh.score, " six", 0, "six"),
        (bbh.score, " ", 0, None),
        (bbh.harness_score, " 6", 1, "6"),
        (bbh.harness_score, "6", 1, "6"),
        (bbh.harness_score, "  6", 0, " 6"),
        (bbh.reasoned_score, "\n3 + 3 = 6. So the answer is 6.", 1, "6"),
        (bbh.reasoned_score, "6", 0, None),
    ],
)
def test_scores(score, text, right, found):
    scored = score(EXAMPLE, Generated((Output(text, "eos"),)))
    assert (scored.values["exact_match"], scored.extracted) == (right, (found,))


def test_tasks_of_different_size_weigh_the_same_in_by_task():
    examples = [Example(str(i), {}, task) for i, task in enumerate("aaab")]
    scores = [bbh.Score({"exact_match": value}) for value in (1.0, 0.0, 0.0, 1.0)]
    assert bbh.EXACT.of(examples, scores).value == 0.5
    assert bbh.BY_TASK.of(examples, scores).value == pytest.approx((1 / 3 + 1) / 2)


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (bbh.parse, "[]", 'no JSON object with a list "examples"'),
        (bbh.parse, "{}", 'no JSON object with a list "examples"'),
        (bbh.parse, '{"examples": 3}', 'no JSON object with a list "examples"'),
        (bbh.parse_shots, "canary\n", 'no "-----" line'),
        (bbh.parse_shots, PROMPTS.replace("\nA:", "\nB:"), 'example 1 has no "A: Let'),
        (bbh.parse_shots, PROMPTS.replace("is 4", "4"), 'example 2 has no "A: Let'),
    ],
)
def test_files_that_are_not_such(parse, text, said, tmp_path):
    (tmp_path / "file").write_text(text)
    with pytest.raises(InputError, match=re.escape(said)):
        list(parse(tmp_path / "file"))


@pytest.mark.shared
@pytest.mark.parametrize("way", bbh.BENCHMARK.protocols, ids=lambda way: way.name)
def test_gold_answers_on_the_authors_files(shared, way):
    """lm-evaluation-harness stops at "Q", so that the answer "(Q)" cannot be given."""
    tokenizer = load_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model")
    found = self_check(bbh.BENCHMARK, way, tokenizer, shared / "benchmarks", limit=15)
    lost = ("bbh/reasoning_about_colored_objects:1",) if way.name == "lm-eval" else ()
    assert (found.unreachable, found.wrong) == (lost, 0)
    assert found.n == 27 * 15


@pytest.mark.shared
def test_what_no_text_can_reach(shared):
    """By lm-eval's stops 7 targets; two questions are asked twice, with opposite targets."""
    files = sorted((shared / "benchmarks" / "bbh" / "bbh").glob("*.json"))
    rows = [(path.stem, row) for path in files for _, row in bbh.parse(path)]
    assert len(rows) == 6511
    assert {(task, row["target"]) for task, row in rows if "Q" in row["target"]} == {
        ("reasoning_about_colored_objects", "(Q)")
    }
    assert sum("Q" in row["target"] for _, row in rows) == 7
    targets = {}
    for task, row in rows:
        targets.setdefault((task, row["input"]), set()).add(row["target"])
    twice = [task for (task, _), found in targets.items() if len(found) > 1]
    assert twice == ["causal_judgement", "causal_judgement"]
