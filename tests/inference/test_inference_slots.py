"""Which rows stand in which slot changes nothing but the time."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llama_jax.inference import decoding
from llama_jax.inference.engine import Engine
from llama_jax.inference.types import GenerateItem
from llama_jax.model import decoder
from llama_jax.tokenizer import TextStream

RAGGED = [(3 * n) % 17 + 1 for n in range(24)]
FUNCTIONS = decoding.feed, decoding.insert, decoding.decode


def ragged_items(shared=40, seed=0, new=RAGGED):
    """Greedy and drawn rows of many lengths, behind a common beginning if `shared` is not 0."""
    rng = np.random.default_rng(seed)
    head = (1, *map(int, rng.integers(3, 64, shared)))
    return [
        GenerateItem(
            (*head, *map(int, rng.integers(3, 64, n % 11))),
            2 * count,
            stop=("e", "A1") if n % 4 == 3 else (),
            temperature=0.4 * (n % 3),
            top_k=7 * (n % 2),
            top_p=0.9 if n % 5 else 1.0,
            seed=n,
        )
        for n, count in enumerate(new)
    ]


@pytest.fixture(scope="module")
def engines(params, config, make_tokenizer):
    """Engines that are kept, since what they compile is the time that these tests take."""
    kept = {}

    def get(rows, min_prefix=32, **options):
        key = rows, min_prefix, *options.items()
        if key not in kept:
            kept[key] = Engine(params, config, make_tokenizer(), batch_rows=rows, **options)
            kept[key]._limits["min_prefix"] = min_prefix
        return kept[key]

    return get


@pytest.fixture(scope="module")
def one_by_one(engines):
    """What each item gives alone, its whole prompt its own."""
    engine = engines(1, min_prefix=1000)
    known = {}

    def answer(item):
        if item not in known:
            known[item] = engine.generate([item])[0]
        return known[item]

    return lambda items: [answer(item) for item in items]


@pytest.mark.parametrize("rows", [1, 4, 16])
@pytest.mark.parametrize("min_prefix", [32, 1000])
@pytest.mark.parametrize("shared", [0, 40])
def test_the_number_of_slots_and_sharing_change_nothing(
    engines, one_by_one, rows, min_prefix, shared
):
    items = ragged_items(shared)
    assert engines(rows, min_prefix).generate(items) == one_by_one(items)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(range(24)), st.sampled_from([4, 16]), st.integers(1, 24))
def test_any_order_and_any_part_of_the_items(engines, one_by_one, order, rows, count):
    items = [ragged_items()[index] for index in order[:count]]
    assert engines(rows).generate(items) == one_by_one(items)


def test_a_slot_is_refilled_while_the_others_go_on(engines, monkeypatch):
    """One long row and many short ones take hardly more steps than the long one."""
    steps, decode = [], decoding.decode

    def counted(*arguments):
        state, ids = decode(*arguments)
        steps.append(int(np.any(np.asarray(ids) >= 0, axis=1).sum()))
        return state, ids

    monkeypatch.setattr(decoding, "decode", counted)
    engine = engines(4)
    monkeypatch.setattr(engine._tokenizer, "eos_id", 64)  # never drawn
    limits = [72, *[8] * 21]
    results = engine.generate([GenerateItem((1, 3 + n), limit) for n, limit in enumerate(limits)])
    assert [len(result.ids) for result in results] == limits
    assert sum(steps) <= 76


def test_prompts_of_the_others_are_not_fed_again(engines, monkeypatch):
    fed, feed = [], decoding.feed

    def counted(params, config, prefix, state, tokens, counts):
        fed.append(int(counts.sum()))
        return feed(params, config, prefix, state, tokens, counts)

    monkeypatch.setattr(decoding, "feed", counted)
    items = ragged_items()
    engine = engines(4)
    before = engine.counts["prefilled"]
    engine.generate(items)
    # The prefix ends before the last id of the shortest prompt.
    assert sum(fed) + 40 == engine.counts["prefilled"] - before


@pytest.mark.parametrize("length", [5, 60])
def test_equal_prompts_are_fed_once(engines, one_by_one, monkeypatch, length):
    fed, feed = [], decoding.feed

    def counted(params, config, prefix, state, tokens, counts):
        fed.append(int(counts.sum()))
        return feed(params, config, prefix, state, tokens, counts)

    prompt = (1, *(3 + n % 50 for n in range(length)))
    items = [GenerateItem(prompt, 6, temperature=1.0, seed=n) for n in range(30)]
    expected = one_by_one(items)
    monkeypatch.setattr(decoding, "feed", counted)
    engine = engines(4)
    before = dict(engine.counts)
    assert engine.generate(items) == expected
    # A long prompt is a shared prefix but for its last id; a short one is in 30 slots in turn.
    assert sum(fed) == (1 if length == 60 else length + 1)
    assert engine.counts["prefilled"] - before.get("prefilled", 0) == length + 1
    assert len({result.ids for result in expected}) > 10


def test_ragged_lengths_compile_few_shapes(params, config, make_tokenizer):
    """Behind one prefix: feeding and inserting in two sizes of R, one cache, one decode."""
    engine = Engine(params, config, make_tokenizer(), batch_rows=8, batch_tokens=56)
    for function in FUNCTIONS:
        function.clear_cache()
    engine.generate(ragged_items(seed=1))
    assert [function._cache_size() for function in FUNCTIONS] == [2, 2, 1]
    engine.generate(ragged_items(seed=2, new=RAGGED[:21]))
    engine.generate(ragged_items(seed=3, new=RAGGED[::-1]))
    assert [function._cache_size() for function in FUNCTIONS] == [2, 2, 1]


def test_the_next_call_is_under_way_when_ids_are_read(params, config, make_tokenizer, monkeypatch):
    """A row that a stop string ends runs one call too long, and what it got there is dropped."""
    events, decode = [], decoding.decode
    push = TextStream.push

    def started(*arguments):
        events.append("call")
        return decode(*arguments)

    def read(self, token):
        events.append("id")
        return push(self, token)

    monkeypatch.setattr(decoding, "decode", started)
    monkeypatch.setattr(TextStream, "push", read)
    engine = Engine(params, config, make_tokenizer(eos_id=0), batch_rows=2)
    (whole,) = engine.generate([GenerateItem((1, 9), 64)])
    assert events[:3] == ["call", "call", "id"]
    stop = whole.text[3:6]
    (result,) = engine.generate([GenerateItem((1, 9), 64, stop=(stop,))])
    assert result.ids == whole.ids[: whole.text.find(stop) + 3]


def test_a_cache_is_changed_in_place(params, config):
    """Inserting and decoding copy new rows only: neither needs room for a second cache."""
    params = jax.tree.map(jnp.asarray, decoder.unstack(params))
    fed = decoding.empty(params, config, 2, 8)
    leaves, tree = jax.tree.flatten(decoding.empty_slots(params, config, 32, 128))
    one, rows, live = jnp.int32(1), jnp.zeros(32, jnp.int32), jnp.ones(32, bool)

    def insert(leaves):
        state = tree.unflatten(leaves)
        return decoding.insert(state, fed, rows, rows, one, rows, state.settings)

    def decode(leaves):
        state = tree.unflatten(leaves)
        return decoding.decode(params, config, (), state, live, one, one, one[None], one)

    cache = 4 * sum(leaf.size for leaf in leaves if leaf.ndim == 4)
    # One of the two layers at a time is attended to, in arrays of the size of its keys and values.
    for function, most in ((insert, 0.1), (decode, 0.75)):
        compiled = jax.jit(function, donate_argnums=0).lower(leaves).compile()
        memory = compiled.memory_analysis()
        assert memory.alias_size_in_bytes > cache
        assert memory.temp_size_in_bytes < most * cache


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_steps_copy_no_cache(params, config, rows):
    config = dataclasses.replace(config, context=8192)
    layers = decoder.unstack(jax.tree.map(jnp.asarray, params))
    state = decoding.empty_slots(layers, config, rows, 8192)
    one = jnp.zeros((), jnp.int32)
    live, stop_ids = jnp.ones(rows, bool), jnp.zeros(1, jnp.int32)
    leaves, tree = jax.tree.flatten(state)

    def decode(leaves):
        return decoding.decode(
            layers, config, (), tree.unflatten(leaves), live, one, one, stop_ids, one
        )

    steps = jax.jit(decode, donate_argnums=0).lower(leaves).compile()
    made = steps.memory_analysis().temp_size_in_bytes
    assert made < state.fed.cache.key[0].nbytes
