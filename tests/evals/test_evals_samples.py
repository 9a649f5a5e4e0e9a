import json

import pytest

from llama_jax.errors import InputError
from llama_jax.evals.choices import (
    ACC,
    ACC_BYTES,
    ACC_NORM,
    ACC_TOKENS,
    ACC_UNCONDITIONAL,
    choice_score,
    pick,
)
from llama_jax.evals.results import write_jsonl
from llama_jax.evals.samples import read_samples, response_of, sample
from llama_jax.evals.types import (
    ChosenFrom,
    Example,
    Generate,
    Generated,
    Likelihood,
    Loglikelihood,
    Output,
    Rolling,
    Score,
    shared_context,
    shared_continuation,
)

EXAMPLE = Example("7", {}, "")
# The table of test_evals_metrics.py: each rule picks another answer.
TEXTS = ("no", "absolutely", "はいはいは", "indeed", "oui")
GIVEN = tuple(
    Likelihood(*values)
    for values in zip((-2.0, -5.0, -6.0, -4.5, -3.0), (1, 2, 3, 6, 1), [False] * 5, strict=True)
)
WITHOUT = tuple(
    Likelihood(v, g.tokens, False)
    for v, g in zip((-1.5, -6.0, -7.0, -5.0, -9.0), GIVEN, strict=True)
)
RULES = (ACC, ACC_NORM, ACC_BYTES, ACC_TOKENS, ACC_UNCONDITIONAL)


def test_every_choice_rule_can_be_recomputed_from_the_line():
    request = shared_context("Q:", TEXTS, unconditional="Answer:")
    response = ChosenFrom(TEXTS, GIVEN, WITHOUT)
    score = choice_score(3, response, RULES)
    assert score.values == {
        "acc": 0.0,
        "acc_norm": 0.0,
        "acc_bytes": 0.0,
        "acc_tokens": 1.0,
        "acc_unconditional": 0.0,
    }
    line = json.loads(json.dumps(sample(EXAMPLE, request, response, score)))
    assert [pick(rule, response_of(line)) for rule in RULES] == [0, 1, 2, 3, 4]
    assert choice_score(line["gold"], response_of(line), RULES).values == line["scores"]
    assert line["choices"][2] == {
        "text": "はいはいは",
        "logprob": -6.0,
        "tokens": 3,
        "chars": 5,
        "bytes": 15,
        "unconditional_logprob": -7.0,
    }
    assert list(line) == ["id", "prompt", "choices", "gold", "scores"]
    assert line["prompt"] == "Q:"


def test_a_rule_without_its_numbers_is_an_error():
    with pytest.raises(InputError, match="metric acc_unconditional cannot be computed"):
        pick(ACC_UNCONDITIONAL, ChosenFrom(("a", "b"), GIVEN[:2]))


def test_answers_with_contexts_of_their_own_carry_them():
    request = shared_continuation(["Ann", "Bo"], " ran.", ["Ann", "Bo"])
    response = ChosenFrom(("Ann", "Bo"), GIVEN[:2])
    line = sample(EXAMPLE, request, response, choice_score(0, response, (ACC,)))
    assert line["prompt"] is None
    assert [(c["context"], c["continuation"]) for c in line["choices"]] == [
        ("Ann", " ran."),
        ("Bo", " ran."),
    ]


@pytest.mark.parametrize("request_", [Loglikelihood("The", " end"), Rolling("The end")])
def test_a_single_likelihood_is_one_choice_with_greedy(request_):
    response = Likelihood(-1.5, 2, True)
    line = sample(EXAMPLE, request_, response, Score({"logprob": -1.5}))
    assert response_of(line) == response
    assert line["scores"] == {"logprob": -1.5}


def test_generations_keep_what_was_extracted():
    response = Generated((Output("is 4.", "stop"), Output("is", "length")))
    score = Score({"right": 0.5}, "4", ("4", None), ({"right": 1.0}, {"right": 0.0}))
    line = sample(Example("t/a:1", {}, "a"), Generate("Q:", 9, samples=2), response, score)
    assert line == {
        "id": "t/a:1",
        "subtask": "a",
        "prompt": "Q:",
        "outputs": [
            {"text": "is 4.", "stop_reason": "stop", "extracted": "4", "scores": {"right": 1.0}},
            {"text": "is", "stop_reason": "length", "extracted": None, "scores": {"right": 0.0}},
        ],
        "gold": "4",
        "scores": {"right": 0.5},
    }
    assert response_of(line) == response


def test_sample_files_are_read_back(tmp_path):
    lines = [{"id": "0", "prompt": "a\u2028b"}, {"id": "1", "prompt": "é"}]
    write_jsonl(tmp_path / "t.jsonl", lines)
    assert read_samples(tmp_path / "t.jsonl") == lines


def test_a_sample_file_with_a_bad_line_names_it(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"id": "0"}\n{"id": \n')
    with pytest.raises(InputError, match=r"t.jsonl:2: not a line of JSON"):
        read_samples(tmp_path / "t.jsonl")
