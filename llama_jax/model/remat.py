"""Rematerialisation: what the backward pass computes again instead of keeping it.

none           keeps everything
full           keeps each layer's input
dots           keeps the results of all matrix products
dots_no_batch  keeps those of products with weights, and what attention gives, not its scores
attention      keeps everything but what is inside attention (see `make_self_attention`)

What it costs is time: "full" a third more, the others less.
"""

from collections.abc import Callable

import jax

from llama_jax.model.attention_by_heads import SAVED

_POLICIES = {
    "full": None,
    "dots": jax.checkpoint_policies.dots_saveable,
    "dots_no_batch": jax.checkpoint_policies.save_from_both_policies(
        jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
        jax.checkpoint_policies.save_only_these_names(*SAVED),
    ),
}


def rematerialise(layer: Callable, policy: str) -> Callable:
    """`layer` with the named policy; "none" and "attention" leave it as it is."""
    if policy in ("none", "attention"):
        return layer
    return jax.checkpoint(layer, policy=_POLICIES[policy])
