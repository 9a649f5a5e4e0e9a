import json
from collections import Counter

import jax
import numpy as np
import pytest

from llama_jax import weights
from llama_jax.errors import InputError
from llama_jax.inference import decoding, generation
from llama_jax.inference.engine import Engine
from llama_jax.inference.generation import GenerateGroup, capacities, plan_generation
from llama_jax.inference.types import GenerateItem
from llama_jax.tokenizer import load_tokenizer


@pytest.fixture
def make_engine(params, config, tokenizer):
    return lambda **options: Engine(params, config, tokenizer, **{"batch_rows": 4, **options})


def prompts(count=7, seed=0):
    rng = np.random.default_rng(seed)
    shots = (1, *map(int, rng.integers(3, 64, 50)))
    lone = [(1, *map(int, rng.integers(3, 64, n))) for n in (0, 1, 7, 20, 61)]
    return [*((*shots, *map(int, rng.integers(3, 64, 2 + n))) for n in range(count)), *lone]


@pytest.fixture(scope="module")
def greedy(reference):
    """prompt -> its greedy continuation by whole forward passes in float64."""

    def continue_(ids, count):
        ids = list(ids)
        for _ in range(count):
            ids.append(int(reference(ids)[-1].argmax()))
        return tuple(ids[-count:])

    return continue_


def test_greedy_is_that_of_whole_forward_passes(make_engine, greedy, tokenizer):
    tokenizer.eos_id = 63 if 63 not in greedy((1,), 40) else 0
    items = [GenerateItem(ids, 9 + n) for n, ids in enumerate(prompts())]
    engine = make_engine()
    for item, result in zip(items, engine.generate(items), strict=True):
        expected = greedy(item.ids, item.max_new_tokens)
        if engine._tokenizer.eos_id not in expected:
            assert (result.ids, result.stop_reason) == (expected, "length")
            assert result.text == tokenizer.decode(expected)


@pytest.mark.parametrize("options", [{"batch_rows": 1}, {"batch_tokens": 40}])
def test_rows_do_not_depend_on_their_neighbours(make_engine, options):
    items = [
        GenerateItem(ids, 20, temperature=0.5 * (n % 3), top_k=5 * (n % 2), top_p=0.9, seed=n % 4)
        for n, ids in enumerate(prompts())
    ]
    together = make_engine().generate(items)
    assert make_engine(**options).generate(items[::-1])[::-1] == together


def test_shared_prompts_are_computed_once(make_engine):
    items = [GenerateItem(ids, 4) for ids in prompts()]
    engine = make_engine()
    engine.generate(items)
    whole = sum(len(item.ids) for item in items)
    assert engine.counts["saved"] == 6 * 51
    assert engine.counts["prefilled"] == whole - 6 * 51


def test_eos_ends_a_row(params, config, make_tokenizer, greedy):
    expected = greedy((1, 5, 6), 12)
    eos_id = expected[7]
    first = expected.index(eos_id)
    engine = Engine(params, config, make_tokenizer(eos_id))
    items = [GenerateItem((1, 5, 6), 12), GenerateItem((1, 9), 12), GenerateItem((1, 9), 1)]
    result, other, _ = engine.generate(items)
    assert (result.ids, result.stop_reason) == (expected[:first], "eos")
    alone = greedy((1, 9), 12)
    end = alone.index(eos_id) if eos_id in alone else 12
    assert other.ids == alone[:end]
    assert engine.counts["generated"] == first + 1 + min(end + 1, 12) + 1


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("streamed", [False, True])
def test_stop_strings_end_the_text_wherever_they_fall(
    make_engine, greedy, tokenizer, length, streamed
):
    prompt = (1, 8, 30)
    text = tokenizer.decode(greedy(prompt, 40))
    engine = make_engine()
    # 14 to 18: the stop string begins in one call of 16 steps and ends in the next.
    starts = range(0, 36, 9) if streamed else (0, 13, 14, 15, 16, 17, 35)
    for start in starts:
        stop = text[start : start + length]
        item = GenerateItem(prompt, 40, stop=(stop, "never comes"))
        shown = Shown()
        (result,) = engine.generate([item], shown if streamed else None)
        assert (result.text, result.stop_reason) == (text[: text.find(stop)], "stop")
        assert len(result.ids) == text.find(stop) + length
        if streamed:
            assert "".join(shown.pieces) == result.text
            assert len(shown.pieces) > 1 or len(result.text) < 2


class Shown:
    """Keeps the text of a single item as it is shown."""

    def __init__(self):
        self.pieces = []

    def __call__(self, index, text):
        assert index == 0
        self.pieces.append(text)


def test_text_arrives_in_pieces_that_join(make_engine):
    items = [GenerateItem(ids, 18) for ids in prompts(3)]
    shown = {index: [] for index in range(len(items))}
    results = make_engine().generate(items, lambda i, text: shown[i].append(text))
    for index, result in enumerate(results):
        assert "".join(shown[index]) == result.text
        assert len(shown[index]) > 5


