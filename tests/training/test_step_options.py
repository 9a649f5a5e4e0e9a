import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llama_jax.config import LlamaConfig
from llama_jax.data.packing import Rows, pack
from llama_jax.errors import InputError
from llama_jax.model import decoder
from llama_jax.model.attention import causal_mask
from llama_jax.model.dropout import Dropout, drop
from llama_jax.model.self_attention import make_self_attention
from llama_jax.training.metrics import group_of, norms_by_group
from llama_jax.training.optimizer import OptimizerConfig, make_optimizer
from llama_jax.training.options import REMAT, StepOptions
from llama_jax.training.step import compile_eval_step, compile_train_step, init_state, summed_loss

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5)
OPTIMIZER = make_optimizer(OptimizerConfig(1e-2, steps=50, warmup_steps=0))
DROPS = StepOptions(attention_dropout=0.2, residual_dropout=0.2, embedding_dropout=0.2)


def batch(rows=4, length=12):
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 9, size=20)
    packed = pack([rng.integers(3, 64, size=n).astype(np.int32) for n in sizes], length)
    return Rows(*(jnp.array(array[:rows]) for array in packed))


def state():
    return init_state(jax.random.key(0), CONFIG, OPTIMIZER)


def step(options):
    return compile_train_step(CONFIG, OPTIMIZER, options)


def largest_difference(a, b):
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return max(float(jnp.max(jnp.abs(x - y))) for x, y in pairs)


def test_dropped_values_are_as_many_and_as_large_as_promised():
    kept = drop(jax.random.key(0), jnp.ones(100_000), 0.2)
    assert set(np.unique(kept)) == {np.float32(0), np.float32(1.25)}
    assert float(jnp.mean(kept == 0)) == pytest.approx(0.2, abs=0.005)
    assert float(jnp.mean(kept)) == pytest.approx(1, abs=0.01)
    assert drop(jax.random.key(0), kept, 0.0) is kept


@pytest.mark.parametrize("name", ["attention", "residual", "embedding"])
def test_each_dropout_drops_and_its_mean_is_the_plain_forward(name):
    params, tokens = decoder.init(jax.random.key(1), CONFIG), batch().tokens
    run = functools.partial(decoder.forward, params, CONFIG, tokens)
    attend = make_self_attention(dropout=0.05 if name == "attention" else 0.0)

    @jax.jit
    def dropped(key):
        return run(dropout=Dropout(key, **{name: 0.05}), self_attention=attend)[0]

    plain = run()[0]
    samples = jnp.stack([dropped(key) for key in jax.random.split(jax.random.key(2), 200)])
    assert float(jnp.max(jnp.std(samples, axis=0))) > 1e-4
    off = jnp.linalg.norm(jnp.mean(samples, axis=0) - plain) / jnp.linalg.norm(plain)
    one = jnp.linalg.norm(samples[0] - plain) / jnp.linalg.norm(plain)
    assert off < 0.2 * one


def test_the_explicit_attention_is_the_fused_one():
    keys = jax.random.split(jax.random.key(0), 3)
    query = jax.random.normal(keys[0], (2, 9, 4, 8))
    key, value = (jax.random.normal(k, (2, 9, 2, 8)) for k in keys[1:])
    mask = causal_mask(jnp.arange(9)[None], jnp.arange(9)[None])
    attend = make_self_attention(dropout=0.0)
    explicit = attend(query, key, value, mask, None, jax.random.key(0))
    np.testing.assert_allclose(explicit, attend(query, key, value, mask, None, None), atol=1e-6)


def test_dropout_is_a_function_of_seed_step_and_microbatch():
    """So a resumed run drops what the straight one drops."""
    compiled = step(dataclasses.replace(DROPS, accumulation=2))
    once, again = compiled(state(), batch()), compiled(state(), batch())
    assert largest_difference(once, again) == 0
    later = compiled(state()._replace(step=jnp.int32(1)), batch())
    assert later[1]["loss"] != once[1]["loss"]
    seeded = step(dataclasses.replace(DROPS, accumulation=2, seed=1))(state(), batch())
    assert seeded[1]["loss"] != once[1]["loss"]
    # Two equal microbatches drop differently: each alone would give twice the same loss.
    half = Rows(*(array[:2] for array in batch()))
    doubled = Rows(*(jnp.repeat(array, 2, axis=0) for array in half))
    alone = step(DROPS)(state(), half)[1]["loss"]
    assert compiled(state(), doubled)[1]["loss"] != pytest.approx(float(alone), abs=1e-7)


