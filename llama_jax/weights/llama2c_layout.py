"""Where everything lies in llama2.c's .bin files (karpathy/llama2.c: export.py, run.c, runq.c).

Little-endian; matrices as [outputs, inputs], RoPE on neighbouring pairs; each parameter for all
layers before the next begins. Constants of run.c and not in the file: norm_eps and rope_theta.

    0  seven int32, float32 arrays; a negative vocab_size says that an output matrix stands at the
       end; before it are tables of cosines and sines, which nobody reads
    1  "ak42", the version, seven int32, a byte that is 1 where the output is the embedding, zeros
       up to byte 256; norm scales first, no tables
    2  the same with the group size (int32) behind the byte; matrices are int8 values of one layer,
       then a float32 scale for every group of them in a row
"""

import dataclasses
import math
import struct
from dataclasses import dataclass
from pathlib import Path

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.model.decoder import abstract_params
from llama_jax.weights.layout import stored_shape
from llama_jax.weights.tree import flatten

SIZES = struct.Struct("<7i")
MAGIC = 0x616B3432  # "ak42"
HEADER_BYTES = 256  # of versions 1 and 2
NORM_EPS, ROPE_THETA = 1e-5, 10000.0
TABLES = "tables"
NORMS = ("layers/attention_norm/scale", "layers/feed_forward_norm/scale", "final_norm/scale")
ATTENTION = tuple(f"layers/attention/{name}" for name in ("query", "key", "value", "output"))
FEED_FORWARD = tuple(f"layers/feed_forward/{name}" for name in ("gate", "down", "up"))
ORDER_0 = (
    *("embedding", "layers/attention_norm/scale", *ATTENTION),
    *("layers/feed_forward_norm/scale", *FEED_FORWARD, "final_norm/scale", TABLES, "output"),
)
ORDER_LATER = (*NORMS, "embedding", *ATTENTION, *FEED_FORWARD, "output")


@dataclass(frozen=True)
class Header:
    """What stands before the values.

    Attributes:
        version: 0, 1 or 2.
        config: of the model.
        group_size: of version 2, how many values share a scale; otherwise 0.
    """

    version: int
    config: LlamaConfig
    group_size: int = 0


@dataclass(frozen=True)
class Block:
    """One layer's array, or one that has no layers, in the file.

    Attributes:
        path: of our parameter, or `TABLES`.
        layer: its index, or None.
        shape: as stored.
        offset: of its first byte.
        group_size: 0 for float32; otherwise int8 values and their scales.
    """

    path: str
    layer: int | None
    shape: tuple[int, ...]
    offset: int
    group_size: int

    @property
    def values(self) -> int:
        """How many there are."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """In bytes, with the scales."""
        if self.group_size:
            return self.values + 4 * (self.values // self.group_size)
        return 4 * self.values


def blocks(header: Header) -> list[Block]:
    """Everything after the header, in the order of the file."""
    found: list[Block] = []
    for block, layers in _parts(header):
        for layer in range(layers) if layers else [None]:
            offset = block.offset + (layer or 0) * block.size
            found.append(dataclasses.replace(block, layer=layer, offset=offset))
    return found


def _parts(header: Header) -> list[tuple[Block, int]]:
    """The first layer of each parameter, and how many there are (0: it has none).

    Not one by one: a header that was never one may speak of a thousand million layers.
    """
    config = header.config
    shapes = {path: leaf.shape for path, leaf in flatten(abstract_params(config)).items()}
    shapes[TABLES] = (2, config.context, config.head_size // 2)
    offset = HEADER_BYTES if header.version else SIZES.size
    found = []
    for path in ORDER_LATER if header.version else ORDER_0:
        if path not in shapes:
            continue  # the output of a tied model
        stacked = path.startswith("layers/")
        shape = stored_shape(path, shapes[path][1:] if stacked else shapes[path])
        block = Block(path, None, shape, offset, 0 if path in NORMS else header.group_size)
        found.append((block, config.layers if stacked else 0))
        offset += block.size * (config.layers if stacked else 1)
    return found


def pack(header: Header) -> bytes:
    """The bytes of a header."""
    config = header.config
    sizes = [config.dim, config.ffn_size, config.layers, config.heads, config.kv_heads]
    if header.version == 0:
        vocab_size = config.vocab_size if config.tied_embeddings else -config.vocab_size
        return SIZES.pack(*sizes, vocab_size, config.context)
    packed = struct.pack("<Ii", MAGIC, header.version)
    packed += SIZES.pack(*sizes, config.vocab_size, config.context)
    packed += struct.pack("<B", config.tied_embeddings)
    if header.version == 2:
        packed += struct.pack("<i", header.group_size)
    return packed.ljust(HEADER_BYTES, b"\0")


def read_header(path: Path) -> Header:
    """The header of a file whose length it accounts for, to the byte.

    Raises:
        InputError: another version, a configuration that cannot be, or another length.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(HEADER_BYTES)
    later = len(start) >= 8 and int.from_bytes(start[:4], "little") == MAGIC
    version = int.from_bytes(start[4:8], "little", signed=True) if later else 0
    if later and version not in (1, 2):
        raise InputError(f"{path}: llama2.c version {version}; versions 0, 1 and 2 are read")
    needed = HEADER_BYTES if later else SIZES.size
    if len(start) < needed:
        raise InputError(f"{path}: {size} bytes, less than a llama2.c header of {needed}")
    dim, ffn_size, layers, heads, kv_heads, vocab_size, context = SIZES.unpack_from(
        start, 8 if later else 0
    )
    tied, group_size = vocab_size > 0, 0
    if later:
        tied, group_size = start[36] == 1, _group_size(path, start) if version == 2 else 0
    try:
        config = LlamaConfig(
            vocab_size if later else abs(vocab_size), dim, layers, heads, kv_heads, ffn_size,
            context, NORM_EPS, ROPE_THETA, tied_embeddings=tied,
        )  # fmt: skip
    except InputError as error:
        raise InputError(f"{path}: not a llama2.c version {version} file: {error}") from error
    header = Header(version, config, group_size)
    _check_groups(path, header)
    _check_length(path, header, size)
    return header


def _group_size(path: Path, start: bytes) -> int:
    (group_size,) = struct.unpack_from("<i", start, 37)
    if group_size < 1:
        raise InputError(f"{path}: llama2.c version 2 with a group size of {group_size}")
    return group_size


def _check_groups(path: Path, header: Header) -> None:
    for block, _ in _parts(header) if header.group_size else []:
        if block.group_size and block.values % block.group_size:
            raise InputError(
                f"{path}: {block.path} has {block.values} values, which groups of "
                f"{block.group_size} do not divide"
            )


def _check_length(path: Path, header: Header, size: int) -> None:
    parts = _parts(header)
    last, layers = parts[-1]
    expected = last.offset + last.size * max(layers, 1)
    if size == expected:
        return
    config, version = header.config, header.version
    embedding = next(block for block, _ in parts if block.path == "embedding")
    other = expected + (embedding.size if config.tied_embeddings else -embedding.size)
    ways = ("a positive vocab_size (output tied to the embedding)", "a negative vocab_size")
    if version:
        ways = ("a shared classifier", "a classifier of its own")
    says, would = ways if config.tied_embeddings else ways[::-1]
    hint = f", as with {would}" if size == other else ""
    what = "cut short" if size < expected else "too long"
    raise InputError(
        f"{path}: not a llama2.c version {version} file, or {what}: its header, with {says}, "
        f"accounts for {expected} bytes and the file has {size}{hint}"
    )
