"""Run by test_batch_processes.py: what the devices of one of several processes are fed.

batch_processes.py STEPS PROCESSES ADDRESS PROCESS
"""

import json
import sys

import jax
import numpy as np

from llama_jax.data.packed import InMemory
from llama_jax.data.packing import Rows
from llama_jax.data.stream import Weighted, make_stream
from llama_jax.sharding import make_mesh
from llama_jax.training import multihost
from llama_jax.training.batch_source import batches, on_mesh

FIRST_STEP, BATCH, SEED = 3, 8, 11


def numbered(first, count):
    """Rows whose tokens are their example ids."""
    tokens = np.arange(first, first + count, dtype=np.int32)[:, None].repeat(4, 1)
    return InMemory(Rows(tokens, tokens, np.ones_like(tokens), tokens * 0, np.ones_like(tokens)))


def stream():
    """Two sources of unequal weight, 30 and 13 rows: several epochs within a few steps."""
    parts = [Weighted("prose", numbered(0, 30), 3.0), Weighted("code", numbered(30, 13), 1.0)]
    return make_stream(parts, seed=SEED, batch_size=BATCH)


def main(steps, processes, address, process):
    if processes > 1:
        multihost.start(address, processes, process)
    assert (jax.process_count(), jax.device_count()) == (processes, 4)
    mesh, source = make_mesh(data=2, fsdp=2), stream()
    placed = batches(source, FIRST_STEP, FIRST_STEP + steps, lambda _, batch: on_mesh(batch, mesh))
    for step, batch in enumerate(placed, FIRST_STEP):
        shards = {
            shard.index[0].start: np.asarray(shard.data)[:, 0].tolist()
            for shard in batch.tokens.addressable_shards
        }
        local = source.local_batch(step, jax.process_index(), processes).tokens[:, 0].tolist()
        print(json.dumps([step, sorted(shards.items()), local]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
