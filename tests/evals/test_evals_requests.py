import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.errors import InputError
from llama_jax.evals.requests import answer, decode, encode, windows
from llama_jax.evals.types import (
    Choice,
    Choices,
    ChosenFrom,
    Generate,
    Generated,
    Likelihood,
    Loglikelihood,
    Output,
    Rolling,
    shared_context,
    shared_continuation,
)
from llama_jax.inference.types import GenerateItem, GenerateResult, ScoreItem, ScoreResult


def ids(text: str) -> tuple[int, ...]:
    return (1, *(byte + 3 for byte in text.encode()))


def test_a_shared_context_asks_once_for_each_answer(tokenizer):
    request = shared_context("Q:", ["a", "bc"])
    found = encode(request, tokenizer, 99, "t/0")
    assert found.items == (ScoreItem(ids("Q: a"), 3), ScoreItem(ids("Q: bc"), 3))
    assert found.spans == 0
    answers = [Likelihood(-1.0, 2, True), Likelihood(-2.0, 3, False)]
    assert decode(request, answers) == ChosenFrom(("a", "bc"), tuple(answers), None)


def test_a_normaliser_is_asked_for_behind_the_answers(tokenizer):
    request = shared_context("Q:", ["a", "b"], unconditional="Answer:")
    found = encode(request, tokenizer, 99, "t/0")
    assert found.items[2:] == (ScoreItem(ids("Answer: a"), 8), ScoreItem(ids("Answer: b"), 8))
    answers = [Likelihood(-float(i), 1, False) for i in range(4)]
    response = decode(request, answers)
    assert response.given == tuple(answers[:2])
    assert response.unconditional == tuple(answers[2:])


def test_several_contexts_before_one_continuation(tokenizer):
    request = shared_continuation(["Ann", "Bo"], " ran.", ["Ann", "Bo"])
    found = encode(request, tokenizer, 99, "t/0")
    assert found.items == (ScoreItem(ids("Ann ran."), 4), ScoreItem(ids("Bo ran."), 3))


def test_an_empty_context_is_the_beginning_of_a_text(tokenizer):
    found = encode(Loglikelihood("", "ab"), tokenizer, 99, "t/0")
    assert found.items == (ScoreItem(ids("ab"), 1),)
    kept = Likelihood(-1.0, 2, True)
    assert decode(Loglikelihood("", "ab"), [kept]) == kept


def test_an_empty_answer_is_refused(tokenizer):
    with pytest.raises(InputError, match="answer 1 of 2 is empty"):
        encode(shared_context("Q:", ["a", ""]), tokenizer, 99, "t/0")


def test_a_normaliser_for_some_answers_only_is_refused(tokenizer):
    plain, normalised = Loglikelihood("Q", "a"), Loglikelihood("", "a")
    request = Choices((Choice("a", plain, normalised), Choice("b", plain)))
    with pytest.raises(InputError, match="1 of 2 answers have a normaliser"):
        encode(request, tokenizer, 99, "t/0")


def test_samples_differ_in_their_seed_only_and_do_not_depend_on_others(tokenizer):
    request = Generate("Q:", 5, stop=("\n",), temperature=0.8, top_p=0.95, samples=3)
    items = encode(request, tokenizer, 99, "t/0").items
    assert len({item.seed for item in items}) == 3
    assert {(i.ids, i.max_new_tokens, i.stop, i.temperature, i.top_p) for i in items} == {
        (ids("Q:"), 5, ("\n",), 0.8, 0.95)
    }
    assert items == encode(request, tokenizer, 99, "t/0").items
    assert items[0].seed != encode(request, tokenizer, 99, "t/1").items[0].seed
    outputs = [Output("a", "stop"), Output("b", "eos"), Output("c", "length")]
    assert decode(request, outputs) == Generated(tuple(outputs))


def test_greedy_generation_has_no_seed(tokenizer):
    assert encode(Generate("Q:", 5), tokenizer, 99, "t/0").items == (GenerateItem(ids("Q:"), 5),)


def test_rolling_windows_by_hand(tokenizer):
    # <s> a b c d e f, three inputs at a time, each token scored once
    found = encode(Rolling("abcdef", window=3), tokenizer, 99, "t/0").items
    assert (
        found
        == (
            ScoreItem(ids("abc"), 1),  # <s> a b -> a b c
            ScoreItem(ids("cdef")[1:], 1),  # c d e -> d e f
        )
    )
    # five tokens: the last window reaches back to three inputs
    found = encode(Rolling("abcde", window=3), tokenizer, 99, "t/0").items
    assert found[1] == ScoreItem(ids("bcde")[1:], 2)  # b c d -> (c) d e
    answers = [Likelihood(-1.5, 3, True), Likelihood(-0.25, 2, False)]
    assert decode(Rolling("abcde"), answers) == Likelihood(-1.75, 5, False)


def test_rolling_takes_the_models_context_and_refuses_a_wider_window(tokenizer):
    found = encode(Rolling("abcdef"), tokenizer, 4, "t/0").items
    assert [len(item.ids) for item in found] == [5, 5]
    with pytest.raises(InputError, match="window 50 exceeds the model's context of 4 tokens"):
        encode(Rolling("abcdef", window=50), tokenizer, 4, "t/0")


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 60), st.integers(1, 20), st.data())
def test_windows_score_everything_once_with_full_context(length, window, data):
    stride = data.draw(st.one_of(st.none(), st.integers(1, window)))
    found = windows(length, window, stride)
    scored = [i for _, start, end in found for i in range(start, end)]
    assert scored == list(range(1, length))
    for begin, start, end in found:
        assert begin < start and end - begin - 1 <= window
    for begin, start, end in found[1:]:  # full windows, and no more new tokens than the stride
        assert end - begin - 1 == window
        assert end - start <= (stride or window)


def test_bad_windows_are_refused():
    with pytest.raises(InputError, match="stride 5 must be from 1 to the window, 4"):
        windows(9, 4, 5)
    with pytest.raises(InputError, match="nothing to score"):
        windows(1, 4)


def test_a_sum_is_a_float32_printed_shortest():
    kept = answer(ScoreResult((-0.1, -0.2, -1e-9), greedy=True))
    assert kept == Likelihood(-0.3, 3, True)
    assert np.float32(kept.logprob) == np.float32(math.fsum((-0.1, -0.2, -1e-9)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1000, 0, width=32), min_size=1, max_size=20))
def test_a_kept_sum_survives_its_own_text(values):
    kept = answer(ScoreResult(tuple(values), greedy=False)).logprob
    assert float(repr(kept)) == kept
    assert np.float32(kept) == np.float32(math.fsum(values))
    assert len(repr(kept).lstrip("-").replace(".", "").lstrip("0").split("e")[0]) <= 10


def test_a_generation_keeps_text_and_reason():
    assert answer(GenerateResult((5,), "x", "eos")) == Output("x", "eos")


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_log_probability_that_is_no_number_is_an_error(value):
    with pytest.raises(InputError, match="weights damaged"):
        answer(ScoreResult((-1.0, value), greedy=False))
