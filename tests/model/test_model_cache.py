import jax.numpy as jnp
import numpy as np
import pytest

from llama_jax.model.cache import write


@pytest.mark.parametrize("rows, tokens", [(1, 1), (1, 3), (3, 1), (2, 3)])
@pytest.mark.parametrize("length", [0, 2, 4, 5, 7])
def test_write_puts_what_fits_behind_what_is_there(rows, tokens, length):
    heads, slots, size = 2, 5, 4
    rng = np.random.default_rng(0)
    buffer = rng.normal(size=(rows, heads, slots, size)).astype(np.float32)
    new = rng.normal(size=(rows, tokens, heads, size)).astype(np.float32)
    lengths = (length + np.arange(rows)) % 8
    expected = buffer.copy()
    for row in range(rows):
        for token in range(tokens):
            if lengths[row] + token < slots:
                expected[row, :, lengths[row] + token] = new[row, token]
    got = write(jnp.asarray(buffer), jnp.asarray(new), jnp.asarray(lengths, jnp.int32))
    np.testing.assert_array_equal(got, expected)
