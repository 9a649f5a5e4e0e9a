"""What a plan of scoring takes, before it runs: tokens, shapes, and bytes at the peak. Pure.

The bytes are an estimate, for choosing a batch size: exact for parameters and for the keys and
values that are kept; for what a layer makes and drops again, the largest arrays are counted:
projections, attention scores, one chunk of logits.
"""

from collections import Counter

import jax
import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.inference.batches import SLOT_CHUNK
from llama_jax.inference.plan import Plan
from llama_jax.model.attention import heads_at_once

FLOAT32 = 4
SMALLEST_BATCH = 64


def decoder_bytes(params: dict, weight_dtype: str | None) -> int:
    """Bytes of the parameters in the engine; of matrices in eight bits one per number."""
    return sum(
        leaf.size if weight_dtype == "int8" and leaf.ndim > 1 else leaf.nbytes
        for leaf in jax.tree.leaves(params)
    )


def cache_bytes(config: LlamaConfig, tokens: int, itemsize: int) -> int:
    """Bytes of the keys and values of `tokens` tokens: 2 L K H each."""
    return 2 * config.layers * config.kv_heads * config.head_size * itemsize * tokens


def call_bytes(config: LlamaConfig, rows: int, length: int, prefix: int, itemsize: int) -> int:
    """Bytes that a call for `rows` rows of `length` tokens behind `prefix` slots makes itself."""
    heads = config.heads + 2 * config.kv_heads
    per_token = itemsize * (4 * config.dim + heads * config.head_size + 2 * config.ffn_size)
    together = heads_at_once(rows, length, config.heads, config.kv_heads, length + prefix)
    scores = 2 * FLOAT32 * rows * together * length * (length + prefix)
    logits = 2 * FLOAT32 * SLOT_CHUNK * config.vocab_size
    return rows * length * per_token + scores + logits


def peak_bytes(plan: Plan, config: LlamaConfig, parameter_bytes: int, itemsize: int) -> int:
    """The most that any call of a plan of scoring needs, parameters included.

    Args:
        plan: of `plan_scores`.
        config: of the model.
        parameter_bytes: of all parameters as they are kept.
        itemsize: bytes of one number of the keys, values and activations.
    """
    most = 0
    for batch in plan.batches:
        prefix = 0 if batch.node is None else plan.capacity(batch.node)
        held = sum(plan.capacity(node) for node in plan.path(batch.node))
        own = call_bytes(config, *batch.tokens.shape, prefix, itemsize)
        most = max(most, cache_bytes(config, held, itemsize) + own)
    for node in plan.used_nodes:
        # While a node is computed, its keys and values stand beside those of its parents.
        held = sum(plan.capacity(part) for part in plan.path(node))
        chunk = max(len(ids) for ids, _ in plan.chunks(node))
        own = call_bytes(config, 1, chunk, plan.capacity(node), itemsize)
        most = max(most, cache_bytes(config, held, itemsize) + own)
    return parameter_bytes + most


def batch_tokens_within(
    memory: int, config: LlamaConfig, parameter_bytes: int, itemsize: int, most: int
) -> int:
    """The largest number of tokens per call, a power of two up to `most`, that `memory` holds.

    Two prefixes of the context's length may be alive, and rows have 256 tokens.

    Raises:
        InputError: not even SMALLEST_BATCH tokens fit.
    """
    held = parameter_bytes + cache_bytes(config, 2 * config.context, itemsize)
    tokens = 1 << (most.bit_length() - 1)
    while tokens >= SMALLEST_BATCH:
        length = min(tokens, 256)
        need = held + call_bytes(config, tokens // length, length, config.context, itemsize)
        if need <= memory:
            return tokens
        tokens //= 2
    raise InputError(
        f"memory {memory} bytes: the parameters take {parameter_bytes}, and {need} are needed for "
        f"a call of {SMALLEST_BATCH} tokens; give more memory, a smaller dtype or more devices"
    )


def describe(plan: Plan) -> str:
    """The plan in a few lines, for a dry run."""
    rows = sum(int(np.count_nonzero(batch.counts)) for batch in plan.batches)
    calls = Counter(plan.shape(batch) for batch in plan.batches)
    lines = [
        f"{len(plan.items)} items in {rows} packed rows, {len(plan.batches)} batches, "
        f"{len(plan.used_nodes)} shared prefixes",
        f"tokens: {plan.prefilled} to prefill, {plan.saved} saved by sharing, "
        f"{plan.padding} of padding; {plan.scored} to score",
        f"shapes to compile: {len(plan.shapes)}",
    ]
    for shape, count in sorted(calls.items()):
        _, prefix, batch, length, _, _ = shape
        behind = f" behind a prefix of {prefix}" if prefix else ""
        lines.append(f"  {count} x [{batch}, {length}]{behind}")
    return "\n".join(lines)
