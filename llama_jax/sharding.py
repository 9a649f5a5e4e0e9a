"""Where arrays live on a mesh: one table from parameter path to partition.

The mesh has three axes: `data` (rows of the batch), `fsdp` (rows of the batch, and the parameters
split along D), `tensor` (heads and feed-forward columns). A batch is split over data and fsdp.
"""

from collections.abc import Mapping
from typing import Any

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from llama_jax.errors import InputError

AXES = ("data", "fsdp", "tensor")

# Stacked parameters; the leading L is never split. The comment gives the letters of each dimension.
PARAMETER_SPECS: dict[str, PartitionSpec] = {
    "embedding": PartitionSpec("tensor", "fsdp"),  # V D
    "layers.attention_norm.scale": PartitionSpec(),  # L D
    "layers.attention.query": PartitionSpec(None, "fsdp", "tensor", None),  # L D N H
    "layers.attention.key": PartitionSpec(None, "fsdp", "tensor", None),  # L D K H
    "layers.attention.value": PartitionSpec(None, "fsdp", "tensor", None),  # L D K H
    "layers.attention.output": PartitionSpec(None, "tensor", None, "fsdp"),  # L N H D
    "layers.feed_forward_norm.scale": PartitionSpec(),  # L D
    "layers.feed_forward.gate": PartitionSpec(None, "fsdp", "tensor"),  # L D F
    "layers.feed_forward.up": PartitionSpec(None, "fsdp", "tensor"),  # L D F
    "layers.feed_forward.down": PartitionSpec(None, "tensor", "fsdp"),  # L F D
    "final_norm.scale": PartitionSpec(),  # D
    "output": PartitionSpec("fsdp", "tensor"),  # D V
}

BATCH_SPEC = PartitionSpec(("data", "fsdp"))  # B ...


def make_mesh(data: int = 1, fsdp: int = 1, tensor: int = 1) -> Mesh:
    """A mesh over the first data x fsdp x tensor devices.

    Axis types are Auto: the compiler propagates shardings (`jax.make_mesh` would default to
    Explicit, under which plain indexing of a sharded array is an error).
    """
    needed, present = data * fsdp * tensor, jax.device_count()
    if needed > present:
        raise InputError(
            f"mesh data {data} x fsdp {fsdp} x tensor {tensor} needs {needed} devices; JAX sees "
            f"{present}"
        )
    types = (AxisType.Auto,) * len(AXES)
    return jax.make_mesh(
        (data, fsdp, tensor), AXES, axis_types=types, devices=jax.devices()[:needed]
    )


def mesh_of(devices: int | None = None, tensor_parallel: int = 1) -> Mesh | None:
    """A mesh for inference of `devices` devices, of which `tensor_parallel` share a row.

    Args:
        devices: in all; None for as many as share a row.
        tensor_parallel: each has a part of the parameters.

    Returns:
        None for a single device.

    Raises:
        InputError: they are more than there are, or do not divide.
    """
    devices = tensor_parallel if devices is None else devices
    if devices < 1 or tensor_parallel < 1:
        raise InputError(
            f"devices {devices} and tensor parallelism {tensor_parallel}: both must be at least 1"
        )
    if devices % tensor_parallel:
        raise InputError(
            f"{devices} devices do not divide by tensor parallelism {tensor_parallel}; use a "
            f"multiple of {tensor_parallel}"
        )
    present = jax.device_count()
    if devices > present:
        raise InputError(
            f"{devices} devices are asked for and JAX sees {present}: use {present} at most (see "
            f"`llama-jax doctor`); JAX_NUM_CPU_DEVICES={devices} simulates them on a CPU"
        )
    if devices == 1:
        return None
    return make_mesh(data=devices // tensor_parallel, tensor=tensor_parallel)


def parameter_shardings(params: Mapping, mesh: Mesh) -> dict:
    """The tree of `params` (arrays or ShapeDtypeStructs, stacked) with a NamedSharding per leaf."""

    def sharding(path, leaf):
        return _sharding(jax.tree_util.keystr(path, simple=True, separator="."), leaf.shape, mesh)

    return jax.tree_util.tree_map_with_path(sharding, params)


def state_shardings(state: Any, mesh: Mesh) -> Any:
    """The tree of a training state (arrays or shapes) with a NamedSharding per leaf.

    Leaves whose path ends like a parameter's (the parameters, and the optimizer's moments of them)
    are split like it; the others, such as counters, are on every device.
    """

    def sharding(path, leaf):
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        owners = [p for p in PARAMETER_SPECS if name == p or name.endswith("." + p)]
        if not owners:
            return NamedSharding(mesh, PartitionSpec())
        return _sharding(max(owners, key=len), leaf.shape, mesh)

    return jax.tree_util.tree_map_with_path(sharding, state)


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """Rows split over data and fsdp."""
    return NamedSharding(mesh, BATCH_SPEC)


def check_batch(rows: int, accumulation: int, mesh: Mesh | None) -> None:
    """Refuses a batch whose microbatches do not divide over the mesh (None for one device).

    Raises:
        InputError: with the nearest sizes that do.
    """
    data, fsdp = (1, 1) if mesh is None else (mesh.shape["data"], mesh.shape["fsdp"])
    ways = data * fsdp
    unit = ways * accumulation
    if rows < unit or rows % unit:
        lower = rows - rows % unit
        would = f"{lower} or {lower + unit}" if lower else f"{unit}"
        raise InputError(
            f"a batch of {rows} rows does not divide over data {data} x fsdp {fsdp} devices with "
            f"{accumulation} microbatches; {would} would"
        )


def _sharding(name: str, shape: tuple[int, ...], mesh: Mesh) -> NamedSharding:
    spec = PARAMETER_SPECS[name]
    for size, axis in zip(shape, spec, strict=False):
        if axis is not None and size % mesh.shape[axis]:
            raise InputError(
                f"{name} {shape}: {size} does not divide over {mesh.shape[axis]} devices of mesh "
                f"axis {axis!r}; choose a mesh whose {axis} divides it"
            )
    return NamedSharding(mesh, spec)
