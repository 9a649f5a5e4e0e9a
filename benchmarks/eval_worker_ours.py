"""The worker of eval_speed.py that asks our engine.

    python benchmarks/eval_worker_ours.py MODEL_DIR

Tokenization, planning and the device's work are timed together.
"""

import math
import sys
from collections import Counter

import jax
from eval_worker import Rows, serve

from llama_jax import api
from llama_jax.huge_pages import restart_with_huge_pages
from llama_jax.inference.types import GenerateItem, ScoreItem
from llama_jax.tokenizer import encode_pair

COMPILING = "/jax/core/compile/"


class Worker:
    """One model and its engine."""

    def __init__(self, path: str) -> None:
        self.model = api.load(path, dtype="float32")
        self.compile_seconds = 0.0
        jax.monitoring.register_event_duration_secs_listener(self._add)

    def _add(self, event: str, seconds: float, **_) -> None:
        if event.startswith(COMPILING):
            self.compile_seconds += seconds

    def __call__(self, requests: Rows, command: dict) -> tuple[Rows, dict]:
        """Answers to the requests, in order."""
        engine = self.model.engine
        tokens, compiled = Counter(engine.counts), self.compile_seconds
        ask = self.score if "continuation" in requests[0] else self.generate
        answers = ask(requests)
        counts = {name: n - tokens[name] for name, n in engine.counts.items()}
        return answers, {
            "compile_seconds": self.compile_seconds - compiled,
            "compiled_shapes": len(engine.compiled_shapes),
            "counts": counts,
        }

    def score(self, requests: Rows) -> Rows:
        """Log-likelihoods; what is asked twice is computed once, as an evaluation does."""
        pairs = [
            encode_pair(self.model.tokenizer, row["context"], row["continuation"])
            for row in requests
        ]
        items = [ScoreItem(pair.ids, pair.start) for pair in pairs]
        different = list(dict.fromkeys(items))
        results = dict(zip(different, self.model.engine.score(different), strict=True))
        return [
            {
                "fed": item.ids[:-1],
                "logprob": math.fsum(results[item].logprobs),
                "greedy": results[item].greedy,
            }
            for item in items
        ]

    def generate(self, requests: Rows) -> Rows:
        """Greedy continuations."""
        items = [
            GenerateItem(
                self.model.encode(row["context"]), row["max_gen_toks"], tuple(row["until"])
            )
            for row in requests
        ]
        return [
            {"fed": item.ids + found.ids[:-1], "ids": found.ids, "text": found.text}
            for item, found in zip(items, self.model.engine.generate(items), strict=True)
        ]


if __name__ == "__main__":
    restart_with_huge_pages()
    serve(Worker(sys.argv[1]), jax=jax.__version__, devices=str(jax.devices()))
