"""The class that lm-evaluation-harness knows as llama_jax. Imports lm_eval."""

import logging
import math
from typing import Any

import jax
import lm_eval.models  # noqa: F401  lm_eval adds its own models only while none is registered
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model
from tqdm import tqdm

from llama_jax import api
from llama_jax.errors import InputError
from llama_jax.lm_eval_backend.items import (
    MAX_NEW_TOKENS,
    generate_item,
    pair_item,
    rolling_items,
)
from llama_jax.lm_eval_backend.texts import continuation

_log = logging.getLogger(__name__)


@register_model("llama_jax")
class LlamaJax(LM):
    """Any weights that `llama_jax.api.load` reads.

    All requests of a call go to the engine together, so that every beginning that they share is
    computed once; it packs batches by tokens, and lm_eval's batch sizes change nothing.

    Args:
        path: the weights.
        tokenizer: its tokenizer, where the weights bring none.
        dtype: "float32", "bfloat16" or "float16"; None for what is stored.
        batch_tokens: padded tokens per call of the engine, at most.
        max_length: what is longer loses its beginning; None for the model's context.
        max_gen_toks: new tokens where a task has no bound.
        seed: request i of a call that samples draws from seed + i.
        device: lm_eval's --device; JAX chooses by itself, or as JAX_PLATFORMS says.
        **unused: lm_eval's batch sizes.
    """

    def __init__(
        self,
        path: str | None = None,
        tokenizer: str | None = None,
        dtype: str | None = None,
        batch_tokens: int | None = None,
        max_length: int | None = None,
        max_gen_toks: int = MAX_NEW_TOKENS,
        seed: int = 0,
        device: str | None = None,
        **unused: Any,
    ) -> None:
        super().__init__()
        if path is None:
            raise InputError("llama_jax: no weights; give --model_args path=DIR")
        unknown = sorted(set(unused) - {"batch_size", "max_batch_size"})
        if unknown:
            raise InputError(
                f"llama_jax: model argument {', '.join(unknown)} is not known; known are path, "
                "tokenizer, dtype, batch_tokens, max_length, max_gen_toks, seed"
            )
        _name_device(device)
        self.model = api.load(str(path), tokenizer, dtype=dtype, batch_tokens=batch_tokens)
        context = self.model.config.context
        self.max_length = context if max_length is None else max_length
        if not 1 <= self.max_length <= context:
            raise InputError(f"max_length {max_length} is not from 1 to the context of {context}")
        self.max_gen_toks, self.seed = max_gen_toks, seed

    @property
    def tokenizer_name(self) -> str:
        """Names the tokenizer in lm_eval's cache of requests."""
        return f"llama_jax-{self.model.tokenizer.sha256}"

    def loglikelihood(self, requests, disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """For each (context, continuation): its log-probability, and whether it is greedy."""
        asked = [request.args for request in requests]
        tokenizer = self.model.tokenizer
        items = self._fitted([pair_item(tokenizer, *args, self.max_length) for args in asked])
        with self._bar(len(items), "loglikelihood", disable_tqdm) as bar:

            def keep(index, result):
                bar.update()
                answer = (math.fsum(result.logprobs), result.greedy)
                self.cache_hook.add_partial("loglikelihood", asked[index], answer)

            results = self.model.engine.score(items, keep)
        return [(math.fsum(result.logprobs), result.greedy) for result in results]

    def loglikelihood_rolling(self, requests, disable_tqdm: bool = False) -> list[float]:
        """For each text: the log-probability of every token of it, in windows."""
        asked = [request.args for request in requests]
        items, owners = [], []
        for index, (text,) in enumerate(asked):
            found = rolling_items(self.model.tokenizer, text, self.max_length)
            items += found
            owners += [index] * len(found)
        with self._bar(len(items), "loglikelihood_rolling", disable_tqdm) as bar:
            results = self.model.engine.score(items, lambda *_: bar.update())
        parts: list[list[float]] = [[] for _ in asked]
        for index, result in zip(owners, results, strict=True):
            parts[index] += result.logprobs
        totals = [math.fsum(part) for part in parts]
        for args, total in zip(asked, totals, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", args, total)
        return totals

    def generate_until(self, requests, disable_tqdm: bool = False) -> list[str]:
        """For each (context, arguments): what follows, up to a stop string."""
        asked = [request.args for request in requests]
        tokenizer = self.model.tokenizer
        default = {"max_new_tokens": self.max_gen_toks}
        found = [
            generate_item(tokenizer, *args, self.max_length, seed=self.seed + index, **default)
            for index, args in enumerate(asked)
        ]
        items, texts = self._fitted(found), [""] * len(asked)
        with self._bar(len(items), "generate_until", disable_tqdm) as bar:

            def keep(index, result):
                bar.update()
                texts[index] = continuation(tokenizer, result.ids, items[index].stop)
                self.cache_hook.add_partial("generate_until", asked[index], texts[index])

            self.model.engine.generate(items, on_result=keep)
        return texts

    def _fitted(self, found: list[tuple[Any, int]]) -> list[Any]:
        """The items; says how many of them lost their beginning, as the harness does."""
        cut = sum(lost > 0 for _, lost in found)
        if cut:
            _log.warning(
                "%d of %d requests exceed the context of %d tokens and lost their beginning",
                *(cut, len(found), self.max_length),
            )
        return [item for item, _ in found]

    @staticmethod
    def _bar(total: int, what: str, disabled: bool) -> tqdm:
        return tqdm(total=total, desc=f"llama_jax: {what}", disable=disabled)


def _name_device(device: str | None) -> None:
    """Says where it runs where lm_eval says otherwise, as it does with its default, cuda:0."""
    backend = jax.default_backend()
    if device is not None and device.partition(":")[0].replace("cuda", "gpu") != backend:
        _log.warning("lm_eval says device %s; JAX runs on %s (JAX_PLATFORMS)", device, backend)
