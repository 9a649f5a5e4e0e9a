"""One optimizer step as one pure function of arrays; jit, meshes and pmap are the caller's choice.

`train_step` has no host calls and no state of its own. Under `jit` with NamedSharding it is used as
it is; under `pmap`, `axis_name` adds the gradients of all devices, token-weighted.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from llama_jax.config import LlamaConfig
from llama_jax.data.packing import Rows
from llama_jax.model import decoder
from llama_jax.model.dropout import Dropout
from llama_jax.model.self_attention import make_self_attention
from llama_jax.sharding import batch_sharding, parameter_shardings, state_shardings
from llama_jax.training.accumulation import summed_gradients
from llama_jax.training.loss import chunked_cross_entropy
from llama_jax.training.metrics import step_metrics
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


def init_state(
    key: Array, config: LlamaConfig, optimizer: Optimizer, dtype=jnp.float32
) -> TrainState:
    """The state before the first step. Pure: call it under `jit` with out_shardings on a mesh."""
    params = decoder.init(key, config, dtype)
    return TrainState(jnp.zeros((), jnp.int32), params, optimizer.init(params))


def summed_loss(
    params: dict,
    batch: Rows,
    config: LlamaConfig,
    options: StepOptions,
    dropout: Dropout | None = None,
    mesh: Mesh | None = None,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """(sum, count) of the next-token loss of a batch [B, T]; see `cross_entropy`."""
    dtype = jnp.dtype(options.compute_dtype)
    computed = jax.tree.map(lambda p: p.astype(dtype) if p.dtype != dtype else p, params)
    hidden, _ = decoder.forward(
        computed,
        config,
        batch.tokens,
        positions=batch.positions,
        segment_ids=batch.segment_ids,
        remat=options.remat,
        dropout=dropout,
        self_attention=make_self_attention(
            options.attention, options.attention_dropout, options.remat == "attention", mesh
        ),
    )
    with jax.named_scope("loss"):
        # In the parameters' dtype, so that its gradient is added up in it.
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
    options: StepOptions = PLAIN,
    axis_name: str | None = None,
    mesh: Mesh | None = None,
) -> tuple[TrainState, dict[str, Array]]:
    """One update from one batch.

    Args:
        state: before the step.
        batch: rows [B, T]; under `pmap` this device's.
        config: the model.
        optimizer: from `make_optimizer`, or any optax transformation with its learning rate.
        options: of the step.
        axis_name: the mapped axis under `pmap`; None under `jit`, whose arrays are global.
        mesh: where the parameters are split as in `sharding.PARAMETER_SPECS`, so that gradients are
            as well; None on one device.

    Returns:
        The state after the step, and scalars: `loss` (nats per target token, before the update;
        with the z-loss if there is one), `tokens` (targets in the batch), `gradient_norm` (global,
        before clipping) and `gradient_norm.GROUP` (see `metrics.GROUPS`), `parameter_norm` (global,
        before the update), `learning_rate`. A batch without targets has loss 0 and gradient 0.
    """

    def loss_of(params, rows, microbatch):
        dropout = _dropout(options, state.step, microbatch, axis_name)
        return summed_loss(params, rows, config, options, dropout, mesh)

    def place(gradients):
        if mesh is None:
            return gradients
        return jax.lax.with_sharding_constraint(gradients, parameter_shardings(gradients, mesh))

    loss, count, gradients = summed_gradients(
        loss_of, state.params, batch, options.accumulation, place
    )
    if axis_name is not None:
        loss, count, gradients = jax.lax.psum((loss, count, gradients), axis_name)
    # Sums are divided once, by the tokens of the whole batch, so that every token weighs the same
    # wherever it stands; in float32, since a count has more digits than bfloat16.
    tokens = jnp.maximum(count, 1.0)
    gradients = jax.tree.map(lambda g, p: (g / tokens).astype(p.dtype), gradients, state.params)
    with jax.named_scope("optimizer"):
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
    learning_rate = optimizer.learning_rate(state.step)
    metrics = step_metrics(loss / tokens, count, gradients, state.params, learning_rate)
    return TrainState(state.step + 1, params, opt_state), metrics


def _dropout(
    options: StepOptions, step: Array, microbatch: Array, axis_name: str | None
) -> Dropout | None:
    """What this microbatch of this step drops: a function of the seed and of both numbers."""
    if not options.drops:
        return None
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(options.seed), step), microbatch)
    if axis_name is not None:
        key = jax.random.fold_in(key, jax.lax.axis_index(axis_name))
    return Dropout(
        key, options.attention_dropout, options.residual_dropout, options.embedding_dropout
    )


def eval_step(
    params: dict,
    batch: Rows,
    *,
    config: LlamaConfig,
    options: StepOptions = PLAIN,
    mesh: Mesh | None = None,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """(sum, count) of the loss of a batch, without z-loss and dropout; add up, then divide once."""
    return summed_loss(params, batch, config, dataclasses.replace(options, z_loss=0.0), mesh=mesh)


def compile_train_step(
    config: LlamaConfig,
    optimizer: Optimizer,
    options: StepOptions = PLAIN,
    *,
    mesh: Mesh | None = None,
    **jit_options,
) -> Callable[[TrainState, Rows], tuple[TrainState, dict[str, Array]]]:
    """`train_step` under `jax.jit`; the memory of the state that is passed in is reused.

    With a mesh, states and batches are split as `state_shardings` and `batch_sharding` say, those
    that come in included. `jit_options` go to `jax.jit`.
    """
    step = functools.partial(
        train_step, config=config, optimizer=optimizer, options=options, mesh=mesh
    )
    if mesh is not None:
        make = functools.partial(init_state, config=config, optimizer=optimizer)
        state = state_shardings(jax.eval_shape(make, jax.random.key(0)), mesh)
        batch = batch_sharding(mesh)
        replicated = NamedSharding(mesh, PartitionSpec())
        shardings = {"in_shardings": (state, batch), "out_shardings": (state, replicated)}
        jit_options = {**shardings, **jit_options}
    return jax.jit(step, donate_argnums=0, **jit_options)


def compile_eval_step(
    config: LlamaConfig,
    options: StepOptions = PLAIN,
    *,
    mesh: Mesh | None = None,
    **jit_options,
) -> Callable[[dict, Rows], tuple[Array, Array]]:
    """`eval_step` under `jax.jit`; with a mesh, as `compile_train_step`."""
    step = functools.partial(eval_step, config=config, options=options, mesh=mesh)
    if mesh is not None:
        params = parameter_shardings(decoder.abstract_params(config), mesh)
        replicated = NamedSharding(mesh, PartitionSpec())
        shardings = {
            "in_shardings": (params, batch_sharding(mesh)),
            "out_shardings": (replicated, replicated),
        }
        jit_options = {**shardings, **jit_options}
    return jax.jit(step, **jit_options)


def init_on(
    key: Array, config: LlamaConfig, optimizer: Optimizer, mesh: Mesh, dtype=jnp.float32
) -> TrainState:
    """`init_state` on a mesh: every device makes its own part, and no other ever exists."""
    make = functools.partial(init_state, config=config, optimizer=optimizer, dtype=dtype)
    return jax.jit(make, out_shardings=state_shardings(jax.eval_shape(make, key), mesh))(key)
