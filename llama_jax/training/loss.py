"""Next-token cross-entropy, as sums and counts that add up over batches, chunks and devices."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped


def cross_entropy(
    logits: Float[Array, "*batch V"],
    targets: Int[Array, "*batch"],
    mask: Shaped[Array, "*batch"],
    z_loss: float = 0.0,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Summed negative log-likelihood of the targets, in nats, and the number of targets.

        sum = sum_i mask_i (log Z_i - logits_i[target_i] + z_loss (log Z_i)^2)
        count = sum_i mask_i,   log Z_i = log sum_v exp(logits_i[v])

    The mean loss is sum / count; divide once, after adding up everything.

    Args:
        logits: any float dtype; the loss is computed in float32.
        targets: ids in 0 .. V - 1 where `mask` is not 0; anything elsewhere.
        mask: 1 where a target counts, 0 where not (or weights); any dtype. Logits that are not
            finite do no harm where it is 0.
        z_loss: weight that pulls log Z towards 0 (PaLM, section 5, takes 1e-4); Llama 2 has none.

    Returns:
        (sum, count), float32 scalars.
    """
    logits = logits.astype(jnp.float32)
    weights = mask.astype(jnp.float32)
    # Rows that do not count are emptied before the softmax: a NaN there would otherwise come back
    # in the gradient, as 0 * NaN.
    logits = jnp.where(weights[..., None] != 0, logits, 0.0)
    log_z = jax.nn.logsumexp(logits, axis=-1)
    # A comparison instead of a gather: it stays local when V is sharded over devices.
    is_target = jnp.arange(logits.shape[-1]) == targets[..., None]
    target_logits = jnp.sum(jnp.where(is_target, logits, 0.0), axis=-1)
    losses = log_z - target_logits + z_loss * jnp.square(log_z)
    return jnp.sum(weights * losses), jnp.sum(weights)


def chunked_cross_entropy(
    hidden: Float[Array, "B T D"],
    output: Float[Array, "D V"],
    targets: Int[Array, "B T"],
    mask: Shaped[Array, "B T"],
    chunk: int,
    z_loss: float = 0.0,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """`cross_entropy` of `hidden @ output` that never holds logits for more than B x chunk tokens.

    The backward pass computes each chunk's logits again instead of keeping them: one more product
    with `output`, for memory that does not grow with T. Chunks are cut along T, so that a batch
    that is sharded along B stays where it is.

    Args:
        hidden: states after the final norm.
        output: the output projection (the transposed embedding when tied).
        targets: as for `cross_entropy`.
        mask: as for `cross_entropy`.
        chunk: positions of each row at a time, at least 1; T need not be a multiple.
        z_loss: as for `cross_entropy`.

    Returns:
        (sum, count), float32 scalars, equal to the plain ones up to rounding; so are the gradients.
    """
    length = hidden.shape[1]
    chunk = min(chunk, length)
    padding = (0, -length % chunk)

    def chunks(array: Array) -> Array:
        rest = ((0, 0),) * (array.ndim - 2)
        padded = jnp.pad(array, ((0, 0), padding, *rest))
        return jnp.moveaxis(padded.reshape(len(array), -1, chunk, *array.shape[2:]), 1, 0)

    @jax.checkpoint
    def add(totals, inputs):
        hidden, targets, mask = inputs
        logits = jnp.einsum("BTD,DV->BTV", hidden, output, preferred_element_type=jnp.float32)
        loss, count = cross_entropy(logits, targets, mask, z_loss)
        return (totals[0] + loss, totals[1] + count), None

    zero = (jnp.float32(0), jnp.float32(0))
    return jax.lax.scan(add, zero, (chunks(hidden), chunks(targets), chunks(mask)))[0]
