"""Llama 2 in JAX: train it, load the released weights, reproduce the paper's benchmark tables.

Letters, used in every einsum and every shape:

    B batch    T query length    S key length       N query heads    K key/value heads
    G = N / K  H head size       D model width      F feed-forward   V vocabulary    L layers

The two ways that data takes, each arrow one function:

    raw file --read--> Example --prompt--> Request --plan--> TokenBatch --engine--> Response
        --score--> Score --aggregate--> Result --compare with paper--> table

    documents --tokenize--> token ids --pack--> rows --batch--> train_step(state, batch)
        -> (state, metrics) --> checkpoint --> evaluation

The short way in:

    import llama_jax as lj
    model = lj.load("path/to/weights")
    model.generate("Once upon a time", max_new_tokens=50)
    lj.evaluate(model, ["hellaswag"], limit=50)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama_jax.api import Model, evaluate, load

__version__ = "0.1.0"
__all__ = ["Model", "evaluate", "load"]


def __getattr__(name: str):
    # Lazy, so that `import llama_jax.evals.metrics` and `llama-jax --help` do not import JAX.
    if name in __all__:
        return getattr(import_module("llama_jax.api"), name)
    raise AttributeError(f"module 'llama_jax' has no attribute {name!r}")
