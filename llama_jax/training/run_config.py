"""What makes two runs the same run: compared before a run goes on from a checkpoint."""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llama_jax import config_json
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.training.optimizer import OptimizerConfig
from llama_jax.training.options import PLAIN, StepOptions

FILE = "train_config.json"
# What of the options changes results beyond rounding; the others may change from one part of a run
# to the next, as the machine may.
DECIDING = (
    "compute_dtype",
    "attention_dropout",
    "residual_dropout",
    "embedding_dropout",
)
logger = logging.getLogger(__name__)


def identity(
    config: LlamaConfig,
    optimizer_config: OptimizerConfig,
    data: Mapping[str, Any],
    *,
    batch_size: int,
    seed: int,
    options: StepOptions,
    tokenizer_bytes: bytes | None,
) -> dict[str, Any]:
    """Everything that decides what the parameters are after n steps, as JSON values.

    `data` is the source's own identity. Of the options, those that are as usual are left out, so
    that a new option makes no old run another one.
    """
    unusual = {
        name: getattr(options, name)
        for name in DECIDING
        if getattr(options, name) != getattr(PLAIN, name)
    }
    if options.drops:
        # What is dropped is drawn anew for each microbatch.
        unusual |= {"seed": options.seed, "accumulation": options.accumulation}
    tokenizer = None if tokenizer_bytes is None else hashlib.sha256(tokenizer_bytes).hexdigest()
    return {
        "model": config_json.to_json(config),
        "optimizer": dataclasses.asdict(optimizer_config),
        "data": dict(data),
        "batch_size": batch_size,
        "seed": seed,
        "z_loss": options.z_loss,
        **({"options": unusual} if unusual else {}),
        "tokenizer_file_sha256": tokenizer,
    }


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """One text per value that differs, with its path and both values."""
    old, new = _flat(there), _flat(here)
    names = [*new, *(name for name in old if name not in new)]
    return [
        f"{name} is {old.get(name, 'absent')!r} there and {new.get(name, 'absent')!r} here"
        for name in names
        if name not in old or name not in new or old[name] != new[name]
    ]


def check_same(
    out_dir: Path, here: Mapping[str, Any], has_checkpoint: bool, override: bool = False
) -> list[str]:
    """Refuses to go on in `out_dir` with other settings than it was begun with.

    Returns:
        The differences, which there are only with `override`; a warning tells them.

    Raises:
        InputError: the settings differ, or there is a checkpoint without settings beside it.
    """
    path = out_dir / FILE
    if not path.exists():
        if has_checkpoint:
            raise InputError(
                f"{out_dir}: has a checkpoint but no {FILE}, so nobody can tell whether this is "
                "the same run; choose another folder, or put the file back"
            )
        return []
    found = differences(json.loads(path.read_text(encoding="utf-8"))["identity"], here)
    if found and not override:
        raise InputError(
            f"{out_dir}: holds another run: {'; '.join(found)}; give the same settings to go on "
            "with it, choose another folder, or override"
        )
    if found:
        logger.warning("%s: goes on with other settings: %s", out_dir, "; ".join(found))
    return found


def write(out_dir: Path, here: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Writes OUT/train_config.json: what `check_same` compares, and options that may change."""
    path = out_dir / FILE
    partial = path.with_suffix(".partial")
    content = {"schema": 1, "identity": here, "options": options}
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in tree.items():
        inner = _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else None
        flat.update({f"{prefix}{name}": value} if inner is None else inner)
    return flat
