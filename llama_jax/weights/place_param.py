"""One parameter onto its devices, in pieces that the host can spare the memory for."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec, Sharding

# A larger stacked parameter goes to the devices a layer at a time.
STAGING_BYTES = 16 * 2**20

ReadPart = Callable[[int | None, tuple[slice, ...]], np.ndarray]


def place_param(
    shape: tuple[int, ...],
    dtype: np.dtype,
    sharding: Sharding | None,
    read: ReadPart,
    *,
    stacked: bool,
) -> jax.Array:
    """The parameter as a JAX array.

    Args:
        shape: of the whole parameter.
        dtype: of what `read` returns.
        sharding: where it lies; None for the default device.
        read: of a layer (None without layers) and an index of it, these values.
        stacked: the first dimension counts layers.
    """
    large = np.prod(shape) * dtype.itemsize > STAGING_BYTES
    if stacked and large and not _splits_layers(sharding):
        return _layer_by_layer(shape, dtype, sharding, read)
    known: dict[str, np.ndarray] = {}  # devices that hold the same part share it on the host

    def part(index: tuple[slice, ...]) -> np.ndarray:
        key = str(index)
        if key not in known:
            known[key] = _stack(read, index, shape[0]) if stacked else read(None, index)
        return known[key]

    if sharding is None:
        return jax.device_put(part((slice(None),) * len(shape)))  # jnp.asarray would copy twice
    return jax.make_array_from_callback(shape, sharding, part, dtype=dtype)


def _stack(read: ReadPart, index: tuple[slice, ...], layers: int) -> np.ndarray:
    chosen = range(layers)[index[0]]
    first = read(chosen[0], index[1:])
    stacked = np.empty((len(chosen), *first.shape), first.dtype)
    stacked[0] = first
    for row, layer in enumerate(chosen[1:], start=1):
        stacked[row] = read(layer, index[1:])
    return stacked


def _splits_layers(sharding: Sharding | None) -> bool:
    """Whether a layer is not an array of its own under this sharding, or that is not known."""
    if sharding is None:
        return False
    return not isinstance(sharding, NamedSharding) or (
        len(sharding.spec) > 0 and sharding.spec[0] is not None
    )


def _layer_by_layer(shape, dtype, sharding, read: ReadPart) -> jax.Array:
    """Zeros on the devices that take one layer after the other, in place."""
    options = {} if sharding is None else {"out_shardings": sharding}
    whole = jax.jit(functools.partial(jnp.zeros, shape, dtype), **options)()
    write = jax.jit(
        jax.lax.dynamic_update_index_in_dim, donate_argnums=0, static_argnums=3, **options
    )
    of_layer = None
    if sharding is not None:
        of_layer = NamedSharding(sharding.mesh, PartitionSpec(*sharding.spec[1:]))
    for layer in range(shape[0]):

        def of_this(_, index, layer=layer):
            return read(layer, index)

        piece = place_param(shape[1:], dtype, of_layer, of_this, stacked=False)
        whole = jax.block_until_ready(write(whole, piece, np.int32(layer), 0))
    return whole
