"""Attention as pure functions: grouped heads, masks, and several key/value segments at once.

A query may attend over several segments, such as a few-shot prompt that a whole batch shares (no
batch dimension: one copy, broadcast) and the row's own tokens. Each segment gives its output and
the log of its softmax denominator; `combine` joins them exactly, by log-sum-exp, so that the parts
never have to stand in one array.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from llama_jax.model.attention_by_heads import attend_by_heads
from llama_jax.model.segment import Segment as Segment

# Scores [B, T, N, S] that are computed for all heads at once on a CPU: 1 MiB in float32.
SCORES_IN_CACHE = 2**18


def causal_mask(
    query_positions: Int[Array, "*#b T"], key_positions: Int[Array, "*#b S"]
) -> Bool[Array, "*b T S"]:
    """True where the key stands at or before the query."""
    return key_positions[..., None, :] <= query_positions[..., :, None]


def segment_mask(
    query_segments: Int[Array, "B T"], key_segments: Int[Array, "B S"]
) -> Bool[Array, "B T S"]:
    """True where query and key belong to the same document; 0 marks padding.

    Padding sees padding, so that no softmax is empty; its outputs mean nothing and are masked out
    of every loss and score.
    """
    return query_segments[:, :, None] == key_segments[:, None, :]


def tree_mask(subtree_ends: Int[Array, "B T"]) -> Bool[Array, "B T T"]:
    """True where the key is the query itself or stands on its path from the root.

        root a, its children b and c, b's child d, in the order a b d c: ends 4 3 3 4

    Args:
        subtree_ends: of nodes laid out with a parent before its subtree and nothing in between:
            where the subtree of each ends.
    """
    index = jnp.arange(subtree_ends.shape[1])
    before = index[None, :, None] >= index[None, None, :]
    return before & (index[None, :, None] < subtree_ends[:, None, :])


def attention(
    query: Float[Array, "B T N H"],
    key: Float[Array, "B S K H"],
    value: Float[Array, "B S K H"],
    mask: Bool[Array, "#B #T #S"],
) -> Float[Array, "B T N H"]:
    """Softmax attention over one segment with a batch dimension; N a multiple of K.

    Query head n uses key/value head n // G. Scores are scaled by H ** -0.5; the softmax is float32.
    """
    segment = Segment.of(key, value, mask)
    if _by_heads(query, [segment]):
        return attend_by_heads(query, (segment,))
    return jax.nn.dot_product_attention(query, key, value, mask=mask[:, None])


def causal_attention(
    query: Float[Array, "B T N H"],
    key: Float[Array, "B T K H"],
    value: Float[Array, "B T K H"],
    mask: Bool[Array, "#B T T"],
) -> Float[Array, "B T N H"]:
    """`attention` of rows to themselves under a mask that shows nobody what stands behind it.

    Where heads go one by one, the first half of the queries meets the first half of the keys only.
    """
    if not _by_heads(query, [Segment.of(key, value, mask)]):
        return attention(query, key, value, mask)
    half = query.shape[1] // 2
    before = Segment.of(key[:, :half], value[:, :half], mask[:, :half, :half])
    every = Segment.of(key, value, mask[:, half:])
    first, second = (
        attend_by_heads(rows, (segment,))
        for rows, segment in ((query[:, :half], before), (query[:, half:], every))
    )
    return jnp.concatenate([first, second], axis=1)


def attention_with_log_sum(
    query: Float[Array, "B T N H"], segment: Segment
) -> tuple[Float[Array, "B T N H"], Float[Array, "B T N"]]:
    """Attention over one segment, and the log of the sum of its exponentiated scores.

    Both float32. A query that may look nowhere in the segment gets zeros and minus infinity, which
    `combine` weighs as nothing.
    """
    B, T, N, H = query.shape
    K = segment.key.shape[-3]
    grouped = query.reshape(B, T, K, N // K, H)
    # The order of the letters is the one in which XLA's matrix product leaves them: no transpose of
    # the scores, which are the largest array here. Only the output is brought into our order.
    if segment.key.ndim == 3:
        keys, scored, mask = "KSH", "KBTGS", segment.mask[None, :, :, None]
    else:
        keys, scored, mask = "BKSH", "BKTGS", segment.mask[:, None, :, None]
    if B * T == 1:
        # Keys first: in a product of one vector with a matrix XLA on CPUs would transpose them all.
        behind = "TG" if "B" in keys else "BTG"
        scores = jnp.einsum(
            f"{keys},BTKGH->{keys[:-1]}{behind}",
            segment.key,
            grouped,
            preferred_element_type=jnp.float32,
        )
        scores = jnp.moveaxis(scores, len(keys) - 2, -1)
    else:
        scores = jnp.einsum(
            f"BTKGH,{keys}->{scored}", grouped, segment.key, preferred_element_type=jnp.float32
        )
    scores = jnp.where(mask, scores * H**-0.5, -jnp.inf)
    # The largest score is subtracted for range; where all are masked, zero keeps exp(-inf) = 0.
    largest = jax.lax.stop_gradient(jnp.max(scores, axis=-1))
    weights = jnp.exp(scores - jnp.where(jnp.isfinite(largest), largest, 0.0)[..., None])
    total = jnp.sum(weights, axis=-1)
    output = jnp.einsum(
        f"{scored},{keys}->{scored[:-1]}H",
        weights.astype(segment.value.dtype),
        segment.value,
        preferred_element_type=jnp.float32,
    )
    some = jnp.where(total > 0, total, 1.0)
    output = output / some[..., None]
    log_sum = jnp.where(total > 0, jnp.log(some) + largest, -jnp.inf)
    order = [scored.index(letter) for letter in "BTKG"]
    return (
        output.transpose(*order, 4).reshape(B, T, N, H),
        log_sum.transpose(order).reshape(B, T, N),
    )


def combine(
    outputs: Sequence[Float[Array, "B T N H"]], log_sums: Sequence[Float[Array, "B T N"]]
) -> Float[Array, "B T N H"]:
    """Joins the attention over several segments into the attention over all of them.

        out = sum_i exp(log_sum_i - log_sum) out_i,   log_sum = log sum_i exp(log_sum_i)

    which is what one softmax over the concatenated segments gives.
    """
    stacked = jnp.stack(log_sums)
    largest = jnp.max(stacked, axis=0)
    shares = jnp.exp(stacked - jnp.where(jnp.isfinite(largest), largest, 0.0))
    shares = shares / jnp.maximum(jnp.sum(shares, axis=0), jnp.finfo(jnp.float32).tiny)
    return sum(share[..., None] * output for share, output in zip(shares, outputs, strict=True))


def attend(query: Float[Array, "B T N H"], segments: Sequence[Segment]) -> Float[Array, "B T N H"]:
    """Attention over the union of `segments`, in the dtype of `query`."""
    if _by_heads(query, segments):
        return attend_by_heads(query, tuple(segments))
    parts = [attention_with_log_sum(query, segment) for segment in segments]
    if len(parts) == 1:
        return parts[0][0].astype(query.dtype)
    outputs, log_sums = zip(*parts, strict=True)
    return combine(outputs, log_sums).astype(query.dtype)


def heads_at_once(rows: int, length: int, heads: int, kv_heads: int, keys: int) -> int:
    """For how many query heads the scores [rows, length, keys] exist at a time.

    All, but on a CPU only those of one key/value head where all would leave its caches: scores are
    read and written several times over, and by heads that is two to three times faster. (Not for
    one token a row, as in decoding: there keys and values are larger than their scores, and would
    be copied into the order of heads.) An accelerator wants all heads at once, and of several
    devices each may have some.
    """
    on_one_cpu = jax.default_backend() == "cpu" and jax.device_count() == 1
    by_heads = on_one_cpu and length > 1 and rows * length * heads * keys > SCORES_IN_CACHE
    return heads // kv_heads if by_heads else heads


def _by_heads(query: Float[Array, "B T N H"], segments: Sequence[Segment]) -> bool:
    rows, length, heads, _ = query.shape
    keys = sum(segment.key.shape[-2] for segment in segments)
    return heads_at_once(rows, length, heads, segments[0].key.shape[-3], keys) < heads
