"""How the rows of a training batch attend to themselves: one function, several implementations.

xla     softmax over all scores; everywhere, and the only one with dropout
splash  JAX's Pallas kernel for TPU: no array of scores, nothing computed above the diagonal
cudnn   cuDNN's fused kernel on NVIDIA, for bfloat16 and float16

All are functions of the same arguments; the caller says which, since a program may be lowered for
another platform than it runs on.
"""

import functools
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Bool, Float, Int

from llama_jax.errors import InputError
from llama_jax.model.attention import causal_attention
from llama_jax.model.dropout import drop


@runtime_checkable
class SelfAttention(Protocol):
    """Attention of rows to themselves."""

    def __call__(
        self,
        query: Float[Array, "B T N H"],
        key: Float[Array, "B T K H"],
        value: Float[Array, "B T K H"],
        mask: Bool[Array, "#B T T"],
        segment_ids: Int[Array, "B T"] | None,
        dropout_key: Array | None,
    ) -> Float[Array, "B T N H"]:
        """The mask is causal, and keeps inside segments; with a key, weights are dropped."""
        ...


def make_self_attention(
    implementation: str = "xla", dropout: float = 0.0, remat: bool = False, mesh: Mesh | None = None
) -> SelfAttention:
    """The named implementation.

    Args:
        implementation: "xla", "splash" or "cudnn".
        dropout: share of the weights that are dropped where a key is given; "xla" only.
        remat: compute the scores again in the backward pass (the kernels do so anyway).
        mesh: axes `data`, `fsdp` (rows) and `tensor` (heads); "splash" needs it on several devices,
            since the compiler cannot split a kernel.
    """
    if implementation == "splash":
        return functools.partial(_splash, mesh)
    if implementation == "cudnn":
        return _cudnn
    run = functools.partial(_xla, dropout)
    return jax.checkpoint(run) if remat else run


def _xla(dropout, query, key, value, mask, segment_ids, dropout_key):
    if dropout_key is None:
        return causal_attention(query, key, value, mask)
    B, T, N, H = query.shape
    K = key.shape[2]
    grouped = query.reshape(B, T, K, N // K, H)
    scores = jnp.einsum("BTKGH,BSKH->BKGTS", grouped, key, preferred_element_type=jnp.float32)
    scores = jnp.where(mask[:, None, None], scores * H**-0.5, -1e30)
    weights = drop(dropout_key, jax.nn.softmax(scores, axis=-1), dropout)
    attended = jnp.einsum("BKGTS,BSKH->BTKGH", weights.astype(value.dtype), value)
    return attended.reshape(B, T, N, H)


def _cudnn(query, key, value, mask, segment_ids, dropout_key):
    if segment_ids is None:
        return jax.nn.dot_product_attention(
            query, key, value, is_causal=True, implementation="cudnn"
        )
    return jax.nn.dot_product_attention(
        query, key, value, mask=mask[:, None], implementation="cudnn"
    )


def _splash(mesh, query, key, value, mask, segment_ids, dropout_key):
    if segment_ids is None:
        segment_ids = jnp.ones(query.shape[:2], jnp.int32)
    if mesh is None:
        return _splash_rows(query, key, value, segment_ids)
    rows = PartitionSpec(("data", "fsdp"))
    heads = PartitionSpec(("data", "fsdp"), None, "tensor", None)
    return jax.shard_map(
        _splash_rows,
        mesh=mesh,
        in_specs=(heads, heads, heads, rows),
        out_specs=heads,
        check_vma=False,
    )(query, key, value, segment_ids)


def _splash_rows(query, key, value, segment_ids):
    # Imported late: Pallas for TPU takes half a second, and few need it.
    from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_kernel as kernel
    from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_mask as masks

    _, T, N, H = query.shape
    if T % 128:
        raise InputError(
            f"splash attention: rows of {T} tokens; it needs a multiple of 128, "
            f"{T + -T % 128} for example"
        )
    causal = masks.MultiHeadMask([masks.CausalMask((T, T))] * N)
    run = kernel.make_splash_mha(causal, head_shards=1, q_seq_shards=1)

    def row(query, key, value, ids):
        heads_first = (jnp.swapaxes(a, 0, 1) for a in (query * H**-0.5, key, value))
        return jnp.swapaxes(run(*heads_first, segment_ids=kernel.SegmentIds(ids, ids)), 0, 1)

    return jax.vmap(row)(query, key, value, segment_ids)
