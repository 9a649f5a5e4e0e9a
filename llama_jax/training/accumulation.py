"""Gradients of a batch, microbatch by microbatch: sums over tokens, divided by nobody yet."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from llama_jax.data.packing import Rows
from llama_jax.errors import InputError

# (params, rows, microbatch) -> (sum of the loss, number of targets)
SummedLoss = Callable[[dict, Rows, Array], tuple[Array, Array]]
Sums = tuple[Float[Array, ""], Float[Array, ""], dict]


def summed_gradients(
    loss: SummedLoss,
    params: dict,
    batch: Rows,
    accumulation: int,
    place: Callable[[dict], dict] = lambda gradients: gradients,
) -> Sums:
    """(sum of the loss, number of targets, gradient of the sum) of a batch, part by part.

    What is added up are sums, so that every token weighs the same however the tokens are spread
    over the parts; the mean of means would weigh those of a short part more.

    Args:
        loss: of some rows.
        params: float32 or bfloat16; with several parts, gradients are added up in float32.
        batch: rows [B, T]; B a multiple of `accumulation`.
        accumulation: parts, computed one after another by a scan.
        place: puts the gradients where the parameters are, on a mesh.
    """

    def one(rows: Rows, index: Int[Array, ""]) -> Sums:
        value_and_grad = jax.value_and_grad(loss, has_aux=True)
        (total, count), gradients = value_and_grad(params, rows, index)
        return total, count, place(gradients)

    if accumulation == 1:
        return one(batch, jnp.int32(0))

    def add(sums: Sums, inputs: tuple[Rows, Array]):
        total, count, gradients = one(*inputs)
        added = jax.tree.map(lambda s, g: s + g.astype(s.dtype), sums[2], gradients)
        return (sums[0] + total, sums[1] + count, added), None

    zeros = place(jax.tree.map(lambda p: jnp.zeros(p.shape, jnp.float32), params))
    start = (jnp.float32(0), jnp.float32(0), zeros)
    parts = (microbatches(batch, accumulation), jnp.arange(accumulation, dtype=jnp.int32))
    return jax.lax.scan(add, start, parts)[0]


def microbatches(batch: Rows, count: int) -> Rows:
    """Rows [B, T] as [count, B / count, T]: microbatch i has rows i, i + count, i + 2 count, ...

    Every count-th row, and not a run of them: where rows are split over devices, each device has
    its part of every microbatch already.
    """
    rows = batch.tokens.shape[0]
    if rows % count:
        divisors = [n for n in range(1, rows + 1) if not rows % n]
        raise InputError(
            f"a batch of {rows} rows does not divide into {count} microbatches; "
            f"accumulation can be {', '.join(map(str, divisors))}"
        )
    return Rows(*(jnp.swapaxes(a.reshape(-1, count, a.shape[1]), 0, 1) for a in batch))
