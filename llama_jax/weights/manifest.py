"""What a saved model says of itself, in llama_jax_manifest.json beside it.

{"format": "llama_jax manifest", "version": 1, "config": {...}, "params_sha256": "...",
 "tensors": {"layers/attention/query": {"dtype": "float32", "shape": [...], "sha256": "..."}, ...},
 "self_test": {"ids": [...], "columns": [...], "logits": {"1": [[...]], "32": [[...]]}}}

Tensors are named and laid out as in our tree, whatever kind of file they are in; `logits` are those
of `self_test` by the number of layers that were run. So a file whose names and shapes are right but
whose heads are in the order of another RoPE layout is refused instead of being silently wrong.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from llama_jax.config_json import from_json, to_json
from llama_jax.errors import InputError
from llama_jax.weights.checks import float_dtype, listed
from llama_jax.weights.digest import digest_in_parts, digest_of_digests
from llama_jax.weights.self_test import columns, self_test_logits, token_ids
from llama_jax.weights.stored import layers_of, read_converted
from llama_jax.weights.types import StoredWeights, WholeParam

NAME = "llama_jax_manifest.json"
FORMAT, VERSION = "llama_jax manifest", 1
# Logits are computed in float64 on both sides; what is left is their rounding to float32.
TOLERANCE = 1e-5
# On load, a model up to this size runs all of its layers; a larger one the first.
CHEAP_BYTES = 256 * 2**20


def manifest_path(path: str | os.PathLike) -> Path:
    """Where the manifest of a model lies: in its directory, or beside its file."""
    path = Path(path)
    return path / NAME if path.is_dir() else path.with_name(f"{path.name}.{NAME}")


def write_manifest(directory: str | os.PathLike, stored: StoredWeights, dtype=None) -> Path:
    """Writes the manifest of the model at `directory`, and returns its path.

    Args:
        directory: of the saved model, or its file; of a checkpoint of ours, the step's.
        stored: what was saved. Where that is the source of a conversion and not what came out of
            it, `check_manifest` of the latter shows that the conversion is right.
        dtype: that of the saved tensors; None for that of `stored`.
    """
    config, kind = stored.config, None if dtype is None else float_dtype(dtype)
    digests = tensor_digests(stored, kind)
    tensors = {
        path: {
            "dtype": (kind or param.dtype).name,
            "shape": list(param.shape),
            "sha256": digests[path],
        }
        for path, param in stored.params.items()
    }
    logits = {
        str(layers): self_test_logits(stored, layers, kind).tolist()
        for layers in sorted({1, config.layers})
    }
    content = {
        "format": FORMAT,
        "version": VERSION,
        "config": to_json(config),
        "params_sha256": digest_of_digests(digests),
        "tensors": tensors,
        "self_test": {
            "ids": token_ids(config),
            "columns": columns(config),
            "logits": logits,
        },
    }
    target = manifest_path(directory)
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.write_text(json.dumps(content), encoding="utf-8")
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def check_manifest(
    directory: str | os.PathLike, stored: StoredWeights, *, thorough: bool = False
) -> bool:
    """Holds a model against its manifest; False where it has none.

    Args:
        directory: as in `write_manifest`.
        stored: what is loaded.
        thorough: run all layers, and compare the digest of every tensor.

    Raises:
        InputError: they differ; the line says in what.
    """
    path = manifest_path(directory)
    if not path.is_file():
        return False
    problems = differences(path, stored, thorough=thorough)
    if problems:
        raise InputError(
            f"{path}: the weights at {stored.where} are not those that were saved: "
            f"{'; '.join(problems)}; convert or copy them again"
        )
    return True


def differences(path: Path, stored: StoredWeights, *, thorough: bool) -> list[str]:
    """In what a model differs from the manifest at `path`, a line for each thing."""
    manifest = read_manifest(path)
    tensors = manifest["tensors"]
    problems = _differences_of_config(path, manifest, stored)
    lost = sorted(tensors.keys() - stored.params.keys())
    strange = sorted(stored.params.keys() - tensors.keys())
    problems += [f"{len(lost)} tensors were not loaded: {listed(lost)}"] if lost else []
    problems += [f"{len(strange)} are not in it: {listed(strange)}"] if strange else []
    for name in sorted(tensors.keys() & stored.params.keys()):
        param, saved = stored.params[name], tensors[name]
        found = f"{param.dtype.name} {list(param.shape)}"
        if found != (wanted := f"{saved['dtype']} {saved['shape']}"):
            problems.append(f"{name} is {found} and was {wanted}")
    if problems:
        return problems  # nothing that could be computed
    if thorough:
        digests = tensor_digests(stored)
        wrong = sorted(name for name in tensors if digests[name] != tensors[name]["sha256"])
        problems += [f"{len(wrong)} tensors hold other values: {listed(wrong)}"] if wrong else []
    return problems + _difference_of_logits(manifest["self_test"], stored, thorough)


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest at `path`; InputError where it is none, or a newer one."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise ValueError(f"format {manifest['format']!r}")
        newer = manifest["version"] > VERSION
        # What is used below is there.
        for saved in manifest["tensors"].values():
            saved["dtype"], saved["shape"], saved["sha256"]
        manifest["config"], manifest["self_test"]["ids"], manifest["self_test"]["columns"]
        dict(manifest["self_test"]["logits"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a manifest of llama_jax: {error!r}; remove it to load without"
        ) from error
    if newer:
        raise InputError(
            f"{path}: version {manifest['version']} of the manifest; this llama_jax reads up to "
            f"{VERSION}: update it"
        )
    return manifest


def tensor_digests(stored: StoredWeights, dtype=None) -> dict[str, str]:
    """Path -> `array_digest` of every parameter, read a layer at a time."""
    digests = {}
    for path, param in stored.params.items():
        kind = param.dtype if dtype is None else dtype
        parts = (read_converted(stored, path, kind, layer) for layer in layers_of(path, param))
        digests[path] = digest_in_parts(kind, param.shape, parts)
    return digests


def _differences_of_config(path: Path, manifest: dict, stored: StoredWeights) -> list[str]:
    saved, found = from_json(manifest["config"], f"{path}: config"), stored.config
    pairs = {name: (value, to_json(saved)[name]) for name, value in to_json(found).items()}
    return [f"{name} is {a} and was {b}" for name, (a, b) in pairs.items() if a != b]


def _difference_of_logits(saved: dict, stored: StoredWeights, thorough: bool) -> list[str]:
    size = sum(np.prod(p.shape) * p.dtype.itemsize for p in stored.params.values())
    whole = any(
        isinstance(param, WholeParam) and path.startswith("layers/")
        for path, param in stored.params.items()
    )
    if not thorough and size > CHEAP_BYTES:
        if whole:  # reading one layer reads them all, and each array is compared with its digest
            return []
        layers = 1
    else:
        layers = stored.config.layers
    asked = (token_ids(stored.config), columns(stored.config))
    if str(layers) not in saved["logits"] or (saved["ids"], saved["columns"]) != asked:
        return ["its self-test is not that of this version"]
    wanted = np.asarray(saved["logits"][str(layers)], np.float32)
    found = self_test_logits(stored, layers)
    largest = float(np.abs(wanted).max())
    apart = float(np.abs(found - wanted).max()) if found.shape == wanted.shape else np.inf
    if apart <= TOLERANCE * largest:
        return []
    return [
        f"its self-test logits are up to {apart:.3g} apart, the largest being {largest:.3g}: "
        "values, or the order of rows within heads (the RoPE layout), are others"
    ]
