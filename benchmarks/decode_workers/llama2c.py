"""llama2.c as a contestant: a model converted for it, its program built and run."""

import os
import re
import subprocess
from pathlib import Path

from llama_jax import weights
from llama_jax.weights import llama2c_write


def export(model: Path, target: Path) -> None:
    """Writes the version 0 file of a model."""
    weights.load(model, lambda stored: llama2c_write.write(stored, target))


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
