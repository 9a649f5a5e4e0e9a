"""config.json to LlamaConfig: read or refused."""

import dataclasses
import json

import pytest
from reference.weight_files import hf_config

from llama_jax.config import SCALING_31, LlamaConfig, RopeScaling
from llama_jax.errors import InputError
from llama_jax.weights.hf_config import read_config

CONFIG = LlamaConfig(48, 16, 3, 4, 2, 24, 64, 1e-5, 5e5, tied_embeddings=True)
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def read(tmp_path, **changes):
    """The configuration of CONFIG's config.json with these keys changed, or removed by None."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(hf_config(CONFIG, **changes)))
    return read_config(path)


def refusal(tmp_path, **changes):
    with pytest.raises(InputError) as error:
        read(tmp_path, **changes)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'config.json'}: ") and "\n" not in message
    return message


def test_every_field_is_read(tmp_path):
    assert read(tmp_path) == CONFIG


def test_defaults_are_those_of_transformers(tmp_path):
    absent = (
        "num_key_value_heads",
        "max_position_embeddings",
        "rms_norm_eps",
        "rope_theta",
        "tie_word_embeddings",
        "architectures",
    )
    assert read(tmp_path, **dict.fromkeys(absent)) == LlamaConfig(48, 16, 3, 4, 4, 24, 2048, 1e-6)


def test_null_is_absent(tmp_path):
    path = tmp_path / "config.json"
    fields = {**hf_config(CONFIG), "num_key_value_heads": None, "rope_scaling": None}
    path.write_text(json.dumps({**fields, "head_dim": None, "quantization_config": None}))
    assert read_config(path) == dataclasses.replace(CONFIG, kv_heads=4)


def test_keys_that_change_nothing_are_passed_over(tmp_path):
    harmless = {
        "bos_token_id": 1,
        "eos_token_id": [2, 3],
        "torch_dtype": "float16",
        "use_cache": True,
        "pretraining_tp": 1,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "transformers_version": "4.31.0",
        "head_dim": 4,
        "attention_bias": False,
        "mlp_bias": False,
        "hidden_act": "silu",
    }
    assert read(tmp_path, **harmless) == CONFIG


@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
@pytest.mark.parametrize("name", ["rope_type", "type"])
def test_rope_scaling_of_llama_3_1(tmp_path, key, name):
    rope = {name: LLAMA3["rope_type"], **{k: v for k, v in LLAMA3.items() if k != "rope_type"}}
    assert read(tmp_path, **{key: rope}).rope_scaling == SCALING_31
    assert read(tmp_path, **{key: {name: "default"}}).rope_scaling is None


def test_rope_parameters_of_transformers_5(tmp_path):
    plain = {"rope_theta": 1e6, "rope_type": "default"}
    config = read(tmp_path, rope_theta=None, rope_parameters=plain)
    assert (config.rope_theta, config.rope_scaling) == (1e6, None)
    config = read(tmp_path, rope_theta=None, rope_parameters={"rope_theta": 7e5, **LLAMA3})
    assert (config.rope_theta, config.rope_scaling) == (7e5, RopeScaling(8.0, 1.0, 4.0, 8192))
    both = read(tmp_path, rope_theta=1e6, rope_parameters=plain)
    assert both.rope_theta == 1e6


def test_two_rotary_bases_or_scalings_are_refused(tmp_path):
    plain = {"rope_theta": 1e6, "rope_type": "default"}
    assert "two bases: 500000.0 and 1000000.0" in refusal(tmp_path, rope_parameters=plain)
    message = refusal(tmp_path, rope_scaling=LLAMA3, rope_parameters={"rope_type": "default"})
    assert "two scalings" in message


@pytest.mark.parametrize("kind", ["linear", "dynamic", "yarn", "longrope"])
@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
def test_other_scalings_are_refused_by_name(tmp_path, key, kind):
    message = refusal(tmp_path, **{key: {"type": kind, "factor": 2.0}})
    assert f"{key}: rope_type '{kind}' is not supported; default and llama3 are" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "mistral"}, "model_type is 'mistral'; only 'llama' is read"),
        ({"model_type": None}, "model_type is None"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "only LlamaForCausalLM is read"),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'; only 'silu'"),
        ({"attention_bias": True}, "attention_bias is True; only False"),
        ({"mlp_bias": True}, "mlp_bias is True; only False"),
        ({"head_dim": 8}, "head_dim 8 is not hidden_size / num_attention_heads = 4"),
        ({"quantization_config": {"quant_method": "gptq"}}, "'gptq'} is not supported"),
        ({"auto_map": {"AutoModel": "x.Y"}}, "auto_map"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor is 0.5; only 1"),
        ({"rope_parameters": {"partial_rotary_factor": 0.5}}, "partial_rotary_factor 0.5 is not 1"),
        ({"rope_scaling": {"type": "default", "attention_factor": 2}}, "attention_factor is not"),
        ({"rope_scaling": {**LLAMA3, "beta_fast": 2}}, "beta_fast is not supported"),
        ({"rope_scaling": {**LLAMA3, "factor": None}}, "factor is missing"),
        ({"rope_scaling": 2.0}, "rope_scaling is 2.0, not an object"),
        ({"rope_scaling": {**LLAMA3, "low_freq_factor": 9.0}}, "low_freq_factor 9.0 must be"),
        ({"hidden_size": None}, "hidden_size is missing"),
        ({"intermediate_size": "24"}, "intermediate_size is '24', not a whole number"),
        ({"num_hidden_layers": True}, "num_hidden_layers is True, not a whole number"),
        ({"rms_norm_eps": "1e-5"}, "rms_norm_eps is '1e-5', not a number"),
        ({"rms_norm_eps": -1.0}, "norm_eps is -1.0; it must be positive"),
        ({"tie_word_embeddings": 1}, "tie_word_embeddings is 1, not true or false"),
        ({"num_attention_heads": 3}, "dim 16 over 3 heads"),
    ],
)
def test_refusals(tmp_path, changes, message):
    assert message in refusal(tmp_path, **changes)


@pytest.mark.parametrize(("text", "message"), [("{", "not JSON"), ("[]", "not a JSON object")])
def test_refuses_what_is_not_json(tmp_path, text, message):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_config(path)
