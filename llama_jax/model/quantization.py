"""Weights in eight bits: per output channel, symmetric, for inference only. Pure.

    w ~ int8 * scale,   scale = max |w| / 127 over the inputs of each output

The scale is the same for all that is summed up, so it is applied to the product:
x @ w ~ (x @ int8) * scale. Norm gains, of which there are few, stay as they are.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Int8

from llama_jax.errors import InputError

LARGEST = 127  # -128 is not used, so that the range is symmetric


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Quantized:
    """A matrix in eight bits.

    Attributes:
        int8: as the matrix, [D, F] (inputs first) or an embedding [V, D].
        scale: float32 (or what the model computes in), one per output: [F] or [V].
    """

    int8: Int8[Array, "rows columns"]
    scale: Float[Array, "outputs"]

    @property
    def dtype(self) -> jnp.dtype:
        """What the values stand for, so that the model computes in it."""
        return self.scale.dtype


def check_weight_dtype(weight_dtype: str | None, tensor: int) -> None:
    """Refuses what cannot be kept, on `tensor` devices that share a row.

    Raises:
        InputError: another kind than "int8", or None; or matrices in eight bits would be split.
    """
    if weight_dtype is None:
        return
    if weight_dtype != "int8":
        raise InputError(
            f"weight_dtype {weight_dtype!r}: choose 'int8', or None for that of params"
        )
    if tensor > 1:
        raise InputError(
            f"weight_dtype {weight_dtype!r} with tensor parallelism {tensor}: matrices in eight "
            f"bits are not split; use one of the two"
        )


Matrix = Float[Array, "rows columns"] | Quantized


def quantize_matrix(weight: Float[Array, "rows columns"], outputs: int) -> Quantized:
    """Rounds to the nearest of 255 levels; `outputs` is the axis (0 or 1) that is no input."""
    exact = weight.astype(jnp.float32)
    largest = jnp.max(jnp.abs(exact), axis=1 - outputs, keepdims=True)
    scale = jnp.where(largest > 0, largest, 1.0) / LARGEST
    rounded = jnp.clip(jnp.round(exact / scale), -LARGEST, LARGEST).astype(jnp.int8)
    return Quantized(rounded, scale.reshape(-1).astype(weight.dtype))


def quantize(params: dict) -> dict:
    """The matrices of params in the fused decode layout (see `decoder.unstack`) in eight bits."""

    def matrix(path, leaf):
        if isinstance(leaf, Quantized) or leaf.ndim != 2:
            return leaf
        return quantize_matrix(leaf, outputs=0 if path[0].key == "embedding" else 1)

    return jax.tree_util.tree_map_with_path(
        matrix, params, is_leaf=lambda leaf: isinstance(leaf, Quantized)
    )


def product(
    x: Float[Array, "*batch D"], weight: Matrix, preferred_element_type=None
) -> Float[Array, "*batch F"]:
    """The product x @ weight, [D, F].

    Of two matrices, since the gradient of `weight` is a product then as well: with several batch
    dimensions XLA on CPUs would transpose all of `x` for it.

    XLA on CPUs converts the matrices ahead of a loop over tokens and keeps these float copies while
    it runs: there eight bits save memory between calls only, and no time.
    """
    matrix = weight.int8.astype(x.dtype) if isinstance(weight, Quantized) else weight
    flat = x.reshape(-1, x.shape[-1])
    result = jnp.matmul(flat, matrix, preferred_element_type=preferred_element_type)
    result = result.reshape(*x.shape[:-1], matrix.shape[1])
    return result * weight.scale.astype(result.dtype) if isinstance(weight, Quantized) else result


def product_of_rows(
    x: Float[Array, "*batch D"], embedding: Matrix, preferred_element_type=None
) -> Float[Array, "*batch V"]:
    """The product x @ embedding.T: the output projection of tied embeddings [V, D]."""
    quantized = isinstance(embedding, Quantized)
    matrix = embedding.int8.astype(x.dtype) if quantized else embedding
    letters = "...D,VD->...V"
    result = jnp.einsum(letters, x, matrix, preferred_element_type=preferred_element_type)
    return result * embedding.scale.astype(result.dtype) if quantized else result


def rows(embedding: Matrix, ids: Int[Array, "*batch"]) -> Float[Array, "*batch D"]:
    """The rows `ids` of an embedding [V, D]."""
    if isinstance(embedding, Quantized):
        scale = embedding.scale[ids][..., None]
        return embedding.int8[ids].astype(scale.dtype) * scale
    return embedding[ids]
