"""The tensors of Meta's consolidated files: names, and how each is split over shards.

The split is that of the reference code's parallel layers (meta-llama/llama, model.py): what divides
outputs has its rows dealt out, what divides inputs its columns; norms are in every shard. The
embedding has its columns dealt out in Llama 1, 2 and Code Llama (ParallelEmbedding), its rows in
Llama 3 and later (VocabParallelEmbedding). Query and key rows are in RoPE pairs of neighbours.
"""

import re

import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.weights.layout import interleaved_to_split_half, split_half_to_interleaved
from llama_jax.weights.torch_file import TorchTensor

# Name -> tensor of each file of a model, in their order.
Shards = list[dict[str, TorchTensor]]

NAMES = {  # in the order of Meta's files
    "embedding": "tok_embeddings.weight",
    "layers/attention/query": "layers.{layer}.attention.wq.weight",
    "layers/attention/key": "layers.{layer}.attention.wk.weight",
    "layers/attention/value": "layers.{layer}.attention.wv.weight",
    "layers/attention/output": "layers.{layer}.attention.wo.weight",
    "layers/feed_forward/gate": "layers.{layer}.feed_forward.w1.weight",
    "layers/feed_forward/down": "layers.{layer}.feed_forward.w2.weight",
    "layers/feed_forward/up": "layers.{layer}.feed_forward.w3.weight",
    "layers/attention_norm/scale": "layers.{layer}.attention_norm.weight",
    "layers/feed_forward_norm/scale": "layers.{layer}.ffn_norm.weight",
    "final_norm/scale": "norm.weight",
    "output": "output.weight",
}
ROWS, COLUMNS = 0, 1
AXES = {  # of our path: the axis that is dealt out; what is not named is in every shard
    "layers/attention/query": ROWS,
    "layers/attention/key": ROWS,
    "layers/attention/value": ROWS,
    "layers/attention/output": COLUMNS,
    "layers/feed_forward/gate": ROWS,
    "layers/feed_forward/down": COLUMNS,
    "layers/feed_forward/up": ROWS,
    "output": ROWS,
}
# RoPE's frequencies, which some files carry once or per layer; they follow from params.json.
BUFFER = re.compile(r"(.*\.)?rope\.freqs")


def tensor_name(path: str, layer: int | None) -> str:
    """Meta's name of our parameter, or of a layer of it."""
    return NAMES[path].format(layer=layer)


def heads_of(path: str, config: LlamaConfig) -> int | None:
    """Heads whose rows are in RoPE pairs in Meta's tensor; None where rows have no such order."""
    heads = {"layers/attention/query": config.heads, "layers/attention/key": config.kv_heads}
    return heads.get(path)


def to_our_rows(path: str, config: LlamaConfig, stored: np.ndarray) -> np.ndarray:
    """Meta's whole matrix with its rows in our RoPE order."""
    heads = heads_of(path, config)
    return stored if heads is None else interleaved_to_split_half(stored, heads)


def to_their_rows(path: str, config: LlamaConfig, matrix: np.ndarray) -> np.ndarray:
    """The inverse of `to_our_rows`."""
    heads = heads_of(path, config)
    return matrix if heads is None else split_half_to_interleaved(matrix, heads)
