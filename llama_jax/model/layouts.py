"""From stacked layers to the decode layout. Pure.

Decoding reads every weight for every token, so that it takes as long as that reading. Each layer
has arrays of its own (slicing a stacked array would copy them) and few large ones.
"""

import jax
import jax.numpy as jnp


def unstack(params: dict, *, fused: bool = True) -> dict:
    """`params["layers"]` as a tuple of L dicts of per-layer arrays; `fused`: the decode layout.

    That has, in each layer, attention.query_key_value [D, (N + 2K) H] and .output [N H, D],
    feed_forward.gate_up [D, 2F] and .down [F, D].
    """
    count = params["layers"]["attention_norm"]["scale"].shape[0]
    layers = tuple(jax.tree.map(lambda a, i=i: a[i], params["layers"]) for i in range(count))
    return {**params, "layers": tuple(map(_fuse, layers)) if fused else layers}


def _fuse(layer: dict) -> dict:
    attention, feed_forward = layer["attention"], layer["feed_forward"]
    dim = attention["query"].shape[0]
    three = [attention[name].reshape(dim, -1) for name in ("query", "key", "value")]
    return {
        **layer,
        "attention": {
            "query_key_value": jnp.concatenate(three, axis=1),
            "output": attention["output"].reshape(-1, dim),
        },
        "feed_forward": {
            "gate_up": jnp.concatenate([feed_forward["gate"], feed_forward["up"]], axis=1),
            "down": feed_forward["down"],
        },
    }
