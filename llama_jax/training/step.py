"""One optimizer step as one pure function of arrays; jit, meshes and pmap are the caller's choice.

`train_step` has no host calls and no state of its own. Under `jit` with NamedSharding it is used as
it is; under `pmap`, `axis_name` adds the gradients of all devices, token-weighted.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from llama_jax.config import LlamaConfig
from llama_jax.data.packing import Rows
from llama_jax.model import decoder
from llama_jax.training.loss import chunked_cross_entropy, cross_entropy
from llama_jax.training.optimizer import Optimizer
from llama_jax.training.options import PLAIN as PLAIN
from llama_jax.training.options import StepOptions as StepOptions


class TrainState(NamedTuple):
    """What a step takes and gives back.

    Attributes:
        step: optimizer updates done so far; scalar int32.
        params: the decoder's nested dict.
        opt_state: optax's, moments in the shape of `params`.
    """

    step: Array
    params: dict
    opt_state: optax.OptState


LossOptions = StepOptions


def init_state(
    key: Array, config: LlamaConfig, optimizer: Optimizer, dtype=jnp.float32
) -> TrainState:
    """The state before the first step. Pure: call it under `jit` with out_shardings on a mesh."""
    params = decoder.init(key, config, dtype)
    return TrainState(jnp.zeros((), jnp.int32), params, optimizer.init(params))


def summed_loss(
    params: dict, batch: Rows, config: LlamaConfig, options: LossOptions
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """(sum, count) of the next-token loss of a batch [B, T]; see `cross_entropy`."""
    hidden, _ = decoder.forward(
        params,
        config,
        batch.tokens,
        positions=batch.positions,
        segment_ids=batch.segment_ids,
        remat=options.remat != "none",
    )
    with jax.named_scope("loss"):
        if options.chunk is None:
            logits = decoder.logits(params, config, hidden)
            return cross_entropy(logits, batch.targets, batch.loss_mask, options.z_loss)
        output = params["embedding"].T if config.tied_embeddings else params["output"]
        return chunked_cross_entropy(
            hidden, output, batch.targets, batch.loss_mask, options.chunk, options.z_loss
        )


def train_step(
    state: TrainState,
    batch: Rows,
    *,
    config: LlamaConfig,
    optimizer: Optimizer,
    options: LossOptions = PLAIN,
    axis_name: str | None = None,
) -> tuple[TrainState, dict[str, Array]]:
    """One update from one batch.

    Args:
        state: before the step.
        batch: rows [B, T]; under `pmap` this device's.
        config: the model.
        optimizer: from `make_optimizer`, or any optax transformation with its learning rate.
        options: of the loss.
        axis_name: the mapped axis under `pmap`; None under `jit`, whose arrays are global.

    Returns:
        The state after the step, and scalars: `loss` (nats per target token, before the update;
        with the z-loss if there is one), `tokens` (targets in the batch), `gradient_norm` (global,
        before clipping), `parameter_norm` (global, before the update), `learning_rate`. A batch
        without targets has loss 0 and gradient 0.
    """

    def loss_and_count(params):
        return summed_loss(params, batch, config, options)

    (loss, count), gradients = jax.value_and_grad(loss_and_count, has_aux=True)(state.params)
    if axis_name is not None:
        loss, count, gradients = jax.lax.psum((loss, count, gradients), axis_name)
    # Sums are divided once, by the tokens of the whole batch, so that every token weighs the same
    # wherever it stands; in float32, since a count has more digits than bfloat16.
    tokens = jnp.maximum(count, 1.0)
    gradients = jax.tree.map(lambda g: (g / tokens).astype(g.dtype), gradients)
    with jax.named_scope("optimizer"):
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
    metrics = {
        "loss": loss / tokens,
        "tokens": count,
        "gradient_norm": optax.tree.norm(gradients),
        "parameter_norm": optax.tree.norm(state.params),
        "learning_rate": jnp.asarray(optimizer.learning_rate(state.step), jnp.float32),
    }
    return TrainState(state.step + 1, params, opt_state), metrics


def eval_step(
    params: dict, batch: Rows, *, config: LlamaConfig, options: LossOptions = PLAIN
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """(sum, count) of the loss of a batch, without z-loss; add up, then divide once."""
    return summed_loss(params, batch, config, LossOptions(options.remat, options.chunk))


def compile_train_step(
    config: LlamaConfig, optimizer: Optimizer, options: LossOptions = PLAIN, **jit_options
) -> Callable[[TrainState, Rows], tuple[TrainState, dict[str, Array]]]:
    """`train_step` under `jax.jit`; the memory of the state that is passed in is reused.

    `jit_options` go to `jax.jit`, for example in_shardings and out_shardings.
    """
    step = functools.partial(train_step, config=config, optimizer=optimizer, options=options)
    return jax.jit(step, donate_argnums=0, **jit_options)


def compile_eval_step(
    config: LlamaConfig, options: LossOptions = PLAIN, **jit_options
) -> Callable[[dict, Rows], tuple[Array, Array]]:
    """`eval_step` under `jax.jit`."""
    return jax.jit(functools.partial(eval_step, config=config, options=options), **jit_options)
