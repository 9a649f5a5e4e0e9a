"""What weights are, without reading a value; and whether they are whole, with all of them read."""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from llama_jax.checkpoint_files import BadStep
from llama_jax.config_json import to_json
from llama_jax.errors import InputError
from llama_jax.weights.checks import listed
from llama_jax.weights.digest import digest_in_parts, digest_of_digests
from llama_jax.weights.kinds import recognise
from llama_jax.weights.manifest import differences, manifest_path
from llama_jax.weights.stored import layers_of, open_weights, read_converted
from llama_jax.weights.types import StoredWeights

CHUNK = 2**22


def describe(stored: StoredWeights) -> dict[str, Any]:
    """Configuration, and name, shape, dtype, numbers and bytes of every tensor, as JSON holds it.

    Bytes are those of the values in their dtype, whatever they take in the file.
    """
    tensors = [
        {
            "name": path,
            "shape": list(param.shape),
            "dtype": param.dtype.name,
            "parameters": math.prod(param.shape),
            "bytes": math.prod(param.shape) * param.dtype.itemsize,
        }
        for path, param in stored.params.items()
    ]
    return {
        "path": stored.where,
        "kind": stored.kind,
        "config": to_json(stored.config),
        "tensors": tensors,
        "parameters": sum(tensor["parameters"] for tensor in tensors),
        "bytes": sum(tensor["bytes"] for tensor in tensors),
        "tokenizer": None if stored.tokenizer is None else stored.tokenizer.name,
        "manifest": manifest_path(stored.where).is_file(),
    }


def verify(path: str | Path) -> dict[str, Any]:
    """Digests of files and parameters, and everything that is wrong, as JSON holds it.

    Every file and every value is read. `problems` is empty where all is well; `notes` are no faults
    but worth knowing.

    Raises:
        InputError: there are no weights at `path`, so that there is nothing to verify.
    """
    kind = recognise(path)
    found: dict[str, Any] = {"path": str(path), "kind": kind, "files": {}, "params_sha256": None}
    try:
        stored = open_weights(path)
    except InputError as error:
        return found | {"files": _files(Path(path), kind), "problems": [str(error)], "notes": []}
    where = Path(stored.where)
    digests, problems = _tensors(stored)
    notes = [] if stored.tokenizer else ["no tokenizer that is read here came with the weights"]
    manifest = manifest_path(where)
    if not manifest.is_file():
        notes.append("no manifest: what the values should be is not known")
    elif not problems:
        try:
            told = differences(manifest, stored, thorough=True)
        except InputError as error:
            told = [str(error)]
        problems += [f"{manifest.name}: {problem}" for problem in told]
    return found | {
        "path": stored.where,
        "files": _files(where, kind),
        "params_sha256": None if None in digests.values() else digest_of_digests(digests),
        "tensors": digests,
        "problems": problems,
        "notes": notes,
    }


def _tensors(stored: StoredWeights) -> tuple[dict[str, str | None], list[str]]:
    """Digest of each parameter, None where it cannot be read; and what is wrong with them."""
    digests: dict[str, str | None] = {}
    problems: list[str] = []
    infinite: list[str] = []
    for path, param in stored.params.items():
        layers = layers_of(path, param)
        finite = True

        def parts(path=path, param=param, layers=layers):
            nonlocal finite
            for layer in layers:
                part = read_converted(stored, path, param.dtype, layer)
                finite = finite and bool(np.isfinite(part).all())
                yield part

        try:
            digests[path] = digest_in_parts(param.dtype, param.shape, parts())
        except (InputError, BadStep) as error:
            digests[path] = None
            problems.append(str(error))
        if not finite:
            infinite.append(path)
    if infinite:
        problems.append(f"{len(infinite)} tensors hold NaN or infinity: {listed(infinite)}")
    return digests, problems


def _files(where: Path, kind: str) -> dict[str, dict[str, Any]]:
    """Name -> bytes and SHA-256 of the files of a model, those of our checkpoints in all depths."""
    if where.is_file():
        paths = [where]
    else:
        paths = where.rglob("*") if kind == "llama_jax" else where.iterdir()
    root = where.parent if where.is_file() else where
    return {
        str(path.relative_to(root)): {"bytes": path.stat().st_size, "sha256": _sha256(path)}
        for path in sorted(paths)
        if path.is_file()
    }


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
