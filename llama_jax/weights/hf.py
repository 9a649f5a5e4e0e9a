"""Hugging Face directories: config.json and safetensors, in one file or in shards with an index."""

import dataclasses
import functools
import json
import re
from pathlib import Path

import numpy as np

from llama_jax.errors import InputError
from llama_jax.model.decoder import abstract_params
from llama_jax.weights.checks import check_names, check_shapes, listed
from llama_jax.weights.hf_config import read_config
from llama_jax.weights.layout import from_stored, stored_shape
from llama_jax.weights.safetensors_file import StoredTensor, read_header
from llama_jax.weights.tree import flatten
from llama_jax.weights.types import StoredParam, StoredWeights

ONE_FILE, INDEX = "model.safetensors", "model.safetensors.index.json"
OUTPUT, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
NAMES = {
    "embedding": EMBEDDING,
    "layers/attention_norm/scale": "model.layers.{layer}.input_layernorm.weight",
    "layers/attention/query": "model.layers.{layer}.self_attn.q_proj.weight",
    "layers/attention/key": "model.layers.{layer}.self_attn.k_proj.weight",
    "layers/attention/value": "model.layers.{layer}.self_attn.v_proj.weight",
    "layers/attention/output": "model.layers.{layer}.self_attn.o_proj.weight",
    "layers/feed_forward_norm/scale": "model.layers.{layer}.post_attention_layernorm.weight",
    "layers/feed_forward/gate": "model.layers.{layer}.mlp.gate_proj.weight",
    "layers/feed_forward/up": "model.layers.{layer}.mlp.up_proj.weight",
    "layers/feed_forward/down": "model.layers.{layer}.mlp.down_proj.weight",
    "final_norm/scale": "model.norm.weight",
    "output": OUTPUT,
}
# RoPE frequencies that older transformers saved with each layer; they follow from the config.
BUFFER = re.compile(r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq")


def open(directory: Path) -> StoredWeights:
    """Describes a Hugging Face directory; values are read later, from memory maps.

    Args:
        directory: holds config.json and model.safetensors, or an index and its shards.

    Raises:
        InputError: anything missing, unknown, of a wrong shape, damaged or unsupported.
    """
    config = read_config(directory / "config.json")
    stored = _stored_tensors(directory)
    abstract = flatten(abstract_params(config))
    places = _places(abstract)
    repeated = stored.pop(OUTPUT, None) if config.tied_embeddings and EMBEDDING in stored else None
    check_names(str(directory), [name for _, name in places], stored)
    layer_shapes = {path: _layer_shape(path, leaf.shape) for path, leaf in abstract.items()}
    shapes = {name: stored_shape(path, layer_shapes[path]) for path, name in places}
    check_shapes(str(directory), shapes, {name: t.shape for name, t in stored.items()})
    tensors: dict[str, list[StoredTensor]] = {path: [] for path in abstract}
    for path, name in places:
        tensors[path].append(stored[name])
    params = {
        path: StoredParam(
            leaf.shape,
            functools.reduce(np.promote_types, [tensor.dtype for tensor in tensors[path]]),
            functools.partial(_read, path, tensors[path], layer_shapes[path]),
        )
        for path, leaf in abstract.items()
    }
    if repeated is not None:
        params["embedding"] = _compared(directory, params["embedding"], repeated)
    names = (directory / name for name in ("tokenizer.model", "tokenizer.json"))
    tokenizer = next((file for file in names if file.is_file()), None)
    return StoredWeights(config, params, "hf", str(directory), tokenizer)


def _read(
    path: str, tensors: list[StoredTensor], shape: tuple[int, ...], layer: int | None
) -> np.ndarray:
    return from_stored(path, tensors[layer or 0].open(), shape)


def _places(abstract: dict) -> list[tuple[str, str]]:
    """Path of our parameter, their name, for every layer in order."""
    return [
        (path, NAMES[path].format(layer=layer))
        for path, leaf in abstract.items()
        for layer in (range(leaf.shape[0]) if path.startswith("layers/") else [None])
    ]


def _layer_shape(path: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[1:] if path.startswith("layers/") else shape


def _stored_tensors(directory: Path) -> dict[str, StoredTensor]:
    one, index = directory / ONE_FILE, directory / INDEX
    if one.exists() and index.exists():
        raise InputError(f"{directory}: has both {ONE_FILE} and {INDEX}; remove the one not meant")
    if index.exists():
        return _from_shards(index)
    if one.exists():
        return read_header(one, BUFFER.fullmatch)
    found = sorted(path.name for path in directory.glob("*.safetensors"))
    raise InputError(f"{directory}: neither {ONE_FILE} nor {INDEX}; found {listed(found)}")


def _from_shards(index: Path) -> dict[str, StoredTensor]:
    weight_map = _weight_map(index)
    shards = sorted(set(weight_map.values()))
    absent = [shard for shard in shards if not (index.parent / shard).is_file()]
    if absent:
        raise InputError(
            f"{index}: {len(absent)} of {len(shards)} shards missing: {listed(absent)}"
        )
    stored: dict[str, StoredTensor] = {}
    for shard in shards:
        tensors = read_header(index.parent / shard, BUFFER.fullmatch)
        twice = sorted(tensors.keys() & stored.keys())
        if twice:
            raise InputError(
                f"{index}: {twice[0]} is in two shards, {stored[twice[0]].file.name} and {shard}"
            )
        stored |= tensors
    for name, shard in weight_map.items():
        if name not in stored or stored[name].file.name != shard:
            raise InputError(f"{index}: names {name} in {shard}, which does not have it")
    return stored


def _weight_map(index: Path) -> dict[str, str]:
    """Tensor -> shard, without the buffers that are ignored."""
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{index}: not JSON with a weight_map: {error!r}") from error
    if not isinstance(weight_map, dict) or not weight_map:
        raise InputError(f"{index}: weight_map is empty or not an object")
    for name, shard in weight_map.items():
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise InputError(f"{index}: {name} is in {shard!r}, which is not a file name")
    return {name: shard for name, shard in weight_map.items() if not BUFFER.fullmatch(name)}


def _compared(directory: Path, embedding: StoredParam, output: StoredTensor) -> StoredParam:
    """A tied model may carry its output matrix once more, if it is the embedding bit for bit.

    Found out when the embedding is read, since describing a model reads no values.
    """

    def read(layer: int | None) -> np.ndarray:
        ours, theirs = embedding.read(layer), output.open()
        same = (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape) and all(
            a.tobytes() == b.tobytes() for a, b in zip(theirs, ours, strict=True)
        )
        if not same:
            raise InputError(
                f"{directory}: config.json ties the embeddings, but {OUTPUT} differs from "
                f"{EMBEDDING}"
            )
        return ours

    return dataclasses.replace(embedding, read=read)
