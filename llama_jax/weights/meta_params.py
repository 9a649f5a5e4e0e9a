"""Meta's params.json, together with the tensors' sizes, to LlamaConfig and back.

What the computation needs and params.json does not say is decided here:

- context: `llama_jax.json` beside it, where we wrote the directory; else max_seq_len, where
  given; else that of the release with the same sizes, epsilon and base; else what its family was
  trained with, which a warning says: use_scaled_rope 131072 (Llama 3.1), rope_theta 500000 8192
  (Llama 3), 1000000 16384 (Code Llama), norm_eps 1e-6 2048 (Llama 1), anything else 4096 (Llama 2).
- RoPE scaling under use_scaled_rope: that of `llama_jax.json`; else of the same release; else
  Llama 3.1's (factor 8, as in the reference code).
- vocab_size -1 or absent (Llama 1 and 2 took it from the tokenizer): the rows of the output matrix.
- whether embeddings are tied: they are where both matrices are the same bit for bit (Llama 3.2).
"""

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

from llama_jax.config import (
    PRESETS,
    SCALING_31,
    LlamaConfig,
    RopeScaling,
    feed_forward_size,
)
from llama_jax.errors import InputError

PARAMS, OURS = "params.json", "llama_jax.json"
NORM_EPS, ROPE_THETA = 1e-5, 10000.0  # of the reference code's ModelArgs
KNOWN = {
    *("dim", "n_layers", "n_heads", "n_kv_heads", "vocab_size", "norm_eps"),
    *("multiple_of", "ffn_dim_multiplier", "rope_theta", "use_scaled_rope"),
    *("max_batch_size", "max_seq_len"),
}
COMMON = (  # (multiple_of, ffn_dim_multiplier) of the releases
    *((256, None), (1024, 1.3), (4096, 1.3), (256, 1.5), (256, 1.0)),
)
logger = logging.getLogger(__name__)


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: missing; it comes with the consolidated files") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InputError(f"{path}: not a JSON object")
    return {key: value for key, value in fields.items() if value is not None}


def config_from(
    where: str, fields: dict[str, Any], ours: dict[str, Any], ffn_size: int, vocab_size: int,
    tied: bool,
) -> LlamaConfig:  # fmt: skip
    """The configuration of a directory.

    Args:
        where: params.json, for messages.
        fields: its keys, those that are null left out.
        ours: the keys of `llama_jax.json`, empty without one.
        ffn_size: of the tensors.
        vocab_size: of the tensors.
        tied: whether output and embedding are equal.

    Raises:
        InputError: a key is missing, unknown, of a wrong type, or disagrees with the tensors.
    """
    unknown = sorted(fields.keys() - KNOWN)
    if unknown:
        raise InputError(f"{where}: {', '.join(unknown)} is of no Llama that is computed here")
    heads = whole(where, fields, "n_heads")
    scaled = fields.get("use_scaled_rope", False)
    if not isinstance(scaled, bool):
        raise InputError(f"{where}: use_scaled_rope is {scaled!r}, not true or false")
    _check_sizes(where, fields, ffn_size, vocab_size)
    try:
        config = LlamaConfig(
            vocab_size, whole(where, fields, "dim"), whole(where, fields, "n_layers"), heads,
            whole(where, fields, "n_kv_heads", heads), ffn_size, 1,
            _number(where, fields, "norm_eps", NORM_EPS),
            _number(where, fields, "rope_theta", ROPE_THETA), SCALING_31 if scaled else None, tied,
        )  # fmt: skip
        return _with_what_is_not_said(where, config, fields, ours)
    except InputError as error:
        message = str(error)
        raise InputError(message if message.startswith(where) else f"{where}: {error}") from error


def _check_sizes(where: str, fields: dict[str, Any], ffn_size: int, vocab_size: int) -> None:
    said = whole(where, fields, "vocab_size", -1)
    if said not in (-1, vocab_size):
        raise InputError(
            f"{where}: vocab_size is {said} and the tensors are for {vocab_size}; the two are not "
            "of one model"
        )
    if "multiple_of" not in fields:
        return
    multiple = whole(where, fields, "multiple_of")
    multiplier = fields.get("ffn_dim_multiplier")
    if multiplier is not None:
        multiplier = _number(where, fields, "ffn_dim_multiplier")
    if multiple < 1:
        raise InputError(f"{where}: multiple_of is {multiple}; it must be at least 1")
    size = feed_forward_size(whole(where, fields, "dim"), multiple, multiplier)
    if size != ffn_size:
        raise InputError(
            f"{where}: dim, multiple_of and ffn_dim_multiplier make a feed-forward layer of {size} "
            f"and the tensors have {ffn_size}; the two are not of one model"
        )


