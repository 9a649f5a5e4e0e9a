"""Between stacked layers and the decode layout.

Decoding reads every weight for every token, so that it takes as long as that reading. Each layer
has arrays of its own (slicing a stacked array would copy them) and few large ones.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llama_jax.config import LlamaConfig

# A layer's matrices in the decode layout, and which ones stand side by side in them.
FUSED = {
    ("attention", "query_key_value"): ("query", "key", "value"),
    ("attention", "output"): ("output",),
    ("feed_forward", "gate_up"): ("gate", "up"),
    ("feed_forward", "down"): ("down",),
}
NORMS = ("attention_norm", "feed_forward_norm")


def unstack(params: dict, *, fused: bool = True) -> dict:
    """`params["layers"]` as a tuple of L dicts of per-layer arrays; `fused`: the decode layout.

    That has, in each layer, attention.query_key_value [D, (N + 2K) H] and .output [N H, D],
    feed_forward.gate_up [D, 2F] and .down [F, D].
    """
    count = params["layers"]["attention_norm"]["scale"].shape[0]
    layers = tuple(jax.tree.map(lambda a, i=i: a[i], params["layers"]) for i in range(count))
    return {**params, "layers": tuple(map(_fuse, layers)) if fused else layers}


def unstacked(
    reader: Callable[[str], Callable[[int | None], np.ndarray]],
    config: LlamaConfig,
    asarray: Callable[[np.ndarray], Any] = jnp.asarray,
) -> dict:
    """The decode layout, from parameters that are read a layer at a time.

    Args:
        reader: of a path, "layers/attention/query" and so on: what reads one layer of it, or of a
            parameter without layers all of it (for None).
        config: what the parameters are of.
        asarray: takes each array where it belongs: the default device, or nowhere (np.asarray).
    """
    layers: list[dict] = [
        {part: {} for part in (*NORMS, *(part for part, _ in FUSED))} for _ in range(config.layers)
    ]
    for part in NORMS:
        read = reader(f"layers/{part}/scale")
        for index, layer in enumerate(layers):
            layer[part]["scale"] = asarray(read(index))
    for (part, fused), names in FUSED.items():
        reads = [reader(f"layers/{part}/{name}") for name in names]
        for index, layer in enumerate(layers):
            layer[part][fused] = asarray(_side_by_side([read(index) for read in reads], np))
    params = {
        "embedding": asarray(reader("embedding")(None)),
        "layers": tuple(layers),
        "final_norm": {"scale": asarray(reader("final_norm/scale")(None))},
    }
    if not config.tied_embeddings:
        params["output"] = asarray(reader("output")(None))
    return params


def stacked_arrays(params: dict, config: LlamaConfig) -> Iterator[tuple[str, np.ndarray]]:
    """(path, array) of what was stacked once, one at a time: the inverse of `unstack`.

    Args:
        params: in the decode layout.
        config: what they were built from.
    """
    H = config.head_size
    heads = {"query": config.heads, "key": config.kv_heads, "value": config.kv_heads}
    layers = params["layers"]
    for part in NORMS:
        yield f"layers/{part}/scale", np.stack([layer[part]["scale"] for layer in layers])
    for (part, fused), names in FUSED.items():
        joined = [layer[part][fused] for layer in layers]
        widths = [H * heads[n] if n in heads else joined[0].shape[1] // len(names) for n in names]
        ends = list(itertools.accumulate(widths))
        for name, width, end in zip(names, widths, ends, strict=True):
            array = np.stack([np.asarray(matrix[:, end - width : end]) for matrix in joined])
            if name in heads:
                array = array.reshape(*array.shape[:2], heads[name], H)
            elif part == "attention":
                array = array.reshape(len(layers), config.heads, H, -1)
            yield f"layers/{part}/{name}", array
    yield "embedding", np.asarray(params["embedding"])
    yield "final_norm/scale", np.asarray(params["final_norm"]["scale"])
    if "output" in params:
        yield "output", np.asarray(params["output"])


def _fuse(layer: dict) -> dict:
    joined: dict = {part: dict(layer[part]) if part in NORMS else {} for part in layer}
    for (part, fused), names in FUSED.items():
        joined[part][fused] = _side_by_side([layer[part][name] for name in names], jnp)
    return joined


def _side_by_side(matrices: Sequence, numpy: Any) -> Any:
    """One layer's matrices as one [inputs, outputs]; attention's output has inputs [N, H].

    Args:
        matrices: of one layer.
        numpy: NumPy or jax.numpy.
    """
    if len(matrices) == 1:
        return matrices[0].reshape(-1, matrices[0].shape[-1])
    return numpy.concatenate([m.reshape(m.shape[0], -1) for m in matrices], axis=1)
