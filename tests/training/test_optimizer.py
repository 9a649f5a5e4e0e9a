import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.model import decoder
from llama_jax.training.optimizer import (
    LLAMA2_7B,
    LLAMA2_70B,
    OptimizerConfig,
    decay_mask,
    learning_rate,
    make_optimizer,
)

SMALL = OptimizerConfig(peak_learning_rate=0.1, steps=20, warmup_steps=2)


def test_the_defaults_are_the_papers():
    assert OptimizerConfig() == LLAMA2_7B
    assert (LLAMA2_7B.b1, LLAMA2_7B.b2, LLAMA2_7B.eps) == (0.9, 0.95, 1e-5)
    assert (LLAMA2_7B.weight_decay, LLAMA2_7B.clip_norm) == (0.1, 1.0)
    assert (LLAMA2_7B.peak_learning_rate, LLAMA2_70B.peak_learning_rate) == (3e-4, 1.5e-4)
    assert LLAMA2_7B.warmup_steps == 2000
    assert LLAMA2_7B.steps == int(2.0e12 / (4 * 2**20))


def test_the_schedule_at_its_corners():
    rate = learning_rate(LLAMA2_7B)
    assert rate(0) == 0
    assert rate(1000) == pytest.approx(1.5e-4, rel=1e-6)
    assert rate(2000) == pytest.approx(3e-4, rel=1e-6)
    middle = (2000 + 476_837) // 2
    assert rate(middle) == pytest.approx(3e-4 * 0.55, rel=1e-4)
    assert rate(476_837) == pytest.approx(3e-5, rel=1e-5)
    assert rate(10**7) == pytest.approx(3e-5, rel=1e-5)


def reference_rate(config, step):
    if step < config.warmup_steps:
        return config.peak_learning_rate * step / config.warmup_steps
    part = min((step - config.warmup_steps) / (config.steps - config.warmup_steps), 1.0)
    cosine = (1 + math.cos(math.pi * part)) / 2
    low = config.final_fraction
    return config.peak_learning_rate * (low + (1 - low) * cosine)


@pytest.mark.parametrize("warmup_steps", [0, 1, 7])
def test_the_schedule_at_every_step(warmup_steps):
    config = OptimizerConfig(peak_learning_rate=0.2, steps=30, warmup_steps=warmup_steps)
    rates = learning_rate(config)(jnp.arange(40))
    expected = [reference_rate(config, step) for step in range(40)]
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-9)


def test_decay_spares_the_gains_only():
    params = decoder.abstract_params(LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5))
    spared = [
        jax.tree_util.keystr(path, simple=True, separator=".")
        for path, decayed in jax.tree_util.tree_leaves_with_path(decay_mask(params))
        if not decayed
    ]
    assert spared == [
        "final_norm.scale",
        "layers.attention_norm.scale",
        "layers.feed_forward_norm.scale",
    ]


def reference_steps(params, gradients, config):
    """AdamW with clipping in float64; decay on 'w' and not on 'scale'."""
    params = {k: np.asarray(v, np.float64) for k, v in params.items()}
    m = {k: np.zeros_like(v) for k, v in params.items()}
    v = {k: np.zeros_like(p) for k, p in params.items()}
    for step, gradient in enumerate(gradients):
        norm = math.sqrt(sum((np.asarray(g, np.float64) ** 2).sum() for g in gradient.values()))
        rate = reference_rate(config, step)
        for k in params:
            g = np.asarray(gradient[k], np.float64) * min(1.0, config.clip_norm / norm)
            m[k] = config.b1 * m[k] + (1 - config.b1) * g
            v[k] = config.b2 * v[k] + (1 - config.b2) * g**2
            corrected_m = m[k] / (1 - config.b1 ** (step + 1))
            corrected_v = v[k] / (1 - config.b2 ** (step + 1))
            decay = config.weight_decay if k == "w" else 0.0
            update = corrected_m / (np.sqrt(corrected_v) + config.eps) + decay * params[k]
            params[k] = params[k] - rate * update
    return params


def run(params, gradients, config):
    optimizer = make_optimizer(config)
    state = optimizer.init(params)
    for gradient in gradients:
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    return params


def test_the_first_update_by_hand():
    """Without warm-up, Adam's first step is g / (|g| + eps) whatever b1 and b2 are."""
    config = OptimizerConfig(peak_learning_rate=0.1, steps=10, warmup_steps=0)
    params = {"w": jnp.array([2.0, -1.0]), "scale": jnp.array([1.0])}
    gradient = {"w": jnp.array([3.0, 0.0]), "scale": jnp.array([-4.0])}  # norm 5, clipped to 1
    updated = run(params, [gradient], config)
    first = 2.0 - 0.1 * (0.6 / (0.6 + 1e-5) + 0.1 * 2.0)
    np.testing.assert_allclose(updated["w"], [first, -1.0 + 0.1 * 0.1 * 1.0], rtol=1e-6)
    np.testing.assert_allclose(updated["scale"], [1.0 + 0.1 * 0.8 / (0.8 + 1e-5)], rtol=1e-6)


@pytest.mark.parametrize("size", [0.01, 1.0, 100.0])  # never, sometimes and always clipped
def test_several_steps_against_float64(size):
    rng = np.random.default_rng(1)
    params = {
        "w": rng.normal(size=(3, 4)).astype(np.float32),
        "scale": np.ones((2, 5), np.float32),  # a stacked gain: a matrix, still not decayed
    }
    gradients = [
        {k: (size * rng.normal(size=v.shape) / 5).astype(np.float32) for k, v in params.items()}
        for _ in range(6)
    ]
    updated = run({k: jnp.array(v) for k, v in params.items()}, gradients, SMALL)
    expected = reference_steps(params, gradients, SMALL)
    for k in params:
        np.testing.assert_allclose(updated[k], expected[k], rtol=2e-5, atol=2e-6)


def test_every_field_matters():
    """A field that nothing reads would be a wrong recipe under a right name."""
    rng = np.random.default_rng(2)
    params = {"w": jnp.array(rng.normal(size=(3, 3)), jnp.float32), "scale": jnp.ones(3)}
    gradients = [
        {"w": jnp.array(rng.normal(size=(3, 3)), jnp.float32), "scale": jnp.full(3, 0.1)}
        for _ in range(9)
    ]
    base_config = OptimizerConfig(peak_learning_rate=0.1, steps=8, warmup_steps=2)
    names = [field.name for field in dataclasses.fields(OptimizerConfig)]
    other = dict(zip(names, (0.2, 9, 3, 0.2, 0.8, 0.9, 1e-3, 0.2, 0.5), strict=True))
    base = run(params, gradients, base_config)["w"]
    for name, value in other.items():
        changed = run(params, gradients, dataclasses.replace(base_config, **{name: value}))["w"]
        assert np.abs(changed - base).max() > 1e-6, name


def test_the_first_moment_of_bfloat16_parameters_is_float32():
    state = make_optimizer(SMALL).init({"w": jnp.ones(3, jnp.bfloat16)})
    assert optax.tree.get(state, "mu")["w"].dtype == jnp.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"warmup_steps": 20}, "warmup_steps 20 must be at least 0 and below steps 20"),
        ({"peak_learning_rate": 0.0}, "peak_learning_rate is 0.0; it must be above 0"),
        ({"peak_learning_rate": math.nan}, "peak_learning_rate is nan"),
        ({"b2": 1.5}, r"b2 is 1.5; it must be in 0 .. 1"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1; it must not be negative"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(SMALL, **change)
