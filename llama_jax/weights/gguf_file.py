"""GGUF files of llama.cpp: architecture llama, values as F32, F16, BF16 or Q8_0.

Matrices lie as in Hugging Face's files, except that llama.cpp's converter puts the rows of queries
and keys back into Meta's order, neighbouring pairs. Every array comes out in one dtype that holds
all of them exactly: that of the matrices where the norm scales, which converters write in float32,
fit into it too, and otherwise float32.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.model.decoder import abstract_params
from llama_jax.weights.checks import DTYPES, check_names, check_shapes
from llama_jax.weights.gguf_config import read_config
from llama_jax.weights.layout import from_stored, interleaved_to_split_half, stored_shape
from llama_jax.weights.tree import flatten
from llama_jax.weights.types import StoredParam, StoredWeights

NAMES = {
    "embedding": "token_embd.weight",
    "layers/attention_norm/scale": "blk.{layer}.attn_norm.weight",
    "layers/attention/query": "blk.{layer}.attn_q.weight",
    "layers/attention/key": "blk.{layer}.attn_k.weight",
    "layers/attention/value": "blk.{layer}.attn_v.weight",
    "layers/attention/output": "blk.{layer}.attn_output.weight",
    "layers/feed_forward_norm/scale": "blk.{layer}.ffn_norm.weight",
    "layers/feed_forward/gate": "blk.{layer}.ffn_gate.weight",
    "layers/feed_forward/up": "blk.{layer}.ffn_up.weight",
    "layers/feed_forward/down": "blk.{layer}.ffn_down.weight",
    "final_norm/scale": "output_norm.weight",
    "output": "output.weight",
}
EMBEDDING, OUTPUT, ROPE = NAMES["embedding"], NAMES["output"], "rope_freqs.weight"
TYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "Q8_0": "float32"}
BLOCK = np.dtype([("scale", "<f2"), ("values", np.int8, 32)])  # of Q8_0


@dataclass(frozen=True)
class Tensor:
    """Where one tensor lies; `shape` is [outputs, inputs], `kind` one of `TYPES`."""

    file: Path
    kind: str
    shape: tuple[int, ...]
    offset: int

    def open(self) -> np.ndarray:
        """Its values: a read-only map of this tensor alone, or what Q8_0 blocks stand for."""
        if self.kind != "Q8_0":
            dtype = DTYPES[TYPES[self.kind]].newbyteorder("<")
            return np.memmap(self.file, dtype, "r", self.offset, self.shape)
        count = math.prod(self.shape) // 32
        blocks = np.memmap(self.file, BLOCK, "r", self.offset, (count,))
        scales = blocks["scale"].astype(np.float32)[:, None]
        return np.multiply(blocks["values"], scales, dtype=np.float32).reshape(self.shape)


def open(path: Path) -> StoredWeights:
    """The model in a GGUF file; values are read when they are asked for.

    Args:
        path: of the file. Its tokenizer, where it is SentencePiece's, is read from the file too.

    Raises:
        InputError: damaged, of another architecture, or with tensors of a type that is not read.
    """
    reader = _reader(path)
    fields = {name: _value(field) for name, field in reader.fields.items()}
    try:
        tensors = _tensors(path, reader)
        if EMBEDDING not in tensors and fields.get("general.architecture") == "llama":
            raise InputError(f"tensors missing: {EMBEDDING}")
        rope = tensors.pop(ROPE, None)
        rows = tensors[EMBEDDING].shape[0] if EMBEDDING in tensors else 0
        config = read_config(fields, rows, OUTPUT not in tensors, rope and rope.open())
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    params = _params(path, config, tensors)
    spm = fields.get("tokenizer.ggml.model") == "llama"
    return StoredWeights(config, params, "gguf", str(path), path if spm else None)


def _reader(path: Path):
    from gguf import GGUFReader

    try:
        reader = GGUFReader(path)
    except (ValueError, KeyError, IndexError, OverflowError, UnicodeDecodeError) as error:
        if "GGMLQuantizationType" in str(error):  # a type that the package has no name for
            raise InputError(f"{path}: {error}; {_readable()}") from error
        size = path.stat().st_size
        raise InputError(
            f"{path}: a GGUF file of {size} bytes, cut short or damaged: {error}"
        ) from error
    if reader.byte_order != "I":
        raise InputError(f"{path}: a big-endian GGUF file; only little-endian ones are read")
    return reader


def _readable() -> str:
    return f"types that are read: {', '.join(TYPES)}; make one with llama-quantize or convert again"


def _value(field) -> Any:
    """A field's value; of a long array (the vocabulary) the length is all that is needed here."""
    from gguf import GGUFValueType

    if field.types and field.types[0] == GGUFValueType.ARRAY and len(field.data) > 256:
        return f"{len(field.data)} values"
    return field.contents()


def _tensors(path: Path, reader) -> dict[str, Tensor]:
    found = {}
    for tensor in reader.tensors:
        kind, shape = tensor.tensor_type.name, tuple(int(n) for n in reversed(tensor.shape))
        if kind not in TYPES:
            raise InputError(f"{tensor.name} is of type {kind}; {_readable()}")
        found[tensor.name] = Tensor(path, kind, shape, int(tensor.data_offset))
    return found


def _params(path: Path, config: LlamaConfig, tensors: dict[str, Tensor]) -> dict[str, StoredParam]:
    abstract = {name: leaf.shape for name, leaf in flatten(abstract_params(config)).items()}
    shapes = {}
    for name, shape in abstract.items():
        if name.startswith("layers/"):
            for layer in range(config.layers):
                shapes[NAMES[name].format(layer=layer)] = stored_shape(name, shape[1:])
        else:
            shapes[NAMES[name]] = stored_shape(name, shape)
    check_names(str(path), shapes, tensors)
    check_shapes(str(path), shapes, {name: tensor.shape for name, tensor in tensors.items()})
    dtype = _dtype(tensors)
    return {
        name: StoredParam(shape, dtype, _read(config, name, shape, tensors, dtype))
        for name, shape in abstract.items()
    }


def _dtype(tensors: dict[str, Tensor]) -> np.dtype:
    """The dtype of the matrices, if it is one and holds the norm scales exactly; else float32."""
    kinds = {TYPES[tensor.kind] for tensor in tensors.values() if len(tensor.shape) > 1}
    dtype = DTYPES[kinds.pop()] if len(kinds) == 1 else DTYPES["float32"]
    for tensor in tensors.values():
        if len(tensor.shape) == 1 and DTYPES[TYPES[tensor.kind]] != dtype:
            scale = tensor.open().astype(np.float32)
            with np.errstate(over="ignore"):
                exact = np.array_equal(scale.astype(dtype).astype(np.float32), scale)
            if not exact:
                return DTYPES["float32"]
    return dtype


def _read(config: LlamaConfig, name: str, shape: tuple[int, ...], tensors: dict, dtype: np.dtype):
    heads = {
        "layers/attention/query": config.heads,
        "layers/attention/key": config.kv_heads,
    }.get(name)
    layer_shape = shape[1:] if name.startswith("layers/") else shape

    def read(layer: int | None) -> np.ndarray:
        stored = tensors[NAMES[name].format(layer=layer)].open().astype(dtype, copy=False)
        if heads is not None:
            stored = interleaved_to_split_half(stored, heads)
        return from_stored(name, stored, layer_shape)

    return read
