"""Run by test_train_meshes.py on 8 CPU devices: the same run on several meshes, and bad batches."""

import jax
import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.data.packing import Rows, pack
from llama_jax.errors import InputError
from llama_jax.sharding import batch_sharding, check_batch, make_mesh, state_shardings
from llama_jax.training.optimizer import OptimizerConfig, make_optimizer
from llama_jax.training.options import StepOptions
from llama_jax.training.step import compile_eval_step, compile_train_step, init_on

CONFIG = LlamaConfig(64, 32, 2, 4, 4, 48, 64, 1e-5)
OPTIMIZER = make_optimizer(OptimizerConfig(peak_learning_rate=3e-3, steps=20, warmup_steps=2))
OPTIONS = StepOptions(chunk=8, accumulation=2, remat="full", residual_dropout=0.1)
STEPS = 20
# data, fsdp, tensor
MESHES = {"1": (1, 1, 1), "2x2": (1, 2, 2), "8": (8, 1, 1), "4x2": (1, 4, 2)}


def batches():
    """Ragged rows, other ones at every step."""
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        sizes = rng.integers(1, 40, size=40)
        rows = pack([rng.integers(3, 64, size=n).astype(np.int32) for n in sizes], 16)
        yield Rows(*(array[:16] for array in rows))


def run(mesh):
    state = init_on(jax.random.key(0), CONFIG, OPTIMIZER, mesh)
    expected = state_shardings(state, mesh)
    step = compile_train_step(CONFIG, OPTIMIZER, OPTIONS, mesh=mesh)
    losses = []
    for batch in batches():
        batch = jax.device_put(batch, batch_sharding(mesh))
        state, metrics = step(state, batch)
        losses.append(float(metrics["loss"]))
    for leaf, sharding in zip(jax.tree.leaves(state), jax.tree.leaves(expected), strict=True):
        assert leaf.sharding.is_equivalent_to(sharding, leaf.ndim), (leaf.sharding, sharding)
    total, count = compile_eval_step(CONFIG, OPTIONS, mesh=mesh)(state.params, batch)
    return np.array([*losses, float(total / count)])


def main():
    assert jax.device_count() == 8
    found = {name: run(make_mesh(*sizes)) for name, sizes in MESHES.items()}
    for name, losses in found.items():
        assert losses[-2] < losses[0]
        np.testing.assert_allclose(losses, found["1"], rtol=0, atol=1e-5, err_msg=name)
        print(name)
    moments = state_shardings(
        jax.eval_shape(lambda: OPTIMIZER.init({"output": np.zeros((32, 64))})), make_mesh(1, 4, 2)
    )
    assert {str(s.spec) for s in jax.tree.leaves(moments)} == {
        "PartitionSpec()",
        "PartitionSpec('fsdp', 'tensor')",
    }
    for rows, accumulation, would in ((12, 1, "8 or 16"), (24, 2, "16 or 32"), (4, 1, "8 would")):
        try:
            check_batch(rows, accumulation, make_mesh(2, 4))
        except InputError as error:
            assert would in str(error), error
            print("refused", rows)
    check_batch(32, 2, make_mesh(2, 4))


if __name__ == "__main__":
    main()