def test_evaluation_drops_nothing():
    params = state().params
    plain, dropping = (
        compile_eval_step(CONFIG, o)(params, batch()) for o in (StepOptions(), DROPS)
    )
    np.testing.assert_allclose(plain, dropping, rtol=1e-6)


@pytest.mark.parametrize("policy", REMAT[1:])
def test_remat_changes_no_update(policy):
    options = dataclasses.replace(DROPS, remat=policy)
    assert largest_difference(step(DROPS)(state(), batch()), step(options)(state(), batch())) < 1e-5


def test_bfloat16_computes_in_it_and_keeps_float32():
    after, metrics = step(StepOptions(compute_dtype="bfloat16"))(state(), batch())
    plain = step(StepOptions())(state(), batch())[1]
    assert {leaf.dtype for leaf in jax.tree.leaves(after.params)} == {jnp.dtype("float32")}
    moments = [leaf for leaf in jax.tree.leaves(after.opt_state) if leaf.ndim]
    assert {leaf.dtype for leaf in moments} == {jnp.dtype("float32")}
    assert metrics["loss"] == pytest.approx(float(plain["loss"]), rel=2e-3)
    assert metrics["loss"] != plain["loss"]
    assert metrics["gradient_norm"] == pytest.approx(float(plain["gradient_norm"]), rel=2e-2)
    text = step(StepOptions(compute_dtype="bfloat16")).lower(state(), batch()).as_text()
    products = [line for line in text.splitlines() if "dot_general" in line]
    assert products
    assert all("bf16" in line for line in products)


def test_the_compiled_step_never_holds_all_logits():
    """By the compiler's own account of memory: 8 x 128 x 32,000 logits would be 131 MB."""
    config = dataclasses.replace(CONFIG, vocab_size=32_000, context=128)
    rows = Rows(*[jax.ShapeDtypeStruct((8, 128), jnp.int32)] * 5)
    params = decoder.abstract_params(config)

    def temporaries(chunk):
        run = jax.grad(lambda p, b: summed_loss(p, b, config, StepOptions(chunk=chunk))[0])
        return jax.jit(run).lower(params, rows).compile().memory_analysis().temp_size_in_bytes

    all_logits = 4 * 8 * 128 * 32_000
    assert temporaries(128) > all_logits
    assert temporaries(8) < all_logits / 2


def test_norms_by_group():
    tree = {
        "embedding": jnp.array([3.0]),
        "layers": {
            "attention": {"query": jnp.array([1.0, 2.0]), "output": jnp.array([2.0])},
            "attention_norm": {"scale": jnp.array([5.0])},
            "feed_forward": {"up": jnp.array([6.0])},
        },
        "final_norm": {"scale": jnp.array([12.0])},
    }
    expected = {"embedding": 3, "attention": 3, "norms": 13, "feed_forward": 6}
    assert {k: float(v) for k, v in norms_by_group(tree).items()} == pytest.approx(expected)
    with pytest.raises(ValueError, match="no group"):
        group_of("layers.other.weight")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"remat": "some"}, "remat is 'some'; choose one of none, full"),
        ({"compute_dtype": "float16"}, "compute_dtype is 'float16'; choose one of float32"),
        ({"attention": "flash"}, "attention is 'flash'; choose one of xla, splash, cudnn"),
        ({"residual_dropout": 1.0}, "residual_dropout is 1.0; it must be at least 0 and below 1"),
        ({"chunk": 0}, "chunk is 0"),
        ({"accumulation": 0}, "accumulation is 0"),
        ({"z_loss": -1.0}, "z_loss is -1.0"),
        ({"attention": "splash", "attention_dropout": 0.1}, "use attention 'xla'"),
    ],
)
def test_options_that_cannot_be(options, says):
    with pytest.raises(InputError, match=says):
        StepOptions(**options)
