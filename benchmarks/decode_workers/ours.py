"""Answers commands with runs of llama_jax's engine: one JSON line in, one out.

    python ours.py MODEL_DIR [BATCH_ROWS [WEIGHT_DTYPE]]

A command is {"prompts": [[id, ...], ...], "copies": n, "new": n, "temperature": t, "top_p": p}; the
answer {"seconds", "tokens", "peak_mib", "ids"}. No id ends a row: all get exactly `new` of them.
"""

import json
import resource
import sys
import time
from pathlib import Path

import jax

from llama_jax import weights
from llama_jax.huge_pages import restart_with_huge_pages
from llama_jax.inference.engine import Engine
from llama_jax.inference.types import GenerateItem
from llama_jax.tokenizer import Tokenizer, load_tokenizer


class NoEnd:
    """A tokenizer without an end: everything else is the model's own, the making of text too."""

    eos_id = -1
    stop_ids = (-1,)

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def __getattr__(self, name: str):
        return getattr(self._tokenizer, name)


def run(engine: Engine, command: dict) -> dict:
    """One timed call of `generate`."""
    rows = [tuple(ids) for ids in command["prompts"] for _ in range(command["copies"])]
    sampling = {"temperature": command["temperature"], "top_p": command["top_p"]}
    items = [GenerateItem(ids, command["new"], seed=i, **sampling) for i, ids in enumerate(rows)]
    begun = time.perf_counter()
    results = engine.generate(items)
    seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "tokens": sum(len(result.ids) for result in results),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "ids": [list(result.ids) for result in results],
    }


def main(model: str, batch_rows: str = "64", weight_dtype: str = "") -> None:
    """Loads once, then answers."""
    read = weights.read(model)
    more = {"weight_dtype": weight_dtype} if weight_dtype else {}
    tokenizer = NoEnd(load_tokenizer(Path(model) / "tokenizer.model"))
    engine = Engine(read.params, read.config, tokenizer, batch_rows=int(batch_rows), **more)
    del read
    device = jax.devices()[0]
    print(json.dumps({"jax": jax.__version__, "device": str(device.device_kind)}), flush=True)
    for line in sys.stdin:
        print(json.dumps(run(engine, json.loads(line))), flush=True)


if __name__ == "__main__":
    restart_with_huge_pages()
    main(*sys.argv[1:])
