"""Run by test_engine_processes.py, twice at once: each has 4 of 8 CPU devices.

    python engine_processes.py ADDRESS PROCESS OUT

Every process asks for the same and writes what it gets.
"""

import json
import sys

import jax
from engine_devices import CONFIG, Tokenizer, generate_items, params, score_items

from llama_jax.inference.engine import Engine
from llama_jax.sharding import make_mesh


def answers(mesh) -> dict:
    engine = Engine(params(), CONFIG, Tokenizer(), batch_tokens=256, batch_rows=8, mesh=mesh)
    scores, texts = engine.score(score_items()), engine.generate(generate_items())
    return {
        "logprobs": [score.logprobs for score in scores],
        "greedy": [score.greedy for score in scores],
        "texts": [[text.ids, text.text, text.stop_reason] for text in texts],
    }


def main(address: str, process: str, out: str) -> None:
    jax.distributed.initialize(address, num_processes=2, process_id=int(process))
    assert (jax.process_count(), jax.device_count(), jax.local_device_count()) == (2, 8, 4)
    found = {"data=4 tensor=2": answers(make_mesh(data=4, tensor=2))}
    found["data=2 tensor=4"] = answers(make_mesh(data=2, tensor=4))
    with open(out, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
