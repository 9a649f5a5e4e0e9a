"""Where the engine's arrays live: on one device, or on a mesh of `llama_jax.sharding`.

Rows are split over the mesh axis `data`; heads, feed-forward columns and the vocabulary over
`tensor`. Parameters are whole along `data`, so that replicas do not have to exchange anything. The
compiler is told where arrays are put, and in one place more (`split_rows`); it finds the rest.

On several hosts (`jax.distributed.initialize()` first) every process runs the same calls with the
same items, puts on its devices what lies there, and gets all of the results.
"""

import contextlib
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Shaped

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.sharding import PARAMETER_SPECS


@dataclass(frozen=True)
class Placement:
    """Puts arrays on the devices and reads them back.

    Attributes:
        mesh: axes "data" and "tensor" (and what else `make_mesh` gives); None for one device.
    """

    mesh: Mesh | None = None

    @property
    def data(self) -> int:
        """Groups of devices that each have rows of their own."""
        return 1 if self.mesh is None else self.mesh.shape["data"]

    @property
    def tensor(self) -> int:
        """Devices that share the work on a row."""
        return 1 if self.mesh is None else self.mesh.shape["tensor"]

    def context(self) -> contextlib.AbstractContextManager:
        """To compile and call in; without it `split_rows` says nothing."""
        return contextlib.nullcontext() if self.mesh is None else jax.set_mesh(self.mesh)

    def check(self, config: LlamaConfig) -> None:
        """Refuses a mesh that the heads do not divide over.

        Raises:
            InputError: with both numbers.
        """
        for count, what in ((config.heads, "heads"), (config.kv_heads, "key/value heads")):
            if count % self.tensor:
                raise InputError(
                    f"{count} {what} do not divide over tensor parallelism {self.tensor}; choose a "
                    f"number that divides {config.heads} heads and {config.kv_heads} key/value "
                    f"heads"
                )

    def params(self, tree: dict, dtype=None) -> dict:
        """Parameters in the stacked or the per-layer layout, in `dtype`.

        A part never exists on a device that does not need it. A dimension that does not divide over
        the devices (a vocabulary of 32,001) is whole on each of them.
        """
        if self.mesh is None:
            return jax.tree.map(lambda array: jnp.asarray(array, dtype), tree)

        def place(path, array):
            kind = array.dtype if dtype is None else dtype
            return self._put(array.astype(kind), self._parameter_spec(path, array.shape))

        return jax.tree_util.tree_map_with_path(place, tree)

    def parameter_sharding(self, path: str, shape: tuple[int, ...]) -> NamedSharding | None:
        """Where `params` puts a parameter of the stacked layout; None for the default device.

        Args:
            path: its parts joined by slashes: "layers/attention/query".
            shape: of the whole parameter.
        """
        if self.mesh is None:
            return None
        keys = tuple(jax.tree_util.DictKey(part) for part in path.split("/"))
        return NamedSharding(self.mesh, self._shortest(self._parameter_spec(keys, shape)))

    def padded_rows(self, array: np.ndarray) -> Array | np.ndarray:
        """[B, ...] split over `data`; the last row is repeated until B divides.

        For what goes into a call whose results are read by row number: the rows that were added
        stand behind all others, and nobody reads them.
        """
        if self.mesh is None:
            return array
        more = -len(array) % self.data
        return self.rows(np.concatenate([array, np.repeat(array[-1:], more, axis=0)]))

    def rows(self, tree: Any) -> Any:
        """Arrays with a row per sequence, split over `data`; whole where their number divides not.

        Keys and values, [..., B, K, S, H], are split over `tensor` by heads as well.
        """
        if self.mesh is None:
            return tree

        def place(array):
            cache = array.ndim >= 4
            size = array.shape[-4 if cache else 0]
            axis = None if size % self.data else "data"
            leading = (None,) * (array.ndim - 4)
            return self._put(array, P(*leading, axis, "tensor", None, None) if cache else P(axis))

        return jax.tree.map(place, tree)

    def replicated(self, tree: Any) -> Any:
        """Arrays that every device has whole."""
        return tree if self.mesh is None else jax.tree.map(lambda a: self._put(a, P()), tree)

    def read(self, array: Array | np.ndarray) -> np.ndarray:
        """The whole array on every host."""
        on_host = not isinstance(array, jax.Array)
        if on_host or array.is_fully_addressable or array.is_fully_replicated:
            return np.asarray(array)
        return np.asarray(multihost_utils.process_allgather(array, tiled=True))

    def _put(self, array: Any, spec: P) -> Array:
        sharding = NamedSharding(self.mesh, self._shortest(spec))
        if isinstance(array, jax.Array) and array.sharding == sharding:
            return array
        if sharding.is_fully_addressable:
            return jax.device_put(array, sharding)
        if isinstance(array, jax.Array) and not array.is_fully_addressable:
            return jax.jit(lambda a: a, out_shardings=sharding)(array)
        host = np.asarray(array)
        return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])

    def _shortest(self, spec: P) -> P:
        """As the compiler spells it, so that arrays that were put need no program of their own."""
        axes = [None if axis is None or self.mesh.shape[axis] == 1 else axis for axis in spec]
        while axes and axes[-1] is None:
            axes.pop()
        return P(*axes)

    def _parameter_spec(self, path: tuple, shape: tuple[int, ...]) -> P:
        if self.tensor == 1:
            return P()
        parts = jax.tree_util.keystr(path, simple=True, separator=".").split(".")
        per_layer = parts[0] == "layers" and parts[1].isdigit()
        name = ".".join([parts[0], *parts[2:]] if per_layer else parts)
        if name not in PARAMETER_SPECS:
            raise InputError(
                f"{name}: parameters in this layout are not split over tensor parallelism "
                f"{self.tensor}; use 1, or the parameters as `decoder.init` gives them"
            )
        axes = PARAMETER_SPECS[name][1 if per_layer else 0 :]
        # Replicas hold all of the parameters: no "fsdp" here. Specs may end before the shape does.
        split = (
            axis == "tensor" and size % self.tensor == 0
            for axis, size in zip(axes, shape, strict=False)
        )
        return P(*("tensor" if divides else None for divides in split))


def split_rows(array: Shaped[Array, "R ..."]) -> Shaped[Array, "R ..."]:
    """Tells the compiler, inside of `Placement.context`, to split the first dimension over `data`.

    For rows that it would compute on every device otherwise; outside of a mesh nothing changes.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if "data" not in mesh.axis_names or array.shape[0] % mesh.shape["data"]:
        return array
    return jax.lax.with_sharding_constraint(array, P("data"))
