"""HumanEval and MBPP: prompts, programs, and every problem of the authors' files."""

import json
import re
from pathlib import Path

import pytest

from llama_jax import samples
from llama_jax.data.rows import Row, checked_rows, jsonl_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import humaneval, mbpp
from llama_jax.evals.plan import plan_task
from llama_jax.evals.programs import humaneval_program, mbpp_program
from llama_jax.evals.results import Results, notes, task_result
from llama_jax.evals.types import Generate, Generated, Output
from llama_jax.tokenizer import load_tokenizer

HUMANEVAL = {
    "task_id": "HumanEval/7",
    "prompt": "def one():\n",
    "canonical_solution": "    return 1\n",
    "test": "def check(candidate):\n    assert candidate() == 1\n",
    "entry_point": "one",
}
MBPP = {
    "task_id": 11,
    "text": "Write a function to return one.",
    "code": "def one():\r\n    return 1",
    "test_setup_code": "",
    "test_list": ["assert one() == 1", "assert one() != 2", "assert one() > 0"],
}


def example(module, row):
    return module.read(Row("file", 0, row))


def said(*texts):
    return Generated(tuple(Output(text, "stop") for text in texts))


def passes(program):
    """Whether a program written for this test, or by the authors, ends without an error."""
    try:
        exec(compile(program, "program", "exec"), {"__name__": "program"})
    except Exception:
        return False
    return True


def test_humaneval_requests():
    asked = humaneval.prompt(example(humaneval, HUMANEVAL))
    stop = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
    assert asked == Generate("def one():\n", 512, stop, 0.1, 0.95, 20)
    many = humaneval.prompt_of_many(example(humaneval, HUMANEVAL))
    assert (many.temperature, many.top_p, many.samples) == (0.8, 0.95, 200)
    harness = humaneval.harness_prompt(example(humaneval, HUMANEVAL))
    assert harness == Generate("def one():\n", 1024, stop)


def test_mbpp_prompt_word_for_word():
    shot = example(mbpp, {**MBPP, "task_id": 2, "text": "Say one."})
    request = mbpp.prompt(example(mbpp, MBPP), [shot])
    tests = "assert one() == 1\nassert one() != 2\nassert one() > 0"
    head = "You are an expert Python programmer, and here is your task: "
    assert request.prompt == (
        f"{head}Say one. Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
        "def one():\r\n    return 1\n[DONE]\n\n"
        f"{head}Write a function to return one. Your code should pass these tests:\n\n{tests}\n"
        "[BEGIN]\n"
    )
    assert (request.stop, request.temperature, request.samples) == (("[DONE]",), 0.1, 20)
    harness = mbpp.harness_prompt(example(mbpp, MBPP), [shot])
    assert harness == Generate(request.prompt, 256, ("[DONE]",))


@pytest.mark.parametrize(
    ("completion", "passed"),
    [
        ("    return 1\n", True),
        ("def one():\n    return 1\n", True),  # the whole function again
        ("import math\n\ndef one():\n    return math.gcd(1)\n", True),
        ("    return 2\n", False),
        ("    return 1\nraise ValueError\n", False),
    ],
)
def test_a_completion_may_be_the_body_or_the_function(completion, passed):
    row = {**HUMANEVAL, "prompt": 'def one():\n    """One."""\n'}
    assert passes(humaneval_program(row, completion)) == passed


def test_programs_word_for_word():
    assert humaneval_program(HUMANEVAL, "    return 1") == (
        "def one():\n\n    return 1\ndef check(candidate):\n    assert candidate() == 1\n"
        "\ncheck(one)\n"
    )
    assert mbpp_program({**MBPP, "test_setup_code": "import math"}, "def one(): ...") == (
        "import math\ndef one(): ...\nassert one() == 1\nassert one() != 2\nassert one() > 0\n"
    )


def test_scores_hold_the_programs():
    found = humaneval.score(example(humaneval, HUMANEVAL), said("    return 2", " \n"))
    assert found.extracted == (humaneval_program(HUMANEVAL, "    return 2"), None)
    assert found.values == {"extracted": 0.5}
    assert found.gold == humaneval_program(HUMANEVAL, "    return 1\n")


