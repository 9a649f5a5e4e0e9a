"""Hugging Face's config.json to LlamaConfig: what changes the computation is read or refused.

Keys that the Llama model of transformers does not use in its forward pass (token ids, dropout,
initializer range, cache switches, ...) are passed over. Defaults are those of transformers'
LlamaConfig, and only for keys that old files really lack; sizes must be given.
"""

import json
from pathlib import Path
from typing import Any

from llama_jax.config import LlamaConfig, RopeScaling
from llama_jax.errors import InputError

SIZES = {  # required
    "vocab_size": "vocab_size",
    "hidden_size": "dim",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "intermediate_size": "ffn_size",
}
DEFAULT_CONTEXT, DEFAULT_EPS, DEFAULT_THETA = 2048, 1e-6, 10000.0
# Key -> the only value that our decoder computes, which is also the default.
FIXED = {"hidden_act": "silu", "attention_bias": False, "mlp_bias": False}
# Keys of which any value but null means weights or code of another kind.
REFUSED = ("quantization_config", "auto_map")
SCALING_KEYS = {
    "factor": "factor",
    "low_freq_factor": "low_freq_factor",
    "high_freq_factor": "high_freq_factor",
    "original_max_position_embeddings": "original_context",
}


def read_config(path: Path) -> LlamaConfig:
    """The configuration that a config.json describes.

    Raises:
        InputError: not JSON, not a Llama, or a Llama that our decoder does not compute.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InputError(f"{path}: not a JSON object")
    try:
        return from_fields({key: value for key, value in fields.items() if value is not None})
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def from_fields(fields: dict[str, Any]) -> LlamaConfig:
    """The configuration of config.json's keys, those that are null left out."""
    _check_model(fields)
    sizes = {ours: _whole(fields, theirs) for theirs, ours in SIZES.items()}
    theta, scaling = _rope(fields)
    config = LlamaConfig(
        **sizes,
        kv_heads=_whole(fields, "num_key_value_heads", sizes["heads"]),
        context=_whole(fields, "max_position_embeddings", DEFAULT_CONTEXT),
        norm_eps=_number(fields, "rms_norm_eps", DEFAULT_EPS),
        rope_theta=theta,
        rope_scaling=scaling,
        tied_embeddings=_switch(fields, "tie_word_embeddings", False),
    )
    head_dim = _whole(fields, "head_dim", config.head_size)
    if head_dim != config.head_size:
        raise InputError(
            f"head_dim {head_dim} is not hidden_size / num_attention_heads = {config.head_size}, "
            "the only head size of a Llama here"
        )
    return config


def to_fields(config: LlamaConfig) -> dict[str, Any]:
    """The keys of config.json that `from_fields` reads, in the form of transformers 4 and 5."""
    scaling = config.rope_scaling
    rope = None
    if scaling is not None:
        rope = {key: getattr(scaling, ours) for key, ours in SCALING_KEYS.items()}
        rope |= {"rope_type": "llama3"}
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **FIXED,
        **{theirs: getattr(config, ours) for theirs, ours in SIZES.items()},
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_size,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "rope_scaling": rope,
        "tie_word_embeddings": config.tied_embeddings,
    }


def _check_model(fields: dict[str, Any]) -> None:
    if fields.get("model_type") != "llama":
        raise InputError(f"model_type is {fields.get('model_type')!r}; only 'llama' is read")
    architectures = fields.get("architectures", ["LlamaForCausalLM"])
    if architectures not in (["LlamaForCausalLM"], ["LLaMAForCausalLM"]):  # the first conversions
        raise InputError(f"architectures is {architectures}; only LlamaForCausalLM is read")
    for key, value in FIXED.items():
        if fields.get(key, value) != value:
            raise InputError(f"{key} is {fields[key]!r}; only {value!r} is computed here")
    for key in REFUSED:
        if key in fields:
            raise InputError(f"{key} {fields[key]} is not supported; use the plain weights")
    if fields.get("partial_rotary_factor", 1) != 1:
        raise InputError(
            f"partial_rotary_factor is {fields['partial_rotary_factor']}; only 1 is computed here"
        )


def _rope(fields: dict[str, Any]) -> tuple[float, RopeScaling | None]:
    """Base and scaling, from rope_theta and rope_scaling, or transformers 5's rope_parameters."""
    thetas, scalings = [], []
    if "rope_theta" in fields:
        thetas.append(_number(fields, "rope_theta"))
    for key in ("rope_scaling", "rope_parameters"):
        if key in fields:
            theta, scaling = _rope_dict(key, fields[key])
            thetas += [] if theta is None else [theta]
            scalings.append(scaling)
    for what, values in (("bases", thetas), ("scalings", scalings)):
        if len(set(values)) > 1:
            raise InputError(
                f"rope_theta, rope_scaling and rope_parameters give two {what}: "
                f"{values[0]} and {values[-1]}"
            )
    return (thetas or [DEFAULT_THETA])[0], (scalings or [None])[0]


def _rope_dict(key: str, rope: Any) -> tuple[float | None, RopeScaling | None]:
    if not isinstance(rope, dict):
        raise InputError(f"{key} is {rope!r}, not an object")
    rope = {name: value for name, value in rope.items() if value is not None}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "llama3"):
        raise InputError(f"{key}: rope_type {kind!r} is not supported; default and llama3 are")
    if rope.get("partial_rotary_factor", 1) != 1:
        raise InputError(f"{key}: partial_rotary_factor {rope['partial_rotary_factor']} is not 1")
    used = {"rope_type", "type", "rope_theta", "partial_rotary_factor"}
    used |= SCALING_KEYS.keys() if kind == "llama3" else set()
    unknown = sorted(rope.keys() - used)
    if unknown:
        raise InputError(f"{key} of rope_type {kind!r}: {', '.join(unknown)} is not supported")
    theta = _number(rope, "rope_theta") if "rope_theta" in rope else None
    if kind == "default":
        return theta, None
    values = {ours: _number(rope, theirs) for theirs, ours in SCALING_KEYS.items()}
    values["original_context"] = _whole(rope, "original_max_position_embeddings")
    return theta, RopeScaling(**values)


def _whole(fields: dict[str, Any], key: str, default: int | None = None) -> int:
    value = _given(fields, key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{key} is {value!r}, not a whole number")
    return value


def _number(fields: dict[str, Any], key: str, default: float | None = None) -> float:
    value = _given(fields, key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{key} is {value!r}, not a number")
    return float(value)


def _switch(fields: dict[str, Any], key: str, default: bool) -> bool:
    value = _given(fields, key, default)
    if not isinstance(value, bool):
        raise InputError(f"{key} is {value!r}, not true or false")
    return value


def _given(fields: dict[str, Any], key: str, default: Any) -> Any:
    value = fields.get(key, default)
    if value is None:
        raise InputError(f"{key} is missing")
    return value
