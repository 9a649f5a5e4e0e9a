"""Next-token cross-entropy, as sums and counts that add up over batches, chunks and devices."""

import functools

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


@functools.partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def chunked_cross_entropy(
    hidden: Float[Array, "B T D"],
    output: Float[Array, "D V"],
    targets: Int[Array, "B T"],
    mask: Shaped[Array, "B T"],
    chunk: int,
    z_loss: float = 0.0,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """`cross_entropy` of `hidden @ output` that never holds logits for more than B x chunk tokens.

    Where a gradient is asked for, it is made chunk by chunk together with the loss: the logits of a
    chunk are turned into their gradient, multiplied into those of `hidden` and `output`, and
    forgotten. Nothing is computed twice, and memory does not grow with T. Chunks are cut along T,
    so that a batch that is sharded along B stays where it is.

    Args:
        hidden: states after the final norm.
        output: the output projection (the transposed embedding when tied); multiplied in the dtype
            of `hidden`, its gradient added up in float32.
        targets: as for `cross_entropy`.
        mask: as for `cross_entropy`; no gradient flows to it.
        chunk: positions of each row at a time, at least 1; T need not be a multiple.
        z_loss: as for `cross_entropy`.

    Returns:
        (sum, count), float32 scalars, equal to the plain ones up to rounding; so are the gradients.
    """

    def add(totals, inputs):
        hidden, targets, mask = inputs
        loss, count = cross_entropy(_logits(hidden, output), targets, mask, z_loss)
        return (totals[0] + loss, totals[1] + count), None

    zero = (jnp.float32(0), jnp.float32(0))
    return jax.lax.scan(add, zero, _chunks(chunk, hidden, targets, mask))[0]


def _with_gradient(hidden, output, targets, mask, chunk, z_loss):
    """The forward pass under differentiation: (sum, count), and the gradients of the sum."""

    def add(totals, inputs):
        hidden, targets, mask = inputs
        # What does not count is emptied here too: 0 * NaN would reach the gradient of `output`.
        hidden = jnp.where(mask[..., None] != 0, hidden, 0)
        losses, gradient = _losses_and_gradient(_logits(hidden, output), targets, mask, z_loss)
        gradient = gradient.astype(hidden.dtype)
        rows, gradient = (a.reshape(-1, a.shape[-1]) for a in (hidden, gradient))
        to_hidden = jnp.einsum("MV,DV->MD", gradient, output.astype(hidden.dtype))
        to_hidden = to_hidden.reshape(hidden.shape)
        to_output = jnp.einsum("MD,MV->DV", rows, gradient, preferred_element_type=jnp.float32)
        loss, count, sum_output = totals
        added = (loss + losses, count + jnp.sum(mask, dtype=jnp.float32), sum_output + to_output)
        return added, to_hidden

    zero = (jnp.float32(0), jnp.float32(0), jnp.zeros(output.shape, jnp.float32))
    inputs = _chunks(chunk, hidden, targets, mask)
    (loss, count, to_output), to_hidden = jax.lax.scan(add, zero, inputs)
    to_hidden = jnp.moveaxis(to_hidden, 0, 1).reshape(len(hidden), -1, hidden.shape[2])
    return (loss, count), (to_hidden[:, : hidden.shape[1]], to_output.astype(output.dtype))


def _scale_gradient(chunk, z_loss, gradients, cotangents):
    scale = cotangents[0]
    to_hidden, to_output = ((g * scale).astype(g.dtype) for g in gradients)
    return to_hidden, to_output, None, None


chunked_cross_entropy.defvjp(_with_gradient, _scale_gradient)


def _losses_and_gradient(logits, targets, mask, z_loss):
    """The summed loss of a chunk and its gradient in the logits, by hand.

    d loss_i / d logits_i = mask_i (softmax_i (1 + 2 z_loss log Z_i) - onehot_i)
    """
    weights = mask.astype(jnp.float32)[..., None]
    log_z = jax.nn.logsumexp(logits, axis=-1, keepdims=True)
    # Clipped: where a target does not count it may be any number, and 0 * NaN would count.
    target_logits = jnp.take_along_axis(logits, targets[..., None], axis=-1, mode="clip")
    losses = log_z - target_logits + z_loss * jnp.square(log_z)
    is_target = jnp.arange(logits.shape[-1]) == targets[..., None]
    # One expression of a logit and of numbers of its row, so that it is one pass over the logits.
    softmax_weights = weights * (1 + 2 * z_loss * log_z)
    softmax = jnp.exp(logits - log_z) * softmax_weights
    return jnp.sum(weights * losses), softmax - jnp.where(is_target, weights, 0.0)


def _logits(hidden: Float[Array, "B T D"], output: Float[Array, "D V"]) -> Float[Array, "B T V"]:
    output = output.astype(hidden.dtype)
    return jnp.einsum("BTD,DV->BTV", hidden, output, preferred_element_type=jnp.float32)


def _chunks(chunk: int, *arrays: Array) -> tuple[Array, ...]:
    """Each [B, T, ...] as [C, B, t, ...] of C chunks along T, the last filled up with zeros."""
    length = arrays[0].shape[1]
    count = -(-length // min(chunk, length))
    size = -(-length // count)

    def cut(array: Array) -> Array:
        rest = ((0, 0),) * (array.ndim - 2)
        padded = jnp.pad(array, ((0, 0), (0, count * size - length), *rest))
        return jnp.moveaxis(padded.reshape(len(array), count, size, *array.shape[2:]), 1, 0)

    return tuple(cut(array) for array in arrays)