def test_a_seed_gives_the_same_text_again_and_another_one_another(make_engine):
    engine = make_engine()
    items = [GenerateItem((1, 7), 20, temperature=1.0, seed=seed) for seed in (3, 4, 3)]
    first, second, third = (result.ids for result in engine.generate(items))
    assert first == third != second
    assert engine.generate(items[1:2])[0].ids == second


def test_temperature_near_zero_and_top_k_of_one_are_greedy(make_engine, greedy):
    items = [
        GenerateItem((1, 4), 10, temperature=1e-4),
        GenerateItem((1, 4), 10, temperature=3.0, top_k=1, seed=5),
        GenerateItem((1, 4), 10, temperature=3.0, top_p=0.0, seed=6),
    ]
    assert {result.ids for result in make_engine().generate(items)} == {greedy((1, 4), 10)}


def test_ids_beyond_the_tokenizer_are_never_drawn(params, config, tokenizer):
    tokenizer.vocab_size = 20
    items = [GenerateItem((1,), 30, temperature=2.0, seed=seed) for seed in range(3)]
    results = Engine(params, config, tokenizer).generate([GenerateItem((1,), 30), *items])
    assert max(token for result in results for token in result.ids) < 20


def test_up_to_the_context(make_engine, config):
    result = make_engine().generate([GenerateItem((1, 7), None)])[0]
    assert result.stop_reason == "eos" or len(result.ids) == config.context - 2


def test_the_whole_context_can_be_used(make_engine, config, greedy):
    prompt = (1, *([5] * (config.context - 4)))
    (result,) = make_engine().generate([GenerateItem(prompt, 3)])
    assert result.ids == greedy(prompt, 3)[: len(result.ids)]
    assert result.stop_reason == "eos" or len(result.ids) == 3


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (GenerateItem((1,) * 100, 29), "item 1: a prompt of 100 ids and 29 new tokens exceed"),
        (GenerateItem((1,) * 128, None), "item 1: a prompt of 128 ids and at least 1 new tokens"),
        (GenerateItem((1, 64), 1), "item 1: id 64 is outside the model's vocabulary of 64"),
    ],
)
def test_refuses_before_any_computation(make_engine, item, message):
    engine = make_engine()
    with pytest.raises(InputError, match=message):
        engine.generate([GenerateItem((1,), 1), item])
    assert engine.compiled_shapes == set()


def test_results_arrive_as_items_end(make_engine):
    arrived = []
    results = make_engine().generate(
        [GenerateItem((1, 2 + n), 3) for n in range(6)],
        on_result=lambda index, result: arrived.append((index, result)),
    )
    assert sorted(arrived, key=lambda pair: pair[0]) == list(enumerate(results))


def test_caches_grow_as_they_fill(make_engine, greedy, monkeypatch):
    monkeypatch.setattr(generation, "SMALLEST_CAPACITY", 64)
    engine = make_engine()
    items = [GenerateItem((1, 7), 80), GenerateItem((1, 8, 9, 3), 70), GenerateItem((1,), 3)]
    results = engine.generate(items)
    assert {shape[-1] for shape in engine.compiled_shapes if shape[0] == "decode"} == {64, 96}
    for item, result in zip(items, results, strict=True):
        assert result.ids == greedy(item.ids, item.max_new_tokens)[: len(result.ids)]
        assert len(result.ids) == item.max_new_tokens or result.stop_reason == "eos"


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("streamed", [False, True])
def test_memory_that_does_not_suffice_halves_the_slots(make_engine, monkeypatch, early, streamed):
    items = [
        GenerateItem(ids, 30 + n % 9, temperature=0.7 * (n % 2), seed=n)
        for n, ids in enumerate(prompts())
    ]
    expected = make_engine(batch_rows=2).generate(items)
    whole, calls = decoding.decode, Counter()

    def limited(params, config, prefix, state, live, *rest):
        calls[len(live)] += 1
        if len(live) > 2 and (early or calls[len(live)] > 2):
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 byte")
        return whole(params, config, prefix, state, live, *rest)

    monkeypatch.setattr(decoding, "decode", limited)
    engine, shown = make_engine(batch_rows=8), [""] * len(items)

    def show(index, text):
        shown[index] += text

    assert engine.generate(items, show if streamed else None) == expected
    assert engine.counts["halved"] == 2
    assert not streamed or shown == [result.text for result in expected]
    calls.clear()
    assert engine.generate(items) == expected
    assert set(calls) <= {1, 2}, "a lesson is kept"


