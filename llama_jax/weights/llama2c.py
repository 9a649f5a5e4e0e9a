"""llama2.c's .bin files, version 0: seven int32, then float32 arrays (karpathy/llama2.c, run.c).

Little-endian, matrices as [outputs, inputs], each array for all layers before the next begins, RoPE
on neighbouring pairs. A negative vocab_size says that an output matrix stands at the end. The
tables of cosines and sines before it are skipped. norm_eps and rope_theta are constants of run.c.
"""

import math
import struct
from pathlib import Path

import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.model.decoder import abstract_params
from llama_jax.weights.layout import from_stored, interleaved_to_split_half, stored_shape
from llama_jax.weights.tree import flatten
from llama_jax.weights.types import StoredParam, StoredWeights

HEADER = struct.Struct("<7i")
LATER_VERSIONS = 0x616B3432  # "ak42", which begins version 1 and up; the version follows
NORM_EPS, ROPE_THETA = 1e-5, 10000.0
ORDER = (  # of version 0, before the tables
    "embedding",
    "layers/attention_norm/scale",
    "layers/attention/query",
    "layers/attention/key",
    "layers/attention/value",
    "layers/attention/output",
    "layers/feed_forward_norm/scale",
    "layers/feed_forward/gate",
    "layers/feed_forward/down",
    "layers/feed_forward/up",
    "final_norm/scale",
)


def open(path: Path) -> StoredWeights:
    """Describes a llama2.c file; values are read later, from a memory map.

    Raises:
        InputError: another version, or a length that the header does not account for.
    """
    config = read_header(path)
    abstract = flatten(abstract_params(config))
    params, offset = {}, HEADER.size
    for name in ORDER:
        params[name] = _param(path, offset, name, abstract[name].shape, config)
        offset += 4 * math.prod(abstract[name].shape)
    if not config.tied_embeddings:
        offset += 4 * _table_floats(config)
        params["output"] = _param(path, offset, "output", abstract["output"].shape, config)
    return StoredWeights(config, params, "llama2c", str(path))


def read_header(path: Path) -> LlamaConfig:
    """The configuration of a file whose length its header accounts for, to the byte."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(HEADER.size)
    if len(start) >= 8 and int.from_bytes(start[:4], "little") == LATER_VERSIONS:
        version = int.from_bytes(start[4:8], "little", signed=True)
        raise InputError(
            f"{path}: llama2.c version {version}; only version 0 is read (llama2.c's export.py "
            "writes it with --version 0)"
        )
    if len(start) < HEADER.size:
        raise InputError(f"{path}: {size} bytes, less than a llama2.c header of {HEADER.size}")
    dim, ffn_size, layers, heads, kv_heads, vocab_size, context = HEADER.unpack(start)
    tied = vocab_size > 0
    try:
        config = LlamaConfig(
            abs(vocab_size), dim, layers, heads, kv_heads, ffn_size, context, NORM_EPS, ROPE_THETA,
            tied_embeddings=tied,
        )  # fmt: skip
    except InputError as error:
        raise InputError(f"{path}: not a llama2.c version 0 file: {error}") from error
    _check_length(path, config, size)
    return config


def _check_length(path: Path, config: LlamaConfig, size: int) -> None:
    floats = sum(math.prod(leaf.shape) for leaf in flatten(abstract_params(config)).values())
    expected = HEADER.size + 4 * (floats + _table_floats(config))
    if size == expected:
        return
    output = 4 * config.vocab_size * config.dim
    other = expected + (output if config.tied_embeddings else -output)
    signs = ("a positive vocab_size (output tied to the embedding)", "a negative vocab_size")
    says, would = signs if config.tied_embeddings else signs[::-1]
    hint = f", as with {would}" if size == other else ""
    what = "cut short" if size < expected else "too long"
    raise InputError(
        f"{path}: not a llama2.c version 0 file, or {what}: its header, with {says}, accounts for "
        f"{expected} bytes and the file has {size}{hint}"
    )


def _table_floats(config: LlamaConfig) -> int:
    """Cosines and sines, [context, H / 2] each."""
    return config.context * config.head_size


def _param(
    path: Path, offset: int, name: str, shape: tuple[int, ...], config: LlamaConfig
) -> StoredParam:
    """The parameter whose layers lie one behind the other from `offset`."""
    layer_shape = shape[1:] if name.startswith("layers/") else shape
    heads = {"query": config.heads, "key": config.kv_heads}.get(name.split("/")[-1])

    def read(layer: int | None) -> np.ndarray:
        start = offset + 4 * math.prod(layer_shape) * (layer or 0)
        stored = np.memmap(path, "<f4", "r", start, stored_shape(name, layer_shape))
        if heads is not None:
            stored = interleaved_to_split_half(stored, heads)
        return from_stored(name, stored, layer_shape)

    return StoredParam(shape, np.dtype(np.float32), read)
