"""llama2.c as a contestant: its file written from our parameters, its program built and run."""

import os
import re
import struct
import subprocess
from pathlib import Path

import numpy as np

from llama_jax import weights
from llama_jax.weights.layout import INPUT_AXES, split_half_to_interleaved
from llama_jax.weights.llama2c import ORDER
from llama_jax.weights.tree import flatten


def export(model: Path, target: Path) -> None:
    """Writes the version 0 file of a model: see `llama_jax.weights.llama2c`."""
    read = weights.read(model, "float32")
    config, params = read.config, flatten(read.params)
    vocab = config.vocab_size if config.tied_embeddings else -config.vocab_size
    sizes = (config.dim, config.ffn_size, config.layers, config.heads, config.kv_heads)
    heads = {"query": config.heads, "key": config.kv_heads}
    with target.open("wb") as file:
        file.write(struct.pack("<7i", *sizes, vocab, config.context))
        for name in ORDER:
            for layer in params[name] if name.startswith("layers/") else [params[name]]:
                matrix = _stored(name, np.asarray(layer))
                turned = heads.get(name.rsplit("/", 1)[-1])
                if turned:
                    matrix = split_half_to_interleaved(matrix, turned)
                np.ascontiguousarray(matrix, "<f4").tofile(file)
        # Tables of cosines and sines, which run.c skips.
        np.zeros(config.context * config.head_size, "<f4").tofile(file)
        if not config.tied_embeddings:
            _stored("output", np.asarray(params["output"])).astype("<f4").tofile(file)


def build(source: Path, target: Path) -> None:
    """Compiles run.c with the fastest flags of its Makefile."""
    command = ["gcc", "-Ofast", "-march=native", "-fopenmp", str(source / "run.c"), "-lm"]
    subprocess.run([*command, "-o", str(target)], check=True)


def run(program: Path, model: Path, tokenizer: Path, prompt: str, positions: int, threads: int):
    """Tokens per second as it prints them: its clock starts behind the first position."""
    command = [str(program), str(model), "-z", str(tokenizer), "-t", "0", "-n", str(positions)]
    done = subprocess.run(
        [*command, "-i", prompt],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        check=True,
    )
    return float(re.search(rb"tok/s: ([\d.]+)", done.stderr).group(1))


def _stored(name: str, array: np.ndarray) -> np.ndarray:
    if name not in INPUT_AXES:
        return array
    inputs = int(np.prod(array.shape[: INPUT_AXES[name]]))
    return array.reshape(inputs, -1).T
