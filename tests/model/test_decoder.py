import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import numpy_llama

from llama_jax.config import LlamaConfig, RopeScaling
from llama_jax.model import decoder
from llama_jax.model.cache import KVCache

CONFIGS = {
    "mha": LlamaConfig(64, 32, 2, 4, 4, 48, 64, 1e-5),
    "gqa": LlamaConfig(64, 32, 3, 4, 2, 48, 64, 1e-5),
    "mqa-tied": LlamaConfig(64, 32, 2, 4, 1, 48, 64, 1e-5, tied_embeddings=True),
    "scaled": LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5, 500.0, RopeScaling(8, 1, 4, 16)),
}
GQA = CONFIGS["gqa"]
LAYOUTS = pytest.mark.parametrize("stacked", [True, False], ids=["stacked", "per-layer"])


# Compiled: dispatching operation by operation takes many times longer.
forward = jax.jit(decoder.forward, static_argnames=("config", "remat"))
apply = jax.jit(decoder.apply, static_argnames=("config", "remat"))
prefill_prefix = jax.jit(decoder.prefill_prefix, static_argnames="config")


def make(config, seed=0):
    """Parameters with weights large enough, and norms uneven enough, that mistakes show."""
    params = decoder.init(jax.random.key(seed), config)
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(seed + 1), len(leaves))
    noise = [0.15 * jax.random.normal(k, a.shape) for k, a in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(tree, [a + n for a, n in zip(leaves, noise, strict=True)])


PARAMS = {name: make(config) for name, config in CONFIGS.items()}


def layout(params, stacked):
    return params if stacked else decoder.unstack(params)


def tokens(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).integers(0, 64, shape), jnp.int32)


def close(a, b, atol=2e-5):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=atol)


@LAYOUTS
@pytest.mark.parametrize("name", CONFIGS)
def test_logits_equal_numpy_float64(name, stacked):
    config, ids = CONFIGS[name], tokens(2, 20)
    ours = apply(layout(PARAMS[name], stacked), config, ids)
    assert ours.dtype == jnp.float32
    for row, out in zip(np.asarray(ids), ours, strict=True):
        close(out, numpy_llama.logits(PARAMS[name], config, row))


@pytest.mark.parametrize("name", CONFIGS)
def test_every_layer_equals_numpy_float64(name):
    config, ids = CONFIGS[name], tokens(20)
    for depth in range(1, config.layers + 1):
        params = dict(PARAMS[name])
        params["layers"] = jax.tree.map(lambda a, n=depth: a[:n], params["layers"])
        ours = forward(params, config, ids[None])[0][0]
        expected = numpy_llama.hidden_states(PARAMS[name], config, np.asarray(ids), layers=depth)
        assert np.max(np.abs(ours - expected)) / np.max(np.abs(expected)) < 1e-5


@LAYOUTS
@pytest.mark.parametrize("cuts", [[13], [1, 6]], ids=str)
def test_cache_equals_full_forward(stacked, cuts):
    params, ids = layout(PARAMS["gqa"], stacked), tokens(2, 14)
    cache = KVCache.empty(GQA, 2, 16, stacked=stacked)
    hidden = []
    for chunk in jnp.split(ids, cuts, axis=1):
        part, cache = forward(params, GQA, chunk, cache=cache)
        hidden.append(part)
    close(jnp.concatenate(hidden, 1), forward(params, GQA, ids)[0])
    assert cache.lengths.tolist() == [14, 14]


