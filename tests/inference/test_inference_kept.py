"""Prompts that go on from what was computed before: the same ids, and nothing computed twice."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_jax.errors import InputError
from llama_jax.inference import decoding
from llama_jax.inference.engine import Engine
from llama_jax.inference.kept import Kept, common_length
from llama_jax.inference.types import GenerateItem

DRAWS = {
    "greedy": {},
    "seeded": {"temperature": 0.8, "top_k": 20, "top_p": 0.95, "seed": 5},
}
NEW = (6, 1, 25, 9)  # ids that a user adds in each turn


@pytest.fixture(params=[None, "int8"])
def engines(request, params, config, tokenizer):
    """Two of the same model: one to keep keys and values, one that computes all anew."""
    return [Engine(params, config, tokenizer, weight_dtype=request.param) for _ in range(2)]


def new_ids(count, seed=0):
    return tuple(map(int, np.random.default_rng(seed).integers(3, 64, count)))


def watch(engine):
    """How many prompt ids went through the model since this was called."""
    before = engine.counts["prefilled"]
    return lambda: engine.counts["prefilled"] - before


@pytest.mark.parametrize("draw", DRAWS)
def test_a_dialogue_computes_new_ids_only_and_says_the_same(engines, draw):
    ours, anew = engines
    kept, ids = Kept(), (1,)
    for turn, count in enumerate(NEW):
        ids += new_ids(count, turn)
        item = GenerateItem(ids, 8, **DRAWS[draw])
        held = len(kept.ids)
        assert kept.ids == ids[:held]
        prefilled = watch(ours)
        [result] = ours.generate([item], kept=kept)
        assert [result] == anew.generate([item])
        # The last id of a reply was drawn, and went through the model with the next prompt.
        assert prefilled() == len(ids) - held and held == kept.reused
        assert held == (0 if turn == 0 else len(ids) - count - 1)
        ids += result.ids
    assert ours.counts["saved"] == anew.counts["prefilled"] - ours.counts["prefilled"] > 60


def test_what_is_kept_is_what_feeding_the_ids_gives(params, config, tokenizer):
    """Keys and values, those of the generated ids among them, against one prompt fed at once."""
    engine, kept = Engine(params, config, tokenizer), Kept()
    first = new_ids(20)
    [result] = engine.generate([GenerateItem(first, 12)], kept=kept)
    engine.generate([GenerateItem((*first, *result.ids, 9, 8, 7), 30)], kept=kept)
    count = len(kept.ids)
    assert count == 20 + 12 + 3 + 30 - 1
    layout = engine._decoder_loop()._served.params
    fresh = decoding.empty(layout, config, 1, count)
    tokens, counts = np.array([kept.ids], np.int32), np.array([count], np.int32)
    fresh = decoding.feed(layout, config, (), fresh, tokens, counts)
    for name in ("key", "value"):
        arrays = (getattr(fed.cache, name) for fed in (kept._fed, fresh))
        for ours, expected in zip(*map(jax.tree.leaves, arrays), strict=True):
            np.testing.assert_allclose(ours[:, :, :count], expected, atol=2e-5)


@pytest.mark.parametrize("draw", DRAWS)
def test_another_dialogue_takes_what_it_has_in_common(params, config, tokenizer, draw):
    """A new beginning, a shorter prompt, the same one again: what is behind a fork is dropped."""
    ours, anew = (Engine(params, config, tokenizer) for _ in range(2))
    kept, system = Kept(), (1, *new_ids(12))
    ours.generate([GenerateItem((*system, *new_ids(40, 1)), 20)], kept=kept)
    cases = (  # prompt, ids in common
        ((*system, 5, *new_ids(3, 2)), len(system)),
        (system, len(system) - 1),
        (system, len(system) - 1),
        ((2, *new_ids(4, 3)), 0),
        ((2,), 0),
    )
    assert new_ids(1, 1) != (5,)
    for prompt, common in cases:
        item = GenerateItem(prompt, 10, **DRAWS[draw])
        assert ours.generate([item], kept=kept) == anew.generate([item])
        assert kept.reused == common


def test_a_context_that_is_filled_and_one_that_is_exceeded(engines):
    ours, anew = engines
    kept, start = Kept(), (1, *new_ids(30))
    item = GenerateItem(start, None)
    [result] = ours.generate([item], kept=kept)
    assert [result] == anew.generate([item]) and len(start) + len(result.ids) == 128
    held = kept.ids
    with pytest.raises(InputError, match="exceed the model's context of 128"):
        ours.generate([GenerateItem((*start, *result.ids), None)], kept=kept)
    assert kept.ids == held
    for prompt in ((*start, *result.ids[:-1]), (*start, *result.ids[:50], 7)):
        item = GenerateItem(prompt, None)
        assert ours.generate([item], kept=kept) == anew.generate([item])
        assert kept.reused == len(prompt) - 1


def test_an_interrupted_generation_keeps_nothing(params, config, tokenizer):
    ours, anew = (Engine(params, config, tokenizer) for _ in range(2))
    kept, item = Kept(), GenerateItem((1, *new_ids(20)), 12)
    ours.generate([item], kept=kept)

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ours.generate([item], interrupt, kept=kept)
    assert (kept.ids, kept.nbytes) == ((), 0)
    assert ours.generate([item], kept=kept) == anew.generate([item]) and kept.reused == 0


def test_a_stop_string_ends_on_the_host_and_the_dialogue_goes_on(params, config, tokenizer):
    """The device runs on behind a stop string; what it got there is not taken for the reply's."""
    ours, anew = (Engine(params, config, tokenizer) for _ in range(2))
    kept, prompt = Kept(), (1, *new_ids(9))
    [whole] = anew.generate([GenerateItem(prompt, 20)])
    stop = whole.text[5:7]
    [result] = ours.generate([GenerateItem(prompt, 20, (stop,))], kept=kept)
    assert result.stop_reason == "stop" and len(result.ids) < 20
    item = GenerateItem((*prompt, *result.ids, *new_ids(4, 1)), 15)
    assert ours.generate([item], kept=kept) == anew.generate([item])
    assert kept.reused == len(prompt) + len(result.ids) - 1


def test_only_one_item_is_kept(params, config, tokenizer):
    with pytest.raises(ValueError, match="not of 2"):
        Engine(params, config, tokenizer).generate([GenerateItem((1,), 1)] * 2, kept=Kept())


@given(st.lists(st.integers(0, 2), max_size=6), st.lists(st.integers(0, 2), max_size=6))
def test_common_length(first, second):
    count = common_length(first, second)
    assert first[:count] == second[:count]
    rest = first[count:], second[count:]
    assert not all(rest) or rest[0][0] != rest[1][0]
