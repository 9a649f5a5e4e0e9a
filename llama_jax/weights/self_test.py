"""Logits of a few fixed tokens, computed from weights in their files: what a manifest keeps.

The formulas once more, in NumPy float64 and sharing nothing with the decoder, so that neither the
device nor the dtype that a model runs in changes them. A layer is read at a time, of the embedding
and the output only the rows and columns that are asked for, and no more layers than asked for: one
is enough to tell whether queries and keys have the RoPE layout that they should have.
"""

import numpy as np
from jaxtyping import Float

from llama_jax.config import LlamaConfig
from llama_jax.model.rope import rope_frequencies
from llama_jax.weights.types import StoredWeights

TOKENS, POSITIONS, COLUMNS = 8, 3, 128

Double = np.float64


def token_ids(config: LlamaConfig) -> list[int]:
    """Ids spread over the vocabulary, the same for every model of this size."""
    return [(1 + 7919 * i) % config.vocab_size for i in range(min(TOKENS, config.context))]


def columns(config: LlamaConfig) -> list[int]:
    """The pieces whose logits are kept: at most COLUMNS, evenly spread."""
    return list(range(0, config.vocab_size, -(-config.vocab_size // COLUMNS)))


def self_test_logits(stored: StoredWeights, layers: int, dtype=None) -> Float[np.ndarray, "P C"]:
    """Float32 logits of the last positions of `token_ids`, of the pieces `columns`.

    Args:
        stored: the model.
        layers: how many of them are run before the final norm.
        dtype: the values are rounded to this first; None for as they are.
    """
    config = stored.config

    def value(path: str, layer: int | None = None, index=()) -> np.ndarray:
        part = stored.params[path].read(layer)[index]
        return (part if dtype is None else part.astype(dtype)).astype(Double)

    x = value("embedding", None, token_ids(config))
    for layer in range(layers):

        def weight(name: str, layer=layer) -> np.ndarray:
            return value(f"layers/{name}", layer)

        normed = _rms_norm(x, weight("attention_norm/scale"), config.norm_eps)
        x = x + _attention(normed, weight, config)
        normed = _rms_norm(x, weight("feed_forward_norm/scale"), config.norm_eps)
        gate = normed @ weight("feed_forward/gate")
        silu = gate / (1 + np.exp(-np.maximum(gate, -700)))
        x = x + (silu * (normed @ weight("feed_forward/up"))) @ weight("feed_forward/down")
    x = _rms_norm(x[-POSITIONS:], value("final_norm/scale"), config.norm_eps)
    chosen = columns(config)
    if config.tied_embeddings:
        return (x @ value("embedding", None, chosen).T).astype(np.float32)
    return (x @ value("output", None, (slice(None), chosen))).astype(np.float32)


def _rms_norm(x, scale, eps: float):
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps) * scale


def _attention(x, weight, config: LlamaConfig):
    """What attention adds to the residual stream of x, [T, D]."""
    query = _turned(np.einsum("td,dnh->tnh", x, weight("attention/query"), optimize=True), config)
    key = _turned(np.einsum("td,dkh->tkh", x, weight("attention/key"), optimize=True), config)
    value = np.einsum("td,dkh->tkh", x, weight("attention/value"), optimize=True)
    group = config.heads // config.kv_heads
    key, value = np.repeat(key, group, axis=1), np.repeat(value, group, axis=1)
    scores = np.einsum("tnh,snh->nts", query, key) / np.sqrt(config.head_size)
    future = np.triu(np.ones((len(x), len(x)), bool), 1)
    scores = np.where(future, -np.inf, scores)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    attended = np.einsum("nts,snh->tnh", scores / scores.sum(-1, keepdims=True), value)
    return np.einsum("tnh,nhd->td", attended, weight("attention/output"), optimize=True)


def _turned(x, config: LlamaConfig):
    """RoPE on channels i and i + H/2 of [T, heads, H]."""
    angles = np.arange(len(x))[:, None, None] * rope_frequencies(config).astype(Double)
    first, second = np.split(x, 2, axis=-1)
    sin, cos = np.sin(angles), np.cos(angles)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
