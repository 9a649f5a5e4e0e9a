"""What `llama-jax train` does every so often beside validation: benchmarks, samples of text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.tokenizer import Tokenizer
from llama_jax.training.monitor import Monitor


def sampling(
    config: LlamaConfig, tokenizer: Tokenizer, every: int, prompt: str, tokens: int, seed: int
) -> Monitor:
    """Continues a prompt, at temperature 0.8, with the same random numbers each time."""
    _positive("sample_every", every)

    def look(step: int, params: dict) -> Mapping[str, Any]:
        model = _model(config, tokenizer, params, step)
        room = config.context - len(model.encode(prompt))
        if room < 1:
            raise InputError(f"sample prompt: leaves no room in the context of {config.context}")
        text = model.generate(prompt, max_new_tokens=min(tokens, room), temperature=0.8, seed=seed)
        return {"sample_prompt": prompt, "sample": text}

    return Monitor(every, look)


def benchmarks(
    config: LlamaConfig,
    tokenizer: Tokenizer,
    every: int,
    tasks: Sequence[str],
    *,
    data: Path | None,
    limit: int | None,
    out_dir: Path,
) -> Monitor:
    """Evaluates on tasks, into OUT/evals/STEP; each task's primary metric goes into the log."""
    from llama_jax.evals.tasks import choose

    _positive("eval_every", every)
    choose(list(tasks), None, None)  # a wrong name is refused before training begins

    def look(step: int, params: dict) -> Mapping[str, Any]:
        import jax

        from llama_jax import api

        model = _model(config, tokenizer, params, step)
        # Every process computes the same; one writes.
        folder = out_dir / "evals" / str(step) if jax.process_index() == 0 else None
        found = api.evaluate(model, list(tasks), data_dir=data, out_dir=folder, limit=limit)
        return {
            f"eval/{name}": task["metrics"][task["primary"]]["value"]
            for name, task in found.summary["tasks"].items()
        }

    return Monitor(every, look)


def _model(config: LlamaConfig, tokenizer: Tokenizer, params: dict, step: int):
    from llama_jax import api
    from llama_jax.training.multihost import on_every_host

    return api.Model(config, on_every_host(params), tokenizer, f"training, step {step}")


def _positive(name: str, every: int) -> None:
    if every < 1:
        raise InputError(f"train: {name} is {every}; it must be at least 1")
