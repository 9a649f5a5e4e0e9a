"""What a checkpoint says of itself: configuration, metrics, dtype and shape of every array.

{"format": "llama_jax", "version": 2, "step": 1000, "config": {...}, "extra": ...,
 "arrays": {"params/embedding": {"dtype": "float32", "shape": [512, 128]}, ...},
 "tokenizer": {"name": "tokenizer.model", "sha256": "..."} or null,
 "metrics": {"validation_loss": 1.7},
 "sha256": "..."}                 of all the rest, as JSON with sorted keys

The digests of the arrays are beside it (`checkpoint_digests`); version 1 had no metrics and one
"sha256" per array in here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from etils import epath

from llama_jax import checkpoint_digests as digests
from llama_jax.checkpoint_digests import Part, Parts
from llama_jax.checkpoint_files import BadStep
from llama_jax.config import LlamaConfig
from llama_jax.config_json import from_json, to_json
from llama_jax.errors import InputError
from llama_jax.model.decoder import abstract_params
from llama_jax.weights.checks import check_names, check_shapes, float_dtype, listed
from llama_jax.weights.tree import flatten

FORMAT, VERSION = "llama_jax", 2


@dataclass(frozen=True)
class ArrayRecord:
    """Dtype name, shape and digests of one saved array; a record to be saved has no digests yet."""

    dtype: str
    shape: tuple[int, ...]
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class FileRecord:
    """Name and SHA-256 of a file inside a checkpoint."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Metadata:
    """What a checkpoint says of itself.

    Attributes:
        step: training steps done; 0 for converted weights.
        config: of the model.
        arrays: "params/..." and "opt_state/..." -> what was saved.
        tokenizer: the tokenizer's file, or None.
        extra: what the caller wanted kept (state of the data, seed, ...), as JSON.
        directory: of the step.
        metrics: of the parameters, by name; "validation_loss" decides which step is the best.
    """

    step: int
    config: LlamaConfig
    arrays: dict[str, ArrayRecord]
    tokenizer: FileRecord | None
    extra: Any
    directory: epath.Path
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def tokenizer_path(self) -> epath.Path | None:
        """The tokenizer's file, or None when the checkpoint has none."""
        if self.tokenizer is None:
            return None
        return self.directory / "tokenizer" / self.tokenizer.name

    def arrays_of(self, item: str) -> dict[str, ArrayRecord]:
        """The arrays of "params" or "opt_state", by their path inside it."""
        start = f"{item}/"
        return {p.removeprefix(start): r for p, r in self.arrays.items() if p.startswith(start)}


def encode_metadata(metadata: Metadata) -> dict[str, Any]:
    """The JSON form, with a digest of itself; InputError when `extra` is not JSON."""
    try:
        survives = json.loads(json.dumps(metadata.extra)) == metadata.extra
    except TypeError:
        survives = False
    if not survives:
        raise InputError(f"checkpoint: extra does not survive JSON: {metadata.extra!r}")
    tokenizer = metadata.tokenizer
    content = {
        "format": FORMAT,
        "version": VERSION,
        "step": metadata.step,
        "config": to_json(metadata.config),
        "arrays": {
            path: {"dtype": record.dtype, "shape": list(record.shape)}
            for path, record in metadata.arrays.items()
        },
        "tokenizer": tokenizer and {"name": tokenizer.name, "sha256": tokenizer.sha256},
        "extra": metadata.extra,
        "metrics": metadata.metrics,
    }
    return {**content, "sha256": _digest(content)}


def decode_metadata(encoded: Any, directory: epath.Path) -> Metadata:
    """The metadata of the step in `directory`.

    How the digest is made is the same in every version, so that damage and novelty differ.

    Raises:
        InputError: a newer version of the format.
        BadStep: damaged, or not of this format.
    """
    if not isinstance(encoded, dict) or encoded.get("format") != FORMAT:
        raise BadStep(f"metadata is not in the format {FORMAT!r}")
    content = {name: value for name, value in encoded.items() if name != "sha256"}
    if encoded.get("sha256") != _digest(content):
        raise BadStep("metadata does not match its digest")
    if content["version"] > VERSION:
        raise InputError(
            f"{directory}: written in version {content['version']} of the checkpoint format; this "
            f"llama_jax reads up to version {VERSION}: update it"
        )
    if str(content["step"]) != directory.name:
        raise BadStep(f"metadata is that of step {content['step']}")
    tokenizer = content["tokenizer"]
    return Metadata(
        step=content["step"],
        config=from_json(content["config"], f"{directory}: config"),
        arrays={path: _array_record(record) for path, record in content["arrays"].items()},
        tokenizer=tokenizer and FileRecord(**tokenizer),
        extra=content["extra"],
        directory=directory,
        metrics=content.get("metrics", {}),
    )


