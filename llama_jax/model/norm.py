"""RMSNorm (Zhang and Sennrich 2019), Llama's pre-normalisation (Llama 1 paper, section 2.2)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def rms_norm(
    x: Float[Array, "*batch D"], scale: Float[Array, "D"], eps: float
) -> Float[Array, "*batch D"]:
    """Divides each vector by its root mean square, then multiplies by `scale`.

    The mean square and the division are float32 whatever the dtype of `x`; the result is cast back
    before `scale` is applied, as in the reference code (meta-llama/llama, model.py, RMSNorm).

    Args:
        x: activations.
        scale: learned gain, one value per channel.
        eps: added to the mean square.
    """
    x32 = x.astype(jnp.float32)
    mean_square = jnp.mean(jnp.square(x32), axis=-1, keepdims=True)
    return (x32 * jax.lax.rsqrt(mean_square + eps)).astype(x.dtype) * scale