def test_mbpp_splits_one_file(tmp_path):
    path = tmp_path / "mbpp.jsonl"
    path.write_text("".join(f'{{"task_id": {n}}}\n' for n in (1, 2, 4, 10, 11, 510, 511)))
    assert [row["task_id"] for _, row in mbpp.parse(path)] == [11, 510]
    assert [row["task_id"] for _, row in mbpp.parse_shots(path)] == [2, 4]
    path.write_text(json.dumps({**MBPP, "task_id": "11"}) + "\n")
    with pytest.raises(InputError, match=re.escape("mbpp.jsonl:1: task_id: expected an integer")):
        list(checked_rows(path, mbpp.parse, mbpp.SCHEMA))


@pytest.mark.parametrize(
    ("module", "row", "said"),
    [
        (humaneval, {**HUMANEVAL, "prompt": "def one():"}, "prompt: str 'def one():' has nothing"),
        (humaneval, {**HUMANEVAL, "entry_point": "f()"}, "entry_point: str 'f()' has nothing of"),
        (mbpp, {**MBPP, "test_list": ["assert 1"]}, "test_list: 1 entries; expected 3 to 3"),
    ],
)
def test_bad_rows_are_refused(module, row, said, tmp_path):
    def parse(path):
        yield 7, row

    with pytest.raises(InputError, match=re.escape(f"file:7: {said}")):
        list(checked_rows(tmp_path / "file", parse, module.SCHEMA))


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore:invalid escape sequence")
@pytest.mark.parametrize(
    ("module", "file", "count"), [(humaneval, "HumanEval.jsonl", 164), (mbpp, "mbpp.jsonl", 500)]
)
def test_no_stop_string_cuts_the_authors_solutions(shared, module, file, count):
    source = module.BENCHMARK.examples
    path = shared / "benchmarks" / module.BENCHMARK.name / file
    rows = list(checked_rows(path, source.parse, source.schema))
    assert len(rows) == count
    for row in rows:
        one = example(module, row)
        for way in module.BENCHMARK.protocols:
            stops = way.prompt(one, ()).stop
            assert not any(stop in text for stop in stops for text in way.gold_texts(one))
        assert compile(module.score(one, said(*module.gold_texts(one))).gold, one.id, "exec")
    if module is mbpp:
        shots = list(checked_rows(path, mbpp.parse_shots, source.schema))
        assert [row["task_id"] for row in shots] == [2, 3, 4]


def test_the_sample_solutions_pass_and_empty_ones_fail(repository):
    for module in (humaneval, mbpp):
        name = module.BENCHMARK.name
        path = repository / "llama_jax" / "samples" / name / f"{name}_sample.jsonl"
        parse = jsonl_rows if module is humaneval else mbpp.parse
        for row in checked_rows(path, parse, module.SCHEMA):
            one = example(module, row)
            assert passes(module.score(one, said(*module.gold_texts(one))).gold)
            assert not passes(module.score(one, said("    return None")).extracted[0])


@pytest.mark.parametrize("module", [humaneval, mbpp])
def test_a_result_without_outcomes_stands_beside_no_paper_value(module):
    tokenizer = load_tokenizer(samples.TOKENIZER)
    task = module.BENCHMARK
    plan = plan_task(task, task.protocols[0], tokenizer, 1 << 20, data_dir=None, limit=2)
    assert len(plan.items) == 2 * 20  # each sample has a seed of its own
    scores = [module.score(one, said("x = 1")) for one in plan.examples]
    result = task_result(plan, scores, tokenizer.sha256)
    assert result["needs_outcomes"] and result["paper"] is None
    assert set(result["metrics"]) == {"extracted"} == {result["primary"]}


def test_a_run_without_outcomes_says_what_to_do():
    run = {
        "tasks": {"mbpp": {"known_before": 3, "items": 3}, "piqa": {"known_before": 0, "items": 3}}
    }
    summary = {"tasks": {"mbpp": {"needs_outcomes": True}, "piqa": {}}}
    complete, outcomes = notes(Results(summary, {}, run), Path("out"))
    assert complete == "mbpp: complete in out; the model had nothing to do"
    assert outcomes.startswith("mbpp: pass@k needs outcomes: run the programs of its sample file")
    assert outcomes.endswith("then `llama-jax score mbpp --outcomes FILE`")
