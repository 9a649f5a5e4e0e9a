"""Run by test_train_processes.py: as two processes of four devices, and as one.

train_processes.py OUT STEPS [ADDRESS PROCESS]
"""

import json
import os
import sys
from pathlib import Path

import jax
import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.data.packed import InMemory
from llama_jax.data.packing import pack
from llama_jax.data.stream import make_stream
from llama_jax.sharding import make_mesh
from llama_jax.training import multihost
from llama_jax.training.loop import train
from llama_jax.training.optimizer import OptimizerConfig

CONFIG = LlamaConfig(64, 32, 2, 4, 4, 48, 32, 1e-5)
OPTIMIZER = OptimizerConfig(peak_learning_rate=1e-2, steps=20, warmup_steps=2)
ROWS = pack([np.random.default_rng(n).integers(3, 64, size=n) for n in range(5, 60)], 16)
VALIDATION = pack([np.random.default_rng(n).integers(3, 64, size=n) for n in range(5, 20)], 16)


class Recorded:
    """The stream over ROWS that notes which example ids it gives to this process."""

    def __init__(self, out):
        self._stream = make_stream(InMemory(ROWS), seed=3, batch_size=8)
        self._path = Path(out).with_name(f"{Path(out).name}-ids-{os.getpid()}.jsonl")

    def batch(self, step):
        with self._path.open("a") as file:
            print(json.dumps([step, self._stream.example_ids(step).tolist()]), file=file)
        return self._stream.batch(step)

    def identity(self):
        return self._stream.identity()


def main(out, steps, address=None, process=None):
    mesh = None
    if address is not None:
        multihost.start(address, 2, int(process))
        assert (jax.process_count(), jax.device_count()) == (2, 8)
        mesh = make_mesh(data=2, fsdp=2, tensor=2)
    train(
        *(CONFIG, OPTIMIZER, Recorded(out)),
        steps=int(steps),
        batch_size=8,
        seed=3,
        out_dir=out,
        mesh=mesh,
        progress=False,
        save_every=5,
        keep=1,
        validation_rows=VALIDATION,
        validate_every=5,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
