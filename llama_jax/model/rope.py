"""Rotary position embeddings (Su et al. 2021), with the frequency scaling of Llama 3.1.

The two numbers that one angle turns are channel i and channel i + H/2 of a head (split halves).
Meta's code and llama2.c turn neighbours, 2i and 2i + 1; their readers permute the query and key
weights, so that one layout is left here. Scores are the same: a permutation of the channels of
both queries and keys does not change their products.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from llama_jax.config import LlamaConfig, RopeScaling


def rope_frequencies(config: LlamaConfig) -> np.ndarray:
    """Radians per token of each of the H/2 rotating pairs, float32, computed in float64.

    theta ** (-2i / H), then scaled as in Llama 3.1 where the configuration says so.
    """
    exponents = np.arange(0, config.head_size, 2, dtype=np.float64) / config.head_size
    frequencies = config.rope_theta**-exponents
    if config.rope_scaling is not None:
        frequencies = scale_frequencies(frequencies, config.rope_scaling)
    return frequencies.astype(np.float32)


def scale_frequencies(frequencies: np.ndarray, scaling: RopeScaling) -> np.ndarray:
    """Llama 3.1's scaling (meta-llama/llama-models, model.py, apply_scaling).

    With wavelength w = 2 pi / frequency and C the original context: w > C / low is divided by
    `factor`; w < C / high is kept; in between, a blend that is linear in C / w.
    """
    turns = scaling.original_context * frequencies / (2 * np.pi)  # full turns within C tokens
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    kept = np.clip((turns - low) / (high - low), 0.0, 1.0)
    return (1 - kept) * frequencies / scaling.factor + kept * frequencies


def rope_angles(
    positions: Int[Array, "*batch T"], frequencies: Float[np.ndarray, "half"]
) -> tuple[Float[Array, "*batch T half"], Float[Array, "*batch T half"]]:
    """Sine and cosine of position times frequency.

    Float32 always: bfloat16 rounds position 257 to 256, and sin(257) is another number.
    """
    angles = positions[..., None].astype(jnp.float32) * jnp.asarray(frequencies)
    return jnp.sin(angles), jnp.cos(angles)


def apply_rope(
    x: Float[Array, "*batch T heads H"],
    sin: Float[Array, "*#batch T half"],
    cos: Float[Array, "*#batch T half"],
) -> Float[Array, "*batch T heads H"]:
    """Turns channel pairs (i, i + H/2) of every head by the angle of its position.

        [x1, x2] -> [x1 cos - x2 sin, x2 cos + x1 sin]

    Computed in float32, returned in the dtype of `x`.
    """
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    sin, cos = sin[..., None, :], cos[..., None, :]
    turned = [first * cos - second * sin, second * cos + first * sin]
    return jnp.concatenate(turned, axis=-1).astype(x.dtype)
