"""Digests of saved arrays, part by part, since a process sees only what its own devices hold.

Every process writes one file, CHECKPOINT/digests/PROCESS-of-COUNT.json:

    {"arrays": {"params/embedding": [{"index": [[0, 512], [0, 64]], "sha256": "..."}], ...},
     "sha256": "..."}                                 of "arrays", as JSON with sorted keys

An index is a range per dimension; the parts of all files together cover each array once. So what
any mesh saved can be verified on any other, by whoever holds the whole array.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from math import prod
from typing import Any, NamedTuple

import jax
import numpy as np

from llama_jax.checkpoint_files import BadStep
from llama_jax.weights.digest import array_digest

Index = tuple[tuple[int, int], ...]


class Part(NamedTuple):
    """A block of an array, and the SHA-256 of its content (see `array_digest`)."""

    index: Index
    sha256: str


Parts = dict[str, tuple[Part, ...]]


def host_parts(arrays: Mapping[str, Any]) -> dict[str, list[tuple[Index, np.ndarray]]]:
    """Path -> the blocks that this process answers for, on the host.

    Of a block that several devices hold, one answers; a NumPy array is the first process's.
    """
    for leaf in arrays.values():
        if isinstance(leaf, jax.Array):
            for shard in _own_shards(leaf):
                shard.data.copy_to_host_async()
    return {path: _blocks(leaf) for path, leaf in arrays.items()}


def encode(blocks: Mapping[str, Iterable[tuple[Index, np.ndarray]]]) -> bytes:
    """The content of this process's file; the digests are computed here."""
    content = {
        path: [{"index": index, "sha256": array_digest(block)} for index, block in found]
        for path, found in blocks.items()
    }
    return json.dumps({"arrays": content, "sha256": _digest(content)}).encode()


def file_name(process: int, count: int) -> str:
    """The name of a process's file."""
    return f"{process}-of-{count}.json"


def decode(files: Mapping[str, bytes]) -> Parts:
    """File name -> content, of all processes, as path -> parts; other files are Orbax's.

    Raises:
        BadStep: a file is damaged, or one is missing.
    """
    merged: dict[str, list[Part]] = {}
    files = {name: content for name, content in files.items() if "-of-" in name}
    counts = {name.partition("-of-")[2] for name in files}
    count = next(iter(counts), "").removesuffix(".json")
    if len(counts) != 1 or not count.isdecimal() or len(files) != int(count):
        raise BadStep(f"digests are incomplete: {', '.join(sorted(files)) or 'none'}")
    for name, content in files.items():
        try:
            found = json.loads(content)
            good = found["sha256"] == _digest(found["arrays"])
        except (ValueError, TypeError, LookupError):
            good = False
        if not good:
            raise BadStep(f"digests/{name} does not match its digest")
        for path, parts in found["arrays"].items():
            merged.setdefault(path, []).extend(
                Part(tuple(map(tuple, part["index"])), part["sha256"]) for part in parts
            )
    return {path: tuple(parts) for path, parts in merged.items()}


def whole(shape: tuple[int, ...], sha256: str) -> tuple[Part, ...]:
    """An array in one part."""
    return (Part(tuple((0, size) for size in shape), sha256),)


def matches(array: np.ndarray, parts: Iterable[Part]) -> bool:
    """Whether the parts cover the array and each has its digest."""
    parts = tuple(parts)
    covered = sum(prod(stop - start for start, stop in part.index) for part in parts)
    return covered == array.size and all(
        array_digest(array[tuple(slice(*r) for r in part.index)]) == part.sha256 for part in parts
    )


def _own_shards(leaf: jax.Array) -> list:
    return [shard for shard in leaf.addressable_shards if shard.replica_id == 0]


def _blocks(leaf: Any) -> list[tuple[Index, np.ndarray]]:
    if not isinstance(leaf, jax.Array):
        own = jax.process_index() == 0
        return [(tuple((0, size) for size in leaf.shape), leaf)] if own else []
    return [
        (
            tuple(s.indices(size)[:2] for s, size in zip(shard.index, leaf.shape, strict=True)),
            np.asarray(shard.data),
        )
        for shard in _own_shards(leaf)
    ]


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
