import jax.numpy as jnp
import numpy as np
from reference import numpy_llama

from llama_jax.model.norm import rms_norm


def test_hand_worked():
    # mean square of [3, 4] is 12.5; with eps 12.5 the root is 5
    out = rms_norm(jnp.array([3.0, 4.0]), jnp.array([10.0, 5.0]), 12.5)
    np.testing.assert_allclose(out, [6.0, 4.0], rtol=1e-6)


def test_equals_float64():
    rng = np.random.default_rng(0)
    x, scale = rng.normal(size=(3, 5, 64)) * 7, rng.normal(size=64)
    out = rms_norm(jnp.asarray(x, jnp.float32), jnp.asarray(scale, jnp.float32), 1e-5)
    np.testing.assert_allclose(out, numpy_llama.rms_norm(x, scale, 1e-5), rtol=1e-6, atol=1e-6)


def test_bfloat16_is_normalised_in_float32_and_cast_before_the_scale():
    x = jnp.asarray(np.random.default_rng(1).normal(size=(4, 256)), jnp.bfloat16)
    scale = jnp.full(256, 1.5, jnp.bfloat16)
    x64 = np.asarray(x, np.float64)
    expected = jnp.asarray(numpy_llama.rms_norm(x64, 1.0, 1e-5), jnp.bfloat16) * scale
    out = rms_norm(x, scale, 1e-5)
    assert out.dtype == jnp.bfloat16
    np.testing.assert_array_equal(np.asarray(out, np.float32), np.asarray(expected, np.float32))
