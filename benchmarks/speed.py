"""Tokens per second of scoring, generation and training, with what shared prefixes save.

    python benchmarks/speed.py                  # TINY's shapes, a minute on a laptop
    python benchmarks/speed.py --dim 768 --layers 12 --heads 12 --ffn-size 2048 --vocab-size 32000

Compilation is not timed: everything runs twice, and the second run counts. Prints one JSON object.
"""

import json
import time
from pathlib import Path

import jax
import numpy as np
import tyro

from llama_jax.config import LlamaConfig
from llama_jax.data.packing import pack
from llama_jax.doctor import inspect
from llama_jax.inference.engine import Engine
from llama_jax.inference.types import GenerateItem, ScoreItem
from llama_jax.model import decoder
from llama_jax.tokenizer import load_tokenizer
from llama_jax.training.optimizer import OptimizerConfig, make_optimizer
from llama_jax.training.step import LossOptions, compile_train_step, init_state

SHARED, OWN, CHOICES = 128, 24, 4


def second(run) -> float:
    """Seconds of the second of two runs."""
    run()
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def scoring(engine: Engine, V: int, rng: np.random.Generator, questions: int) -> dict[str, float]:
    """Items that share their first ids, against as many and as long ones that share nothing."""
    rows = questions * CHOICES
    prompt = np.tile(rng.integers(3, V, SHARED), (rows, 1))
    heads = {"shared": prompt, "apart": rng.integers(3, V, (rows, SHARED))}
    own = rng.integers(3, V, (rows, OWN))
    seconds = {}
    for name, head in heads.items():
        ids = np.concatenate([head, own], axis=1).tolist()
        items = [ScoreItem(tuple(row), SHARED + OWN // 2) for row in ids]
        seconds[name] = second(lambda items=items: engine.score(items))
    return {
        "questions_per_second_shared_prefix": questions / seconds["shared"],
        "questions_per_second_nothing_shared": questions / seconds["apart"],
        "ratio": seconds["apart"] / seconds["shared"],
    }


def generation(engine: Engine, rows: int, new: int) -> dict[str, float]:
    """Greedy tokens per second, all rows together."""
    items = [GenerateItem((1, 5 + row), new) for row in range(rows)]
    return {f"tokens_per_second_batch_{rows}": rows * new / second(lambda: engine.generate(items))}


def training(config: LlamaConfig, rng: np.random.Generator, rows: int) -> dict[str, float]:
    """Tokens per second of the whole step, and the part of 6 x parameters x tokens FLOPs."""
    optimizer = make_optimizer(OptimizerConfig())
    state = [init_state(jax.random.key(0), config, optimizer)]
    step = compile_train_step(config, optimizer, LossOptions(chunk=64))
    batch = pack([rng.integers(3, config.vocab_size, rows * config.context)], config.context)

    def run() -> None:
        for _ in range(3):
            state[0], metrics = step(state[0], batch)
        jax.block_until_ready(metrics)

    rate = 3 * rows * config.context / second(run)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(state[0].params))
    return {"tokens_per_second": rate, "gflops_per_second": 6 * parameters * rate / 1e9}


def main(
    vocab_size: int = 512,
    dim: int = 128,
    layers: int = 4,
    heads: int = 4,
    ffn_size: int = 352,
    context: int = 256,
    questions: int = 32,
    new: int = 64,
) -> None:
    """Measures random weights of the given shape, float32."""
    config = LlamaConfig(vocab_size, dim, layers, heads, heads, ffn_size, context, 1e-5)
    samples = Path(__file__).resolve().parent.parent / "llama_jax" / "samples"
    tokenizer = load_tokenizer(samples / "tokenizer.model")
    rng = np.random.default_rng(0)
    engine = Engine(decoder.init(jax.random.key(0), config), config, tokenizer)
    found = {
        "config": config.__dict__,
        "machine": inspect(),
        "scoring": scoring(engine, vocab_size, rng, questions),
        "generation": generation(engine, 1, new) | generation(engine, 8, new),
        "training": training(config, rng, 4),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    tyro.cli(main)
