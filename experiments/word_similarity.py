"""WordSim-353 and SimLex-999 by a model's input embeddings: Spearman's rho with people's ratings.

    python experiments/word_similarity.py MODEL
    python experiments/word_similarity.py MODEL --data DIR --json

A word's vector is the mean of the embedding's rows of its tokens, two words are as similar as the
cosine of their vectors (llama_jax/evals/embeddings.py); no layer of the model is run. Without
--data the pairs are the few inside the package. `llama-jax eval` with the tasks wordsim353 and
simlex999 asks the model for ratings instead.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

import llama_jax as lj
from llama_jax.data.load import load_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import benchmark
from llama_jax.evals.embeddings import embedding_correlation
from llama_jax.evals.metrics import mean

TASKS = ("wordsim353", "simlex999")


def measure(model: lj.Model, task: str, data: Path | None, limit: int | None) -> dict:
    """What the embeddings of `model` score on one task."""
    source = benchmark(task).examples
    found = load_rows(task, source.parse, source.schema, data)
    rows = [source.read(row).row for row in found.rows[:limit]]
    pairs = [(row["word1"], row["word2"]) for row in rows]
    embedding = np.asarray(model.params["embedding"])
    encode = model.tokenizer.encode
    try:
        rho = embedding_correlation(embedding, encode, pairs, [row["score"] for row in rows])
    except ValueError as error:
        raise InputError(f"{model.path}, {task}: {error}; are the weights damaged?") from None
    return {
        "task": task,
        "data": found.known.kind,
        "n": len(rows),
        "of": found.known.official_rows,
        "tokens_per_word": mean([float(len(encode(word))) for pair in pairs for word in pair]),
        "spearman": rho,
    }


def table(results: list[dict]) -> str:
    """One line for each task."""
    lines = [f"{'task':12} {'data':8} {'n':>4} {'of':>4} {'tokens/word':>11} {'rho':>9}"]
    for found in results:
        rho = "undefined" if found["spearman"] is None else f"{found['spearman']:.4f}"
        lines.append(
            f"{found['task']:12} {found['data']:8} {found['n']:4} {found['of']:4} "
            f"{found['tokens_per_word']:11.2f} {rho:>9}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="weights, as llama-jax eval takes them")
    parser.add_argument("--tokenizer", type=Path, help="where the weights bring none")
    parser.add_argument("--data", type=Path, default=os.environ.get("LLAMA_JAX_DATA"))
    parser.add_argument("--limit", type=int, help="only the first so many pairs of each task")
    parser.add_argument("--json", action="store_true", help="one JSON line for each task")
    arguments = parser.parse_args()
    try:
        if arguments.limit is not None and arguments.limit < 1:
            raise InputError(f"limit {arguments.limit}: it must be at least 1, or absent for all")
        model = lj.load(arguments.model, arguments.tokenizer)
        results = [measure(model, task, arguments.data, arguments.limit) for task in TASKS]
    except InputError as error:
        print(f"word_similarity: error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    if arguments.json:
        for found in results:
            print(json.dumps(found, allow_nan=False))
    else:
        print(table(results))


if __name__ == "__main__":
    main()