def with_digests(metadata: Metadata, parts: Parts) -> Metadata:
    """The metadata with the digests of its arrays; BadStep when they are of other arrays."""
    if parts.keys() != metadata.arrays.keys():
        raise BadStep("digests are of other arrays than the metadata")
    arrays = {path: replace(r, parts=parts[path]) for path, r in metadata.arrays.items()}
    return replace(metadata, arrays=arrays)


def record(trees: Mapping[str, Any]) -> dict[str, ArrayRecord]:
    """Item -> tree of arrays, as "item/path" -> what the metadata keeps of each array."""
    return {
        f"{item}/{path}": ArrayRecord(leaf.dtype.name, tuple(leaf.shape))
        for item, tree in trees.items()
        for path, leaf in flatten(tree).items()
    }


def check_params(where: str, config: LlamaConfig, found: Mapping[str, Any]) -> None:
    """Raises InputError unless path -> (something with a dtype and a shape) is `config`'s tree."""
    expected = flatten(abstract_params(config))
    if any(path.startswith("layers/0/") for path in found):
        raise InputError(
            f"{where}: parameters in the decode layout are not saved; give them stacked, as "
            "Model.stacked_params() does"
        )
    check_names(where, expected, found)
    shapes = {path: leaf.shape for path, leaf in expected.items()}
    check_shapes(where, shapes, {path: leaf.shape for path, leaf in found.items()})
    for leaf in found.values():
        float_dtype(leaf.dtype)


def check_config(metadata: Metadata, config: LlamaConfig) -> None:
    """Raises InputError that lists the fields in which the checkpoint's configuration differs."""
    names = [field.name for field in fields(LlamaConfig)]
    pairs = {name: (getattr(metadata.config, name), getattr(config, name)) for name in names}
    differences = [f"{name} is {a} and {b} was asked" for name, (a, b) in pairs.items() if a != b]
    if differences:
        raise InputError(f"{metadata.directory}: of another model: {listed(differences)}")


def check_tree(metadata: Metadata, item: str, tree: Any) -> None:
    """Raises InputError unless the abstract `tree` has the names, shapes and dtypes of an item."""
    where = f"{metadata.directory}: {item}"
    stored, wanted = metadata.arrays_of(item), flatten(tree)
    if wanted and not stored:
        raise InputError(f"{where}: the checkpoint has none; it was saved without")
    check_names(where, wanted, stored)
    check_shapes(
        where,
        {path: leaf.shape for path, leaf in wanted.items()},
        {path: record.shape for path, record in stored.items()},
    )
    wrong = [
        f"{path} is {stored[path].dtype} and {leaf.dtype} was asked"
        for path, leaf in wanted.items()
        if stored[path].dtype != leaf.dtype.name
    ]
    if wrong:
        raise InputError(f"{where}: {listed(wrong)}; dtypes are never changed silently")


def damaged_arrays(metadata: Metadata, item: str, arrays: Mapping[str, Any]) -> list[str]:
    """Which of path -> array are not what was saved, bit for bit, with those that are missing."""
    saved = metadata.arrays_of(item)
    good = {
        path
        for path, array in arrays.items()
        if path in saved
        and (array.dtype.name, array.shape) == (saved[path].dtype, saved[path].shape)
        and digests.matches(array, saved[path].parts)
    }
    return sorted(f"{item}/{path}" for path in (arrays.keys() | saved.keys()) - good)


def _array_record(encoded: Mapping[str, Any]) -> ArrayRecord:
    shape = tuple(encoded["shape"])
    parts = digests.whole(shape, encoded["sha256"]) if "sha256" in encoded else ()
    return ArrayRecord(encoded["dtype"], shape, parts)


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
