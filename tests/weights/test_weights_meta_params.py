"""params.json: the published ones give the published configurations, and ours give ours back."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_jax.config import PRESETS, LlamaConfig, feed_forward_size
from llama_jax.weights.meta_params import config_from, fields_from

LLAMA3 = {"n_kv_heads": 8, "vocab_size": 128256, "norm_eps": 1e-5, "rope_theta": 500000.0}
PUBLISHED = {  # as distributed with the weights
    "llama1-7b": {"dim": 4096, "multiple_of": 256, "n_heads": 32, "n_layers": 32, "norm_eps": 1e-6,
                  "vocab_size": -1},
    "llama1-65b": {"dim": 8192, "multiple_of": 256, "n_heads": 64, "n_layers": 80,
                   "norm_eps": 1e-5, "vocab_size": -1},
    "llama2-7b": {"dim": 4096, "multiple_of": 256, "n_heads": 32, "n_layers": 32, "norm_eps": 1e-5,
                  "vocab_size": -1},
    "llama2-70b": {"dim": 8192, "multiple_of": 4096, "ffn_dim_multiplier": 1.3, "n_heads": 64,
                   "n_kv_heads": 8, "n_layers": 80, "norm_eps": 1e-5, "vocab_size": -1},
    "code-llama-7b": {"dim": 4096, "n_layers": 32, "n_heads": 32, "multiple_of": 256,
                      "ffn_dim_multiplier": 1.0, "norm_eps": 1e-5, "rope_theta": 1000000},
    "llama3-8b": {"dim": 4096, "n_layers": 32, "n_heads": 32, "multiple_of": 1024,
                  "ffn_dim_multiplier": 1.3, **LLAMA3},
    "llama3.1-8b": {"dim": 4096, "n_layers": 32, "n_heads": 32, "multiple_of": 1024,
                    "ffn_dim_multiplier": 1.3, "use_scaled_rope": True, **LLAMA3},
    "llama3.2-1b": {"dim": 2048, "n_layers": 16, "n_heads": 32, "multiple_of": 256,
                    "ffn_dim_multiplier": 1.5, "use_scaled_rope": True, **LLAMA3},
    "llama3.2-3b": {"dim": 3072, "n_layers": 28, "n_heads": 24, "multiple_of": 256,
                    "ffn_dim_multiplier": 1.0, "use_scaled_rope": True, **LLAMA3},
}  # fmt: skip


def read(config, fields, ours):
    """The configuration, the tensors' sizes taken from `config`."""
    sizes = config.ffn_size, config.vocab_size, config.tied_embeddings
    return config_from("params.json", fields, ours, *sizes)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_params_give_the_release(name, caplog):
    config = PRESETS[name].config
    assert read(config, PUBLISHED[name], {}) == config
    assert not caplog.records  # a release's context is known, not guessed


@pytest.mark.parametrize(
    ("fields", "context"),
    [
        ({}, 4096),
        ({"norm_eps": 1e-6}, 2048),
        ({"rope_theta": 1e6}, 16384),
        ({"rope_theta": 5e5}, 8192),
        ({"rope_theta": 5e5, "use_scaled_rope": True}, 131072),
        ({"max_seq_len": 99}, 99),
    ],
)
def test_context_of_a_model_that_is_no_release(fields, context):
    fields = {"dim": 16, "n_layers": 1, "n_heads": 2, **fields}
    config = LlamaConfig(48, 16, 1, 2, 2, 24, 1, 1e-5)
    assert read(config, fields, {}).context == context


@pytest.mark.parametrize("name", PRESETS)
def test_presets_come_back(name):
    config = PRESETS[name].config
    fields, ours = fields_from(config)
    assert read(config, fields, ours) == config


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 9999))
def test_any_feed_forward_size_is_said(ffn_size, quarter, context):
    config = LlamaConfig(48, 4 * quarter, 1, 2, 1, ffn_size, context, 1e-5)
    fields, ours = fields_from(config)
    size = feed_forward_size(config.dim, fields["multiple_of"], fields.get("ffn_dim_multiplier"))
    assert size == ffn_size
    assert read(config, fields, ours) == config
    assert dataclasses.replace(read(config, fields, {"context": 5}), context=context) == config
