import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llama_jax.config import PRESETS, LlamaConfig, RopeScaling, feed_forward_size, preset
from llama_jax.errors import InputError
from llama_jax.model import decoder

# Counted from the tensors' shapes in the released checkpoints (34B: in Code Llama 34B's).
PARAMETERS = {
    "llama1-7b": 6_738_415_616,
    "llama1-13b": 13_015_864_320,
    "llama1-33b": 32_528_943_616,
    "llama1-65b": 65_285_660_672,
    "llama2-7b": 6_738_415_616,
    "llama2-13b": 13_015_864_320,
    "llama2-34b": 33_743_970_304,
    "llama2-70b": 68_976_648_192,
    "code-llama-7b": 6_738_546_688,
    "code-llama-13b": 13_016_028_160,
    "code-llama-34b": 33_743_970_304,
    "llama3-8b": 8_030_261_248,
    "llama3-70b": 70_553_706_496,
    "llama3.1-8b": 8_030_261_248,
    "llama3.1-70b": 70_553_706_496,
    "llama3.2-1b": 1_235_814_400,
    "llama3.2-3b": 3_212_749_824,
    "tiny": 869_504,
}

SMALL = LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5, 100.0, RopeScaling(8.0, 1.0, 4.0, 32))


@pytest.mark.parametrize("name", PRESETS)
def test_parameter_counts(name):
    tree = decoder.abstract_params(preset(name))
    assert sum(int(np.prod(a.shape)) for a in jax.tree.leaves(tree)) == PARAMETERS[name]


def test_every_preset_has_its_source_and_34b_is_marked_inferred():
    assert set(PRESETS) == set(PARAMETERS)
    assert all(p.source for p in PRESETS.values())
    assert [name for name, p in PRESETS.items() if p.inferred] == ["llama2-34b"]


@pytest.mark.parametrize(
    "name, multiple_of, multiplier",
    [
        *((f"llama1-{size}b", 256, None) for size in (7, 13, 33, 65)),
        *((f"llama2-{size}b", 256, None) for size in (7, 13)),
        ("llama2-34b", 256, 1.0),
        ("llama2-70b", 4096, 1.3),
        ("llama3-8b", 1024, 1.3),
        ("llama3-70b", 4096, 1.3),
    ],
)
def test_feed_forward_sizes_follow_the_reference_rounding(name, multiple_of, multiplier):
    config = preset(name)
    assert feed_forward_size(config.dim, multiple_of, multiplier) == config.ffn_size


CHANGES = {
    "vocab_size": 65,
    "dim": 64,
    "layers": 3,
    "heads": 2,
    "kv_heads": 4,
    "ffn_size": 56,
    "norm_eps": 1e-3,
    "rope_theta": 500.0,
    "rope_scaling": None,
    "rope_scaling.factor": 4.0,
    "rope_scaling.low_freq_factor": 2.0,
    "rope_scaling.high_freq_factor": 3.0,
    "rope_scaling.original_context": 64,
    "tied_embeddings": True,
}


def test_changes_cover_every_field():
    """`context` changes what input is accepted: see tests/test_api.py."""
    fields = {f.name for f in dataclasses.fields(LlamaConfig)}
    scaling = {f"rope_scaling.{f.name}" for f in dataclasses.fields(RopeScaling)}
    assert fields | scaling == set(CHANGES) | {"context"}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_changes_the_parameters_or_the_logits(field):
    name, _, inner = field.partition(".")
    value = CHANGES[field]
    if inner:
        value = dataclasses.replace(SMALL.rope_scaling, **{inner: value})
    changed = dataclasses.replace(SMALL, **{name: value})
    if decoder.abstract_params(changed) != decoder.abstract_params(SMALL):
        return
    params = decoder.init(jax.random.key(0), SMALL)
    apply, tokens = jax.jit(decoder.apply, static_argnums=1), jnp.arange(20)[None]
    difference = apply(params, changed, tokens) - apply(params, SMALL, tokens)
    assert jnp.max(jnp.abs(difference)) > 1e-6


@pytest.mark.parametrize(
    "change, message",
    [
        ({"heads": 3}, "dim 32 over 3 heads must give an even head size"),
        ({"kv_heads": 3}, "heads 4 must be a multiple of kv_heads 3"),
        ({"layers": 0}, "layers is 0; it must be at least 1"),
        ({"norm_eps": float("nan")}, "norm_eps is nan; it must be positive and finite"),
    ],
)
def test_impossible_configurations_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(SMALL, **change)


def test_unknown_preset_lists_those_that_exist():
    with pytest.raises(InputError, match="no preset 'llama2-8b'; there are: llama1-7b, .*tiny"):
        preset("llama2-8b")
