"""How fast the training stream gives rows: a synthetic store, batches of 32 rows of T = 1024.

    python benchmarks/data_speed.py --tokens 200000000

One line for each packing: seconds to lay it out, rows and tokens per second of `Stream.batch` in
one thread. A device that trains on fewer tokens per second never waits for its data.
"""

import hashlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from llama_jax.data.corpus import whole
from llama_jax.data.first_fit import first_fit
from llama_jax.data.packed import concatenate
from llama_jax.data.prefetch import batches
from llama_jax.data.stream import Weighted, make_stream
from llama_jax.data.token_store import TokenStore


def synthetic_store(path: Path, tokens: int, mean: int, vocab_size: int) -> TokenStore:
    """Documents of random ids and of geometric length, on disk; the digest is of the recipe."""
    random = np.random.Generator(np.random.Philox(0))
    sizes = random.geometric(1 / mean, tokens // mean) + 2
    offsets = np.append(0, np.cumsum(sizes))
    file = np.memmap(path, "<u2", "w+", shape=(int(offsets[-1]),))
    for begin in range(0, len(file), 1 << 24):
        part = file[begin : begin + (1 << 24)]
        part[:] = random.integers(0, vocab_size, len(part), np.uint16)
    file.flush()
    meta = {"bos": True, "eos": True, "largest_id": vocab_size - 1}
    meta["sha256"] = hashlib.sha256(f"{tokens} {mean} {vocab_size}".encode()).hexdigest()
    return TokenStore(path, meta, np.memmap(path, "<u2", "r"), offsets, np.zeros(len(sizes), "<u8"))


def main(
    tokens: int = 200_000_000,
    mean: int = 600,
    length: int = 1024,
    batch_size: int = 32,
    steps: int = 200,
) -> None:
    """Measures the packings.

    Args:
        tokens: of the store.
        mean: tokens of a document.
        length: T, tokens in a row.
        batch_size: rows of a batch.
        steps: batches that are timed.
    """
    with tempfile.TemporaryDirectory() as folder:
        corpus = whole(synthetic_store(Path(folder) / "tokens.bin", tokens, mean, 32_000))
        layouts = {
            "concatenate": lambda: concatenate(corpus, length, shuffle_seed=0),
            "concatenate, segments": lambda: concatenate(
                corpus, length, across_documents=False, shuffle_seed=0
            ),
            "first-fit": lambda: first_fit(corpus, length, long_documents="split", shuffle_seed=0),
        }
        for name, layout in layouts.items():
            begin = time.perf_counter()
            packed = layout()
            laid = time.perf_counter() - begin
            streams = {
                name: make_stream(packed, seed=0, batch_size=batch_size),
                f"{name}, 7 sources": make_stream(
                    [Weighted(str(k), packed, k + 1) for k in range(7)],
                    seed=0,
                    batch_size=batch_size,
                ),
            }
            for label, stream in streams.items():
                print(
                    json.dumps(
                        {"packing": label, "lay out s": round(laid, 2)} | speed(stream, steps)
                    )
                )


def speed(stream: Any, steps: int) -> dict[str, int]:
    """Rows and tokens per second."""
    begin = time.perf_counter()
    for _ in batches(stream, 0, steps, ahead=0):
        pass
    rows = steps * stream.batch_size / (time.perf_counter() - begin)
    return {"rows/s": round(rows), "tokens/s": round(rows * stream.length)}


if __name__ == "__main__":
    tyro.cli(main)
