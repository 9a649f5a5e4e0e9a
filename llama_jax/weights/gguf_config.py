"""A GGUF file's metadata to LlamaConfig: what changes the computation is read or refused."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from llama_jax.config import LlamaConfig, RopeScaling
from llama_jax.errors import InputError

SIZES = {  # required
    "embedding_length": "dim",
    "block_count": "layers",
    "attention.head_count": "heads",
    "feed_forward_length": "ffn_size",
    "context_length": "context",
}
# Key -> the only value that our decoder computes.
FIXED = {
    "expert_count": 0,
    "expert_used_count": 0,
    "rope.scaling.type": "none",
    "rope.scale_linear": 1.0,
    "attention.causal": True,
    "attention.sliding_window": 0,
    "logit_scale": 1.0,
    "residual_scale": 1.0,
    "embedding_scale": 1.0,
    "attention.scale": 0.0,
}
# Llama 3.1's scaling stands in the file only as the factors that it gives, which these fit.
LOW, HIGH = 1.0, 4.0
ORIGINAL_CONTEXTS = (8192, *(2**power for power in range(4, 21)))


def read_config(
    fields: Mapping[str, Any], vocab_size: int, tied: bool, rope_factors: np.ndarray | None
) -> LlamaConfig:
    """The configuration of a file.

    Args:
        fields: the metadata, by their names.
        vocab_size: rows of the embedding, which is what counts.
        tied: the file has no output matrix.
        rope_factors: what `rope_freqs.weight` holds: divisors of the frequencies.

    Raises:
        InputError: another architecture, or a Llama that our decoder does not compute.
    """
    architecture = fields.get("general.architecture")
    if architecture != "llama":
        raise InputError(f"general.architecture is {architecture!r}; only 'llama' is read")
    fields = {k.removeprefix("llama."): v for k, v in fields.items() if k.startswith("llama.")}
    for key, value in FIXED.items():
        if fields.get(key, value) != value:
            raise InputError(f"llama.{key} is {fields[key]!r}; only {value!r} is computed here")
    sizes = {ours: _whole(fields, theirs) for theirs, ours in SIZES.items()}
    stated = _whole(fields, "vocab_size", vocab_size)
    if stated != vocab_size:
        raise InputError(
            f"llama.vocab_size is {stated}, but token_embd.weight has {vocab_size} rows"
        )
    config = LlamaConfig(
        vocab_size=vocab_size,
        **sizes,
        kv_heads=_whole(fields, "attention.head_count_kv", sizes["heads"]),
        norm_eps=_number(fields, "attention.layer_norm_rms_epsilon"),
        rope_theta=_number(fields, "rope.freq_base", 10000.0),
        tied_embeddings=tied,
    )
    for key in ("rope.dimension_count", "attention.key_length", "attention.value_length"):
        if _whole(fields, key, config.head_size) != config.head_size:
            raise InputError(
                f"llama.{key} is {fields[key]}; embedding_length / head_count = "
                f"{config.head_size} is the only head size of a Llama here"
            )
    if rope_factors is None:
        return config
    return LlamaConfig(**{**vars(config), "rope_scaling": _scaling(config, rope_factors)})


def scaling_factors(config: LlamaConfig, scaling: RopeScaling) -> np.ndarray:
    """Divisors of the frequencies, [H / 2], as llama.cpp's converter writes them."""
    pairs = np.arange(0, config.head_size, 2, dtype=np.float64)
    turns = scaling.original_context * config.rope_theta ** (-pairs / config.head_size)
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    kept = np.clip((turns / (2 * np.pi) - low) / (high - low), 0, 1)
    return 1 / ((1 - kept) / scaling.factor + kept)


def _scaling(config: LlamaConfig, found: np.ndarray) -> RopeScaling | None:
    """A scaling of Llama 3.1's kind that gives these factors; None where all of them are 1."""
    found = np.asarray(found, np.float64)
    if found.shape != (config.head_size // 2,):
        raise InputError(
            f"rope_freqs.weight is {list(found.shape)} and should be [{config.head_size // 2}]"
        )
    if np.array_equal(found, np.ones_like(found)):
        return None
    largest = found.max()
    if np.isfinite(largest) and largest > 1:
        for original in ORIGINAL_CONTEXTS:
            scaling = RopeScaling(decimal(largest), LOW, HIGH, original)
            if np.allclose(scaling_factors(config, scaling), found, rtol=1e-5, atol=0):
                return scaling
    raise InputError(
        f"rope_freqs.weight, from {found.min():g} to {largest:g}, is no scaling of Llama 3.1's "
        f"kind (low_freq_factor {LOW:g}, high_freq_factor {HIGH:g})"
    )


def decimal(value: float) -> float:
    """The shortest decimal that is this float32: 1e-05, where the file has 9.99999974e-06."""
    return float(str(np.float32(value)))


def _whole(fields: Mapping[str, Any], key: str, default: int | None = None) -> int:
    value = _given(fields, key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"llama.{key} is {value!r}, not one whole number")
    return value


def _number(fields: Mapping[str, Any], key: str, default: float | None = None) -> float:
    value = _given(fields, key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"llama.{key} is {value!r}, not a number")
    return decimal(value)


def _given(fields: Mapping[str, Any], key: str, default: Any) -> Any:
    value = fields.get(key, default)
    if value is None:
        raise InputError(f"llama.{key} is missing")
    return value