@LAYOUTS
def test_rows_of_a_cache_have_their_own_lengths(stacked):
    """Prompts of 3 and 7 tokens, right-padded, then two more tokens each, one at a time."""
    params, ids, lengths = layout(PARAMS["gqa"], stacked), tokens(2, 9), [3, 7]
    padded = jnp.where(jnp.arange(7) < jnp.array(lengths)[:, None], ids[:, :7], 0)
    cache = KVCache.empty(GQA, 2, 9, stacked=stacked)
    counts = jnp.array(lengths)
    _, cache = forward(params, GQA, padded, cache=cache, token_counts=counts)
    for step in range(2):
        assert cache.lengths.tolist() == [n + step for n in lengths]
        new = jnp.stack([ids[row, n + step] for row, n in enumerate(lengths)])[:, None]
        hidden, cache = forward(params, GQA, new, cache=cache)
        for row, n in enumerate(lengths):
            full = forward(params, GQA, ids[row : row + 1, : n + step + 1])[0]
            close(hidden[row, 0], full[0, -1])


def test_padding_past_the_capacity_of_the_cache_is_dropped_not_written_elsewhere():
    params, ids = PARAMS["gqa"], tokens(1, 10)
    cache = KVCache.empty(GQA, 1, 10, stacked=True)
    _, cache = forward(params, GQA, ids[:, :8], cache=cache)
    wide = jnp.pad(ids[:, 8:], ((0, 0), (0, 6)))  # 2 real tokens, 8 slots would be needed
    hidden, cache = forward(params, GQA, wide, cache=cache, token_counts=jnp.array([2]))
    close(hidden[:, :2], forward(params, GQA, ids)[0][:, 8:])


@LAYOUTS
@pytest.mark.parametrize("padding", [0, 4])
def test_shared_prefix_equals_prefix_in_every_row(stacked, padding):
    params, shared, own = layout(PARAMS["gqa"], stacked), tokens(6), tokens(3, 5, seed=1)
    slots = jnp.pad(shared, (0, padding), constant_values=9)
    prefix = prefill_prefix(params, GQA, slots, length=jnp.int32(6))
    ours = forward(params, GQA, own, prefix=(prefix,))[0]
    joined = jnp.concatenate([jnp.tile(shared, (3, 1)), own], axis=1)
    close(ours, forward(params, GQA, joined)[0][:, 6:])


@LAYOUTS
def test_nested_prefixes_and_a_cache_behind_them(stacked):
    params, ids = layout(PARAMS["gqa"], stacked), tokens(12)
    first = prefill_prefix(params, GQA, ids[:4])
    second = prefill_prefix(params, GQA, ids[4:7], prefix=(first,))
    cache = KVCache.empty(GQA, 1, 8, stacked=stacked)
    parts = []
    for chunk in (ids[7:10], ids[10:]):
        part, cache = forward(params, GQA, chunk[None], prefix=(first, second), cache=cache)
        parts.append(part)
    full = forward(params, GQA, ids[None])[0]
    close(jnp.concatenate(parts, 1), full[:, 7:])


def test_packed_documents_equal_separate_ones():
    params, a, b = PARAMS["gqa"], tokens(1, 5), tokens(1, 7, seed=1)
    packed = jnp.concatenate([a, b, jnp.zeros((1, 2), jnp.int32)], axis=1)
    segment_ids = jnp.array([[1] * 5 + [2] * 7 + [0] * 2])
    out = forward(params, GQA, packed, segment_ids=segment_ids)[0]
    close(out[:, :5], forward(params, GQA, a)[0])
    close(out[:, 5:12], forward(params, GQA, b)[0])
    assert bool(jnp.isfinite(out).all())


def test_a_later_token_cannot_change_the_past():
    params, ids = PARAMS["gqa"], tokens(1, 12)
    changed = ids.at[0, 8].set((ids[0, 8] + 1) % 64)
    before, after = (apply(params, GQA, t) for t in (ids, changed))
    np.testing.assert_array_equal(before[:, :8], after[:, :8])
    assert bool((before[:, 8:] != after[:, 8:]).any(-1).all())


