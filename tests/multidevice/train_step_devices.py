"""Run by test_train_step_devices.py on 4 CPU devices: sharded jit and pmap against one device."""

import functools

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from llama_jax.config import LlamaConfig
from llama_jax.data.packing import Rows, pack
from llama_jax.training.optimizer import OptimizerConfig, make_optimizer
from llama_jax.training.step import StepOptions, compile_train_step, init_state, train_step

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5)
OPTIMIZER = make_optimizer(OptimizerConfig(peak_learning_rate=3e-3, steps=100, warmup_steps=1))
OPTIONS = StepOptions(chunk=8)
STEPS = 3


def rows():
    """Eight rows whose documents, and so whose target counts, differ from device to device."""
    rng = np.random.default_rng(0)
    sizes = [30, 2, 2, 2, 2, 40, 3, 7, 25, 1, 1, 1, 12]
    return pack([rng.integers(3, 64, size=n).astype(np.int32) for n in sizes], 16)


def fresh():
    return init_state(jax.random.key(0), CONFIG, OPTIMIZER)


def run(step, state, batch):
    for _ in range(STEPS):
        state, metrics = step(state, batch)
    return jax.device_get((state, metrics))


def sharded_jit(batch):
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
    replicated = NamedSharding(mesh, PartitionSpec())
    split = NamedSharding(mesh, PartitionSpec("data"))
    state = jax.device_put(fresh(), replicated)
    return run(compile_train_step(CONFIG, OPTIMIZER, OPTIONS), state, jax.device_put(batch, split))


def pmapped(batch):
    step = functools.partial(
        train_step, config=CONFIG, optimizer=OPTIMIZER, options=OPTIONS, axis_name="data"
    )
    per_device = Rows(*(array.reshape(4, -1, array.shape[1]) for array in batch))
    state = jax.tree.map(lambda a: np.stack([a] * 4), jax.device_get(fresh()))
    result = run(jax.pmap(step, axis_name="data"), state, per_device)
    for leaf in jax.tree.leaves(result):
        for copy in leaf[1:]:
            np.testing.assert_array_equal(copy, leaf[0])
    return jax.tree.map(lambda a: a[0], result)


def main():
    assert jax.device_count() == 4
    batch = rows()
    expected = run(compile_train_step(CONFIG, OPTIMIZER, OPTIONS), fresh(), batch)
    for name, result in (("jit", sharded_jit(batch)), ("pmap", pmapped(batch))):
        for a, b in zip(jax.tree.leaves(expected), jax.tree.leaves(result), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)
        print(name, "equal")


if __name__ == "__main__":
    main()
