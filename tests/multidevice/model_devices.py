"""Run by test_model_devices.py on 4 CPU devices: attention and decoder against one device."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.model import decoder
from llama_jax.model.attention import Segment, attend, attention, causal_mask
from llama_jax.sharding import batch_sharding, make_mesh, parameter_shardings

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5)
B, T, N, K, H = 4, 6, 4, 2, 8


def draw(*shape, seed):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def report(name, ours, expected, atol=2e-6):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(expected), atol=atol)
    print(name, "equal")


def inputs():
    q, k, v = draw(B, T, N, H, seed=0), draw(B, T, K, H, seed=1), draw(B, T, K, H, seed=2)
    mask = jnp.broadcast_to(causal_mask(jnp.arange(T), jnp.arange(T)), (B, T, T))
    return q, k, v, mask


def attention_under_three_compilers():
    q, k, v, mask = inputs()
    one = jax.device_get(attention(q, k, v, mask))
    mesh = make_mesh(data=2, tensor=2)
    rows, heads = P("data"), P("data", None, "tensor")
    specs = (heads, heads, heads, rows)
    placed = [
        jax.device_put(a, NamedSharding(mesh, s))
        for a, s in zip((q, k, v, mask), specs, strict=True)
    ]
    out = jax.jit(attention)(*placed)
    assert len(out.sharding.device_set) == 4
    report("attention jit", out, one)
    mapped = jax.shard_map(attention, mesh=mesh, in_specs=specs, out_specs=heads)
    report("attention shard_map", jax.jit(mapped)(*placed), one)
    by_device = [a.reshape(4, 1, *a.shape[1:]) for a in (q, k, v, mask)]
    report("attention pmap", jax.pmap(attention)(*by_device).reshape(one.shape), one)


def shared_segment_under_shard_map():
    """The prefix has no batch dimension: every device of the data axis holds the one copy."""
    q, k, v, mask = inputs()
    prefix = Segment.of(draw(5, K, H, seed=3), draw(5, K, H, seed=4), jnp.ones((1, 1, 5), bool))

    def run(q, k, v, mask, prefix):
        return attend(q, [prefix, Segment.of(k, v, mask)])

    one = jax.device_get(run(q, k, v, mask, prefix))
    mesh = make_mesh(data=2, tensor=2)
    heads, shared = P("data", None, "tensor"), P("tensor")
    in_specs = (heads, heads, heads, P("data"), Segment(shared, shared, P()))
    mapped = jax.shard_map(run, mesh=mesh, in_specs=in_specs, out_specs=heads)
    report("segments shard_map", jax.jit(mapped)(q, k, v, mask, prefix), one)


def decoder_on_meshes():
    params = decoder.init(jax.random.key(0), CONFIG)
    tokens = jnp.asarray(np.random.default_rng(5).integers(0, 64, (B, T)), jnp.int32)
    apply = jax.jit(decoder.apply, static_argnums=1)
    one = jax.device_get(apply(params, CONFIG, tokens))
    for sizes in ({"data": 4}, {"fsdp": 4}, {"fsdp": 2, "tensor": 2}):
        mesh = make_mesh(**sizes)
        placed = jax.device_put(params, parameter_shardings(params, mesh))
        out = apply(placed, CONFIG, jax.device_put(tokens, batch_sharding(mesh)))
        name = " ".join(f"{axis}={size}" for axis, size in mesh.shape.items())
        report(f"decoder {name}", out, one, atol=5e-6)


def refusals():
    try:
        make_mesh(data=8)
    except InputError as error:
        assert "needs 8 devices; JAX sees 4" in str(error)
        print("mesh refused")
    try:
        parameter_shardings(decoder.abstract_params(CONFIG), make_mesh(tensor=4))
    except InputError as error:
        assert "2 does not divide over 4 devices of mesh axis 'tensor'" in str(error)
        print("heads refused")


if __name__ == "__main__":
    assert jax.device_count() == 4
    attention_under_three_compilers()
    shared_segment_under_shard_map()
    decoder_on_meshes()
    refusals()
