"""A model as results name it: digest, size, dtype, devices."""

import jax
import numpy as np
from jax.sharding import Mesh

from llama_jax import weights
from llama_jax.config import LlamaConfig
from llama_jax.evals.types import ModelInfo
from llama_jax.inference.placement import Placement
from llama_jax.model.layouts import stacked_arrays


def describe_model(
    params: dict, config: LlamaConfig, path: str, mesh: Mesh | None, weight_dtype: str | None
) -> ModelInfo:
    """What results say of a model; its digest is that of the stacked parameters.

    Args:
        params: of the decoder, in either layout.
        config: what they were built from.
        path: where they came from.
        mesh: devices that share the work; None for one.
        weight_dtype: "int8" where the engine has eight bits, or None.
    """
    device, count, how = jax.devices()[0], 1, ""
    if mesh is not None:
        count, sizes = mesh.size, mesh.shape
        how = f", data {sizes['data']} x tensor {sizes['tensor']}"
    if isinstance(params["layers"], dict):
        digest = weights.params_sha256(params, Placement(mesh).read)
    else:
        digest = weights.params_sha256(stacked_arrays(params, config))
    dtype = str(params["embedding"].dtype)
    return ModelInfo(
        path=path,
        params_sha256=digest,
        parameters=sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(params)),
        dtype=dtype if weight_dtype is None else f"{dtype}, {weight_dtype} weights",
        context=config.context,
        device=f"{count} x {device.device_kind} ({device.platform}){how}",
    )