@pytest.mark.parametrize("order", [[3, 2, 1, 0], [1, 3, 0, 2]], ids=str)
def test_a_row_does_not_depend_on_its_neighbours(order):
    params, ids = PARAMS["gqa"], tokens(4, 10)
    close(
        apply(params, GQA, ids[jnp.array(order)]),
        apply(params, GQA, ids)[jnp.array(order)],
        1e-6,
    )
    close(apply(params, GQA, ids[2:3]), apply(params, GQA, ids)[2:3], 2e-6)


@pytest.mark.parametrize("policy", ["full", "dots", "dots_no_batch"])
@LAYOUTS
def test_rematerialisation_changes_no_gradient(stacked, policy):
    params, ids = layout(PARAMS["gqa"], stacked), tokens(2, 8)

    def loss(params, remat):
        return jnp.mean(jnp.square(decoder.apply(params, GQA, ids, remat=remat)))

    kept, again = (jax.jit(jax.grad(loss), static_argnums=1)(params, r) for r in ("none", policy))
    jax.tree.map(lambda a, b: close(a, b, 1e-6), kept, again)
    text = jax.jit(jax.grad(loss), static_argnums=1).lower(params, policy).as_text()
    assert "optimization_barrier" in text  # what jax.checkpoint leaves in the program


def test_bfloat16_stays_close_and_logits_are_float32():
    params = jax.tree.map(lambda a: a.astype(jnp.bfloat16), PARAMS["gqa"])
    out = apply(params, GQA, tokens(2, 20))
    assert out.dtype == jnp.float32
    full = apply(jax.tree.map(lambda a: a.astype(jnp.float32), params), GQA, tokens(2, 20))
    assert float(jnp.max(jnp.abs(out - full))) < 0.05 * float(jnp.max(jnp.abs(full)))


def test_init_is_a_function_of_the_key_and_of_the_size():
    a, b, c = (decoder.init(jax.random.key(s), GQA) for s in (0, 0, 1))
    jax.tree.map(np.testing.assert_array_equal, a, b)
    assert float(jnp.max(jnp.abs(a["embedding"] - c["embedding"]))) > 0
    attention = decoder.init(jax.random.key(0), LlamaConfig(64, 128, 8, 4, 2, 256, 64, 1e-5))[
        "layers"
    ]["attention"]
    assert float(attention["query"].std()) == pytest.approx(0.02, rel=0.05)
    assert float(attention["output"].std()) == pytest.approx(0.02 / 4, rel=0.05)  # sqrt(2 * 8)


def test_abstract_params_is_the_tree_of_init():
    for name, config in CONFIGS.items():
        abstract = decoder.abstract_params(config, jnp.bfloat16)
        real = decoder.init(jax.random.key(0), config, jnp.bfloat16)
        assert jax.tree.map(lambda a: (a.shape, a.dtype), real) == jax.tree.map(
            lambda a: (a.shape, a.dtype), abstract
        ), name


def test_the_program_names_its_parts_in_the_papers_words():
    text = jax.jit(decoder.apply, static_argnums=1).lower(PARAMS["gqa"], GQA, tokens(1, 4))
    text = text.as_text(debug_info=True)
    for scope in ("rotary_embedding", "attention_norm", "feed_forward", "attention_output"):
        assert scope in text


@pytest.mark.parametrize(("length", "layers"), [(4, 1), (1, GQA.layers)])
def test_a_layer_of_a_loop_is_lowered_once_except_in_steps_of_one_token(length, layers):
    params = layout(PARAMS["gqa"], stacked=False)
    text = forward.lower(params, GQA, tokens(2, length)).as_text()
    assert text.count("stablehlo.rsqrt") == 2 * layers + 1  # two norms a layer and the final one


def test_segments_and_cache_exclude_each_other():
    cache = KVCache.empty(GQA, 1, 4, stacked=True)
    with pytest.raises(ValueError, match="a cache excludes segment_ids and subtree_ends"):
        decoder.forward(
            PARAMS["gqa"], GQA, tokens(1, 4), segment_ids=jnp.ones((1, 4), jnp.int32), cache=cache
        )
