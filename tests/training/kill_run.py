"""Run by test_kills.py, again and again: trains until it is killed, and goes on where it was.

kill_run.py OUT
"""

import sys

import numpy as np

from llama_jax.compiled import keep_compiled
from llama_jax.config import LlamaConfig
from llama_jax.data.packing import pack
from llama_jax.training.loop import train
from llama_jax.training.optimizer import OptimizerConfig

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 32, 1e-5)
STEPS = 3000
OPTIMIZER = OptimizerConfig(peak_learning_rate=3e-3, steps=STEPS, warmup_steps=20)


def rows(seed, count):
    rng = np.random.default_rng(seed)
    return pack([rng.integers(3, 64, size=n) for n in range(5, 5 + count)], 16)


def main(out):
    keep_compiled()
    return train(
        *(CONFIG, OPTIMIZER, rows(0, 60)),
        steps=STEPS,
        batch_size=4,
        seed=1,
        out_dir=out,
        validation_rows=rows(1, 6),
        validate_every=100,
        save_every=50,
        keep=2,
        progress=False,
    )


if __name__ == "__main__":
    main(sys.argv[1])
