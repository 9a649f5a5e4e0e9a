"""Digests of saved arrays, part by part, since a process sees only what its own devices hold.

Every process writes one file, CHECKPOINT/digests/PROCESS-of-COUNT.json:

    {"arrays": {"params/embedding": [{"index": [[0, 512], [0, 64]], "sha256": "..."}], ...},
     "sha256": "..."}                                 of "arrays", as JSON with sorted keys

An index is a range per dimension; the parts of all files together cover each array once. So what
any mesh saved can be verified on any other, by whoever holds the whole array. No part of a stacked
array spans layers, so that a layer can be verified alone; in older steps they do.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Any, NamedTuple

import jax
import numpy as np

from llama_jax.checkpoint_arrays import is_stacked
from llama_jax.checkpoint_files import BadStep
from llama_jax.weights.digest import array_digest
from llama_jax.weights.types import StoredParam

Index = tuple[tuple[int, int], ...]


class Part(NamedTuple):
    """A block of an array, and the SHA-256 of its content (see `array_digest`)."""

    index: Index
    sha256: str


Parts = dict[str, tuple[Part, ...]]


def host_parts(arrays: Mapping[str, Any]) -> dict[str, Iterable[tuple[Index, np.ndarray]]]:
    """Path -> the blocks that this process answers for, on the host; to be gone through once.

    Of a block that several devices hold, one answers; an array of the host, or one that is still in
    another file, is the first process's.
    """
    for leaf in arrays.values():
        if isinstance(leaf, jax.Array):
            for shard in _own_shards(leaf):
                shard.data.copy_to_host_async()
    return {
        path: _by_layer(_blocks(leaf, is_stacked(path)), is_stacked(path))
        for path, leaf in arrays.items()
    }


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


def of_layer(parts: Iterable[Part], layer: int) -> tuple[Part, ...]:
    """The parts of one layer of a stacked array, as parts of [1, ...]."""
    return tuple(
        Part(((0, 1), *part.index[1:]), part.sha256)
        for part in parts
        if part.index[0] == (layer, layer + 1)
    )


def _own_shards(leaf: jax.Array) -> list:
    return [shard for shard in leaf.addressable_shards if shard.replica_id == 0]


def _blocks(leaf: Any, stacked: bool) -> Iterable[tuple[Index, np.ndarray]]:
    if isinstance(leaf, jax.Array):
        return [
            (
                tuple(s.indices(size)[:2] for s, size in zip(shard.index, leaf.shape, strict=True)),
                np.asarray(shard.data),
            )
            for shard in _own_shards(leaf)
        ]
    if jax.process_index() != 0:
        return []
    everything = tuple((0, size) for size in leaf.shape)
    if not isinstance(leaf, StoredParam):
        return [(everything, leaf)]
    if not stacked:
        return ((everything, leaf.read(None)) for _ in range(1))
    return (
        (((layer, layer + 1), *everything[1:]), leaf.read(layer)[None])
        for layer in range(leaf.shape[0])
    )


def _by_layer(blocks, stacked: bool) -> Iterator[tuple[Index, np.ndarray]]:
    for index, block in blocks:
        if not stacked or not index:
            yield index, block
            continue
        for row, layer in enumerate(range(*index[0])):
            yield ((layer, layer + 1), *index[1:]), block[row : row + 1]


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