def test_memory_that_does_not_suffice_for_a_row_is_an_error(make_engine, monkeypatch):
    def refuse(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    monkeypatch.setattr(decoding, "feed", refuse)
    engine = make_engine()
    with pytest.raises(InputError, match="does not suffice to generate one row behind 2 tokens"):
        engine.generate([GenerateItem((1, 4), 2)] * 5)
    assert engine.counts["halved"] == 2


def test_other_failures_of_the_device_pass(make_engine, monkeypatch):
    def fail(*_):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr(decoding, "feed", fail)
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        make_engine().generate([GenerateItem((1, 4), 2)])


def test_refuses_no_rows(make_engine):
    with pytest.raises(InputError, match="batch_rows 0"):
        make_engine(batch_rows=0).generate([])


def test_nothing_to_generate(make_engine):
    assert make_engine().generate([]) == []


def test_plan_of_generation():
    items = [GenerateItem((*range(3, 43), *([n] * (n - 40))), 5) for n in range(45, 52)]
    items.append(GenerateItem((1, 2), None))
    plan = plan_generation(items, context=64, vocab_size=64, batch_rows=4, batch_tokens=32)
    assert [prefix.length for prefix in plan.prefixes] == [40]
    assert plan.groups == (
        GenerateGroup(0, 40, (6, 5, 4, 3, 2, 1, 0), rows=4, columns=8, feed_rows=(1, 4)),
        GenerateGroup(None, 0, (7,), rows=1, columns=8, feed_rows=(1,)),
    )
    assert plan.limits == (5, 5, 5, 5, 5, 5, 5, 62)
    assert plan.saved == 6 * 40
    assert plan.prefilled + plan.saved == sum(len(item.ids) for item in items)


def test_a_small_group_is_not_worth_steps_of_its_own():
    items = [GenerateItem((*range(3, 43), n), 300) for n in range(3)]
    plan = plan_generation(items, context=512, vocab_size=64, batch_rows=4, batch_tokens=512)
    assert (plan.prefixes, len(plan.groups)) == ((), 1)


@pytest.mark.parametrize("call_tokens", [64, 1024])  # of a CPU and of an accelerator
def test_samples_of_one_prompt_share_it(call_tokens):
    items = [GenerateItem((*range(1, 401),), 256, temperature=0.8, seed=n) for n in range(64)]
    sizes = {"context": 2048, "vocab_size": 512, "batch_rows": 64, "batch_tokens": 4096}
    plan = plan_generation(items, call_tokens=call_tokens, **sizes)
    assert [prefix.length for prefix in plan.prefixes] == [399]
    assert [(group.rows, group.columns) for group in plan.groups] == [(64, 8)]
    assert (plan.prefilled, plan.saved) == (400, 63 * 400)


def test_questions_share_their_header():
    header = tuple(range(1, 301))
    items = [GenerateItem((*header, *[400 + n] * (20 + n)), 256) for n in range(20)]
    sizes = {"context": 2048, "vocab_size": 512, "batch_rows": 64, "batch_tokens": 4096}
    plan = plan_generation(items, call_tokens=1024, **sizes)
    assert [prefix.length for prefix in plan.prefixes] == [300]
    assert [(g.rows, g.columns, g.feed_rows) for g in plan.groups] == [(20, 48, (2, 20))]


def test_slots_divide_over_groups_of_devices():
    items = [GenerateItem((1, 2 + n), 8) for n in range(20)]
    sizes = {"context": 64, "vocab_size": 64, "batch_rows": 64, "batch_tokens": 512}
    (group,) = plan_generation(items, row_multiple=8, **sizes).groups
    assert (group.rows, group.feed_rows) == (24, (8, 24))


def test_capacities_are_few():
    assert capacities(4096) == (256, 512, 1024, 2048, 4096)
    assert capacities(100) == (100,)
    assert capacities(300) == (256, 300)


def test_compiled_shapes_of_generation(make_engine):
    engine = make_engine()
    engine.generate([GenerateItem((1, 5), 30), GenerateItem((1, 5, 6), 40)])
    shapes = set(engine.compiled_shapes)
    model = {("feed", 0, 2, 8, 8), ("decode", 0, 2, 64)}
    assert shapes == model | {("rows", 2, 8), ("slots", 2, 64), ("insert", 2, 64, 2, 8)}
    engine.generate([GenerateItem((1, 7), 50), GenerateItem((1, 2, 3, 4), 3, seed=5)])
    assert engine.compiled_shapes == shapes


@pytest.mark.shared
def test_stories260k_tells_its_story(shared):
    folder = shared / "models" / "stories260K"
    loaded = weights.read(folder / "stories260K.bin")
    tokenizer = load_tokenizer(folder / "tok512.model")
    engine = Engine(loaded.params, loaded.config, tokenizer)
    (result,) = engine.generate([GenerateItem((tokenizer.bos_id,), 200)])
    assert list(result.ids) == json.loads((folder / "expected_ids.json").read_text())["ids"]
    assert result.text == json.loads((folder / "expected_output.json").read_text())["text"]
    assert result.stop_reason == "length"