def _with_what_is_not_said(
    where: str, config: LlamaConfig, fields: dict[str, Any], ours: dict[str, Any]
) -> LlamaConfig:
    release = _release(config)
    scaling = config.rope_scaling
    if release is not None:
        scaling = release.rope_scaling
    if "rope_scaling" in ours:
        if scaling is None:
            raise InputError(f"{where}: no use_scaled_rope, but {OURS} beside it has rope_scaling")
        scaling = _our_scaling(where, ours["rope_scaling"])
    if "context" in ours:
        context = whole(where, ours, "context")
    elif "max_seq_len" in fields:
        context = whole(where, fields, "max_seq_len")
    elif release is not None:
        context = release.context
    else:
        context = _family_context(config)
        logger.warning(
            "%s: does not say the context; taken as %d tokens from rope_theta, norm_eps and "
            'use_scaled_rope (write {"context": N} to %s beside it to say another)',
            where, context, OURS,
        )  # fmt: skip
    return dataclasses.replace(config, context=context, rope_scaling=scaling)


def _release(config: LlamaConfig) -> LlamaConfig | None:
    """The released model with these sizes, this base, and scaling or none."""
    for found in PRESETS.values():
        same = dataclasses.replace(config, context=found.config.context)
        if config.rope_scaling is not None and found.config.rope_scaling is not None:
            same = dataclasses.replace(same, rope_scaling=found.config.rope_scaling)
        if same == found.config:
            return found.config
    return None


def _family_context(config: LlamaConfig) -> int:
    if config.rope_scaling is not None:
        return 131072
    by_theta = {500000.0: 8192, 1000000.0: 16384}
    return by_theta.get(config.rope_theta, 2048 if config.norm_eps == 1e-6 else 4096)


def _our_scaling(where: str, fields: Any) -> RopeScaling:
    try:
        return RopeScaling(**fields)
    except TypeError as error:
        raise InputError(f"{where}: rope_scaling of {OURS} beside it: {error}") from error


def fields_from(config: LlamaConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """What params.json and `llama_jax.json` say of a configuration.

    The reference code makes its ModelArgs of every key of params.json, so ours have a file of their
    own: the context, which the reference code takes from the caller, and the scaling.
    """
    multiple, multiplier = _multiple(config.dim, config.ffn_size)
    fields: dict[str, Any] = {
        "dim": config.dim,
        "n_layers": config.layers,
        "n_heads": config.heads,
        "vocab_size": config.vocab_size,
        "multiple_of": multiple,
        "norm_eps": config.norm_eps,
    }
    if config.kv_heads != config.heads:
        fields["n_kv_heads"] = config.kv_heads
    if multiplier is not None:
        fields["ffn_dim_multiplier"] = multiplier
    if config.rope_theta != ROPE_THETA:
        fields["rope_theta"] = config.rope_theta
    ours: dict[str, Any] = {"context": config.context}
    if config.rope_scaling is not None:
        fields["use_scaled_rope"] = True
        ours["rope_scaling"] = dataclasses.asdict(config.rope_scaling)
    return fields, ours


def _multiple(dim: int, ffn_size: int) -> tuple[int, float | None]:
    """multiple_of and ffn_dim_multiplier that make `ffn_size`: a release's, or the size itself."""
    for multiple, multiplier in COMMON:
        if feed_forward_size(dim, multiple, multiplier) == ffn_size:
            return multiple, multiplier
    plain = feed_forward_size(dim, 1)
    return ffn_size, None if plain <= ffn_size else (ffn_size + 0.5) / plain


def whole(where: str, fields: dict[str, Any], key: str, default: int | None = None) -> int:
    """A key's whole number."""
    value = fields.get(key, default)
    if value is None:
        raise InputError(f"{where}: {key} is missing")
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{where}: {key} is {value!r}, not a whole number")
    return value


def _number(where: str, fields: dict[str, Any], key: str, default: float | None = None) -> float:
    value = fields.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where}: {key} is {value!r}, not a number")
    return float(value)
