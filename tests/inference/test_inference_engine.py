import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llama_jax.errors import InputError
from llama_jax.inference import scoring
from llama_jax.inference.engine import Engine
from llama_jax.inference.types import ScoreItem
from llama_jax.model import decoder
from llama_jax.model.cache import SharedPrefix


def some_items(seed=0):
    """Few-shot questions behind two prefixes, multiple choice, nested, equal and lone items."""
    rng = np.random.default_rng(seed)

    def ids(count):
        return tuple(int(n) for n in rng.integers(3, 64, count))

    items = []
    for shots in (ids(50), ids(61)):
        for _ in range(14):
            context = (1, *shots, *ids(int(rng.integers(3, 14))))
            items += [ScoreItem((*context, letter), len(context)) for letter in (5, 6, 7)]
            items.append(ScoreItem((*context, 5, *ids(4)), len(context)))
    items += [ScoreItem((1, *ids(n)), 1) for n in (1, 2, 30, 64, 127)]  # all but BOS is scored
    return [*items, items[0], items[-1]]


@pytest.fixture(scope="module")
def items():
    return some_items()


@pytest.fixture(scope="module")
def expected(items, reference):
    rows = [(item, reference(item.ids[:-1])[item.start - 1 :]) for item in items]
    logprobs = [row[np.arange(len(row)), item.ids[item.start :]] for item, row in rows]
    greedy = [(row.argmax(-1) == item.ids[item.start :]).all() for item, row in rows]
    return logprobs, greedy


@pytest.fixture
def make_engine(params, config, tokenizer):
    return lambda **options: Engine(params, config, tokenizer, **options)


def assert_close(results, expected, tolerance=1e-5):
    for result, logprobs, greedy in zip(results, *expected, strict=True):
        assert np.abs(np.array(result.logprobs) - logprobs).max() < tolerance
        assert result.greedy == greedy


def test_scores_are_those_of_the_float64_model(make_engine, items, expected):
    assert make_engine(batch_tokens=4096).plan(items).nodes == (), "all fits in few packed rows"
    engine = make_engine(batch_tokens=32)
    assert len(engine.plan(items).nodes) == 2
    assert_close(engine.score(items), expected)


def test_some_of_the_reference_is_greedy(reference, make_engine):
    # Otherwise the flag above would be tested in one direction only.
    ids = [1, 9]
    for _ in range(6):
        ids.append(int(reference(ids)[-1].argmax()))
    other = ids[-1] % 60 + 3
    items = [ScoreItem(tuple(ids), 2), ScoreItem((*ids[:-1], other), 2)]
    assert [result.greedy for result in make_engine().score(items)] == [True, False]


@pytest.mark.parametrize("batch_tokens", [1, 100])
def test_scores_do_not_depend_on_the_batch(make_engine, items, expected, batch_tokens):
    assert_close(make_engine(batch_tokens=batch_tokens).score(items), expected)


def test_scores_do_not_depend_on_order_or_on_what_else_is_asked(make_engine, items, expected):
    order = np.random.default_rng(1).permutation(len(items))
    engine = make_engine(batch_tokens=4096)
    results = engine.score([items[index] for index in order])
    shuffled = [[part[index] for index in order] for part in expected]
    assert_close(results, shuffled)
    few = [0, 3, 7, len(items) - 3]
    alone = [engine.score([items[index]])[0] for index in few]  # nothing to share
    assert_close(alone, [[part[index] for index in few] for part in expected])


def test_equal_items_get_equal_results(make_engine, items):
    results = make_engine().score(items)
    assert (results[-2], results[-1]) == (results[0], results[-3])


def test_decode_layout_scores_alike(params, config, tokenizer, items, expected):
    engine = Engine(decoder.unstack(params), config, tokenizer, batch_tokens=64)
    some = slice(0, 56)  # the first prefix
    assert_close(engine.score(items[some]), [part[some] for part in expected])


def test_results_arrive_batch_by_batch(make_engine, items):
    arrived = []
    engine = make_engine(batch_tokens=1)
    results = engine.score(items, lambda index, result: arrived.append((index, result)))
    assert sorted(index for index, _ in arrived) == list(range(len(items)))
    assert all(results[index] == result for index, result in arrived)


def test_counts(make_engine, items):
    engine = make_engine()
    plan = engine.plan(items)
    engine.score(items)
    assert engine.counts["prefilled"] == plan.prefilled
    assert engine.counts["prefilled"] + engine.counts["saved"] == sum(
        len(item.ids) - 1 for item in items
    )
    assert engine.counts["scored"] == sum(len(item.ids) - item.start for item in items)
    engine.score(items[:1])
    assert engine.counts["scored"] == plan.scored + 1


def test_nothing_to_score(make_engine):
    engine = make_engine()
    assert engine.score([]) == []
    assert engine.compiled_shapes == set()


def test_errors_come_before_any_computation(make_engine, config):
    engine = make_engine()
    items = [ScoreItem((1, 4), 1), ScoreItem((1,) * (config.context + 2), 1)]
    with pytest.raises(InputError, match="item 1: 130 ids, 129 of them to feed"):
        engine.score(items, lambda *_: pytest.fail("a result before the error"))
    assert engine.compiled_shapes == set()


