"""The optimizer of Llama 2 as one optax chain: clip, AdamW, warm-up and cosine.

Source [P]: Touvron et al. 2023b, section 2.2 and Table 1.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from llama_jax.errors import InputError


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW and its learning rate; the defaults are those of Llama 2 7B and 13B [P].

    Attributes:
        peak_learning_rate: 3e-4 for 7B and 13B, 1.5e-4 for 34B and 70B [P, Table 1].
        steps: length of the schedule. [P] gives 2.0T tokens in batches of "4M"; 476,837 takes that
            as 4 * 2**20 tokens (4,000,000 would be 500,000 steps).
        warmup_steps: linear from 0 to the peak [P].
        final_fraction: the cosine ends at this part of the peak [P: 10 %].
        b1: decay of the first moment [P].
        b2: decay of the second moment [P].
        eps: added to the root of the second moment [P: 1e-5; Llama 1 states none].
        weight_decay: decoupled, times the learning rate, on everything but norm gains. [P] gives
            0.1 and does not say on what; leaving out gains is the usual choice and ours.
        clip_norm: gradients with a larger global norm are scaled down to it [P].
    """

    peak_learning_rate: float = 3e-4
    steps: int = 476_837
    warmup_steps: int = 2000
    final_fraction: float = 0.1
    b1: float = 0.9
    b2: float = 0.95
    eps: float = 1e-5
    weight_decay: float = 0.1
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.warmup_steps < self.steps:
            raise InputError(
                f"optimizer: warmup_steps {self.warmup_steps} must be at least 0 and below steps "
                f"{self.steps}"
            )
        for name in ("peak_learning_rate", "eps", "clip_norm"):
            if not getattr(self, name) > 0:
                raise InputError(f"optimizer: {name} is {getattr(self, name)}; it must be above 0")
        for name in ("b1", "b2", "final_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"optimizer: {name} is {getattr(self, name)}; it must be in 0 .. 1"
                )
        if self.weight_decay < 0:
            raise InputError(
                f"optimizer: weight_decay is {self.weight_decay}; it must not be negative"
            )


LLAMA2_7B = LLAMA2_13B = OptimizerConfig()
LLAMA2_34B = LLAMA2_70B = dataclasses.replace(OptimizerConfig(), peak_learning_rate=1.5e-4)


class Optimizer(NamedTuple):
    """An optax transformation together with the learning rate that it applies."""

    init: Callable
    update: Callable
    learning_rate: optax.Schedule


def learning_rate(config: OptimizerConfig) -> optax.Schedule:
    """The learning rate of step 0, 1, ...: a function of an int or an int array.

        step < warmup    peak * step / warmup
        step <= steps    peak * (f + (1 - f) (1 + cos(pi (step - warmup) / (steps - warmup))) / 2)
        beyond           peak * f                                    f = final_fraction

    Step 0 has learning rate 0 when there is a warm-up: it only fills the moments.
    """
    return optax.warmup_cosine_decay_schedule(
        init_value=0.0 if config.warmup_steps else config.peak_learning_rate,
        peak_value=config.peak_learning_rate,
        warmup_steps=config.warmup_steps,
        decay_steps=config.steps,
        end_value=config.final_fraction * config.peak_learning_rate,
    )


def decay_mask(params: dict) -> dict:
    """True for the parameters that weight decay acts on: all but those called `scale`.

    By path, not by rank: the gains of stacked layers are matrices [L, D].
    """
    return jax.tree_util.tree_map_with_path(
        lambda path, _: jax.tree_util.keystr(path[-1:], simple=True) != "scale", params
    )


def make_optimizer(config: OptimizerConfig) -> Optimizer:
    """Clip by global norm, AdamW with decoupled decay, schedule.

        g <- g * min(1, clip_norm / |g|)
        m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2
        p <- p - learning_rate(step) (m' / (sqrt(v') + eps) + weight_decay p)

    with m' = m / (1 - b1^t) and v' = v / (1 - b2^t) at update t = step + 1. The first moment is
    float32 whatever the parameters are.
    """
    schedule = learning_rate(config)
    chain = optax.chain(
        optax.clip_by_global_norm(config.clip_norm),
        optax.adamw(
            schedule,
            b1=config.b1,
            b2=config.b2,
            eps=config.eps,
            weight_decay=config.weight_decay,
            mu_dtype=jnp.float32,
            mask=decay_mask,
        ),
    )
    return Optimizer(chain.init, chain.update, schedule)
