"""A few training steps on random tokens; prints one JSON line. Run by train_speed.py.

In a process of its own, so that the peak memory is that of training and of nothing else.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import jax
import numpy as np

from llama_jax import weights
from llama_jax.data.packing import Rows
from llama_jax.huge_pages import restart_with_huge_pages
from llama_jax.training.optimizer import OptimizerConfig, make_optimizer
from llama_jax.training.options import StepOptions
from llama_jax.training.step import compile_train_step, init_state


def main() -> None:
    """Prints and writes what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--seq", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--remat", default="none")
    parser.add_argument("--chunk", type=int, default=128)
    args = parser.parse_args()

    config = weights.read(args.model).config
    optimizer = make_optimizer(OptimizerConfig(steps=1000, warmup_steps=10))
    state = jax.jit(lambda key: init_state(key, config, optimizer))(jax.random.key(0))
    step = compile_train_step(config, optimizer, StepOptions(remat=args.remat, chunk=args.chunk))
    rng = np.random.default_rng(0)
    ones = np.ones((args.batch, args.seq), np.int32)
    positions = np.broadcast_to(np.arange(args.seq, dtype=np.int32), ones.shape)
    seconds = []
    for _ in range(args.steps + 2):  # two for compilation and page faults, as the peer has
        begun = time.perf_counter()
        tokens = rng.integers(0, config.vocab_size, (args.batch, args.seq + 1), dtype=np.int32)
        batch = Rows(tokens[:, :-1], tokens[:, 1:], ones, positions, ones)
        state, metrics = step(state, batch)
        loss = float(metrics["loss"])
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds[2:], "peak_mib": round(peak), "loss": loss}))


if __name__ == "__main__":
    restart_with_huge_pages()
    main()