def test_one_compilation_per_shape(params, config, tokenizer, items, compilations):
    config = dataclasses.replace(config, norm_eps=1.01e-5)  # nothing is compiled for it yet
    engine = Engine(params, config, tokenizer, batch_tokens=256)
    compilations.clear()
    engine.score(items)
    plan = engine.plan(items)
    assert len(compilations) == len(plan.shapes) == len(engine.compiled_shapes)
    assert plan.shapes == engine.compiled_shapes
    engine.score(items[::-1])
    assert len(compilations) == len(plan.shapes)


def test_a_ragged_last_batch_compiles_nothing(params, config, tokenizer, compilations):
    config = dataclasses.replace(config, norm_eps=1.02e-5)
    engine = Engine(params, config, tokenizer, batch_tokens=64)
    rng = np.random.default_rng(3)
    items = [ScoreItem((1, *map(int, rng.integers(3, 64, 16))), 16) for _ in range(11)]
    compilations.clear()
    engine.score(items[:8])
    assert len(compilations) == 1
    engine.score(items)
    assert (len(compilations), engine.compiled_shapes) == (1, {("score", 0, 1, 64, 128, 1)})


def arrays_in(jaxpr):
    """Sizes of all arrays that a program makes, inner programs included."""
    for equation in jaxpr.eqns:
        yield from (variable.aval.size for variable in equation.outvars)
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda leaf: hasattr(leaf, "eqns")
        ):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from arrays_in(inner)


def test_no_array_of_batch_by_length_by_vocabulary(config):
    B, T, V = 8, 32, 2000
    config = dataclasses.replace(config, vocab_size=V)
    params = decoder.abstract_params(config)

    def score(params, buffer, *rest):
        prefix = SharedPrefix(buffer, buffer, jnp.int32(40))
        return scoring.score_batch(params, config, (prefix,), *rest)

    shapes = (
        (config.layers, config.kv_heads, 48, config.head_size),
        (B, T),
        (B, T),
        (B, T),
        (B * T,),
        (),
        (B * T, 1),
    )
    dtypes = jnp.float32, *([jnp.int32] * 6)
    arguments = params, *map(jax.ShapeDtypeStruct, shapes, dtypes)
    program = jax.make_jaxpr(score)(*arguments)
    sizes = list(arrays_in(program.jaxpr))
    assert 128 * V in sizes, "the chunk's logits are found"
    assert max(sizes) < B * T * V
    memory = jax.jit(score).lower(*arguments).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 4 * B * T * V


def test_memory_that_does_not_suffice_halves_the_batch(make_engine, items, expected, monkeypatch):
    whole, tried = scoring.score_batch, []

    def limited(params, config, prefix, tokens, *rest):
        tried.append(tokens.shape)
        if tokens.shape[0] > 1:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 byte")
        return whole(params, config, prefix, tokens, *rest)

    monkeypatch.setattr(scoring, "score_batch", limited)
    engine = make_engine(batch_tokens=1024)
    assert_close(engine.score(items), expected)
    assert engine.counts["halved"] > 0
    refused = [shape for shape in tried if shape[0] > 1]
    tried.clear()
    assert_close(engine.score(items), expected)
    assert refused and not [shape for shape in tried if shape[0] > 1], "a lesson is kept"


def test_memory_that_does_not_suffice_for_a_row_is_an_error(make_engine, monkeypatch):
    def refuse(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    monkeypatch.setattr(scoring, "score_batch", refuse)
    with pytest.raises(InputError, match="does not suffice for one row of 8 tokens"):
        make_engine().score([ScoreItem((1, 4, 5), 1)])


def test_other_failures_of_the_device_pass(make_engine, monkeypatch):
    def fail(*_):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr(scoring, "score_batch", fail)
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        make_engine().score([ScoreItem((1, 4, 5), 1)])


def test_float32_products_are_exact_and_bfloat16_ones_are_left_alone(config):
    def precisions(dtype):
        arguments = (
            decoder.abstract_params(config, dtype),
            config,
            (),
            *(jax.ShapeDtypeStruct(s, jnp.int32) for s in (*[(1, 8)] * 3, (128,), (), (128, 1))),
        )
        text = scoring.score_batch.lower(*arguments).as_text()
        return text.count("precision = [HIGHEST, HIGHEST]"), text.count("dot_general")

    highest, products = precisions(jnp.float32)
    assert highest == products > 5
    assert precisions(jnp.bfloat16)[0] == 0


def test_computing_in_another_dtype(make_engine, items, expected):
    lone = slice(-5, -2)
    results = make_engine(dtype=jnp.bfloat16).score(items[lone])
    errors = [
        np.abs(np.array(result.logprobs) - logprobs).mean()
        for result, logprobs in zip(results, expected[0][lone], strict=True)
    ]
    assert 1e-4 < np.mean(errors) < 0.2
