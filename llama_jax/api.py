"""The objects that the command line, the experiments and a notebook all use.

model = load("path/to/weights")
model.generate("Once upon a time", max_new_tokens=50)
evaluate(model, ["hellaswag"], limit=50).summary
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from llama_jax import weights
from llama_jax.config import LlamaConfig
from llama_jax.data.manifest import MANIFEST
from llama_jax.errors import InputError
from llama_jax.evals import dry_run as dry_runs
from llama_jax.evals import run
from llama_jax.evals.perplexity import Perplexity, perplexity
from llama_jax.evals.results import Results
from llama_jax.evals.types import ModelInfo
from llama_jax.inference.engine import Engine, default_batch_tokens
from llama_jax.inference.estimate import batch_tokens_within, decoder_bytes
from llama_jax.inference.placement import Placement
from llama_jax.inference.types import GenerateItem, GenerateResult, ScoreItem, ScoreResult
from llama_jax.model import decoder
from llama_jax.model.layouts import stacked_arrays
from llama_jax.model.quantization import check_weight_dtype
from llama_jax.model_info import describe_model
from llama_jax.sharding import mesh_of
from llama_jax.tokenizer import Tokenizer, check_fits, encode_pair, load_tokenizer
from llama_jax.weights.tree import unflatten

_apply = jax.jit(decoder.apply, static_argnames="config")


@dataclass(frozen=True)
class Model:
    """Parameters, what they were built from, and the tokenizer that belongs to them.

    Attributes:
        config: the decoder's configuration.
        params: of `llama_jax.model.decoder`, in either of its layouts; `load` chooses, and leaves
            them on the host where the engine has weights in eight bits.
        tokenizer: with at most `config.vocab_size` pieces.
        path: where the parameters came from, as results name it.
        batch_tokens: padded tokens per call of the engine, at most; times groups of devices. None
            for the default of the platform.
        mesh: devices that share the engine's work; None for one.
        weight_dtype: "int8" for weights in eight bits in the engine; None for those of `params`.
    """

    config: LlamaConfig
    params: dict
    tokenizer: Tokenizer
    path: str
    batch_tokens: int | None = None
    mesh: Mesh | None = None
    weight_dtype: str | None = None

    def __post_init__(self) -> None:
        check_fits(self.tokenizer, self.config)
        if self.batch_tokens is not None and self.batch_tokens < 1:
            raise InputError(f"batch_tokens {self.batch_tokens}: it must be at least 1")

    @cached_property
    def engine(self) -> Engine:
        """Compiles as it goes; kept, so that a second call compiles nothing."""
        return Engine(
            self.params,
            self.config,
            self.tokenizer,
            batch_tokens=self.batch_tokens,
            mesh=self.mesh,
            weight_dtype=self.weight_dtype,
        )

    @cached_property
    def info(self) -> ModelInfo:
        """The model as results name it, its digest included."""
        return describe_model(self.params, self.config, self.path, self.mesh, self.weight_dtype)

    def stacked_params(self) -> dict:
        """`params` with their layers stacked, as a checkpoint has them; a copy if they are not."""
        if isinstance(self.params["layers"], dict):
            return self.params
        return unflatten(dict(stacked_arrays(self.params, self.config)))

    def encode(self, text: str) -> tuple[int, ...]:
        """BOS and the ids of `text`."""
        return (self.tokenizer.bos_id, *self.tokenizer.encode(text))

    def logits(self, text: str) -> np.ndarray:
        """Float32 logits [T, V] at BOS and at every token of `text`."""
        ids = self.encode(text)
        self._check_length(ids, "text")
        tokens = np.asarray([ids], np.int32)
        with Placement(self.mesh).context():
            return Placement(self.mesh).read(_apply(self.params, self.config, tokens))[0]

    def loglikelihood(self, context: str, continuation: str) -> ScoreResult:
        """Log-probabilities of the tokens of `continuation` after `context`."""
        pair = encode_pair(self.tokenizer, context, continuation)
        self._check_length(pair.ids, "context + continuation")
        return self.engine.score([ScoreItem(pair.ids, pair.start)])[0]

    def perplexity(self, text: str, **options: Any) -> Perplexity:
        """Of a text, in windows; `options` are those of `llama_jax.evals.perplexity.perplexity`."""
        return perplexity(self.engine, self.tokenizer, self.config.context, text, **options)

    def generate(
        self, prompts: str | Sequence[str | Sequence[int]], **options: Any
    ) -> str | list[str]:
        """The text that follows a prompt, or each of several; `options` of `generations`."""
        if isinstance(prompts, str):
            return self.generations([prompts], **options)[0].text
        return [result.text for result in self.generations(prompts, **options)]

    def generations(
        self,
        prompts: Sequence[str | Sequence[int]],
        *,
        max_new_tokens: int | None = None,
        seed: int = 0,
        stop: Sequence[str] = (),
        on_text: Callable[[int, str], None] | None = None,
        **sampling: Any,
    ) -> list[GenerateResult]:
        """Continuations with their ids and the reason why each stopped.

        Args:
            prompts: texts to continue, BOS is put before each; or token ids, taken as they are.
            max_new_tokens: most tokens to generate; None for what the context leaves.
            seed: prompt i draws from seed + i, whatever it is batched with.
            stop: strings that end a generation; they are cut off.
            on_text: called with a prompt's index and new text as it is generated.
            **sampling: `temperature` (0: the most likely token), `top_k`, `top_p`; `end_ids`.

        Raises:
            InputError: a prompt and its new tokens exceed the context; nothing is cut.
        """
        items = []
        for index, prompt in enumerate(prompts):
            ids = self.encode(prompt) if isinstance(prompt, str) else tuple(prompt)
            self._check_length(ids, f"prompt {index}", max_new_tokens or 1)
            items.append(
                GenerateItem(ids, max_new_tokens, tuple(stop), seed=seed + index, **sampling)
            )
        return self.engine.generate(items, on_text)

    def _check_length(self, ids: Sequence[int], what: str, new: int = 0) -> None:
        if len(ids) + new > self.config.context:
            more = f" and {new} new tokens" if new else ""
            raise InputError(
                f"{what}: {len(ids)} tokens (with BOS){more} exceed the context of "
                f"{self.config.context} tokens; shorten it: nothing is cut silently"
            )


def load(
    path: str | Path,
    tokenizer: str | Path | None = None,
    *,
    dtype: str | None = None,
    batch_tokens: int | None = None,
    devices: int | None = None,
    tensor_parallel: int = 1,
    weight_dtype: str | None = None,
    memory: int | None = None,
) -> Model:
    """The model at `path`, whatever kind of weights they are.

    Args:
        path: a Hugging Face directory, a llama2.c .bin, or a checkpoint of ours.
        tokenizer: its tokenizer, where the weights bring none.
        dtype: "float32", "bfloat16" or "float16"; None for what is stored.
        batch_tokens: padded tokens per call of the engine, at most; None for the platform's
            default.
        devices: how many share the engine's work; None for `tensor_parallel`.
        tensor_parallel: devices that share a row, each with a part of the parameters.
        weight_dtype: "int8" keeps the engine's weights in eight bits.
        memory: bytes that one device may use: `batch_tokens` is lowered until an estimate fits.

    Raises:
        InputError: something is missing, unknown, damaged, or does not fit together.
    """
    weights.recognise(path)  # a wrong path is said before a missing tokenizer
    mesh = mesh_of(devices, tensor_parallel)
    check_weight_dtype(weight_dtype, tensor_parallel)
    chosen = None if tokenizer is None else load_tokenizer(tokenizer)
    place = Placement(mesh)

    def use(stored: weights.StoredWeights) -> tuple[LlamaConfig, dict, Tokenizer]:
        place.check(stored.config)
        pieces = chosen or _own_tokenizer(path, stored.tokenizer)
        if weight_dtype is not None:  # the host keeps these; devices hold the eight bits alone
            return stored.config, weights.place_unstacked(stored, dtype, np.asarray), pieces
        if mesh is None and jax.default_backend() == "cpu":
            return stored.config, weights.place_unstacked(stored, dtype), pieces
        shardings = {
            name: place.parameter_sharding(name, param.shape)
            for name, param in stored.params.items()
        }
        return stored.config, weights.place(stored, shardings, dtype), pieces

    config, params, chosen = weights.load(path, use)
    if memory is not None:
        held = decoder_bytes(params, weight_dtype) // tensor_parallel
        itemsize = params["embedding"].dtype.itemsize
        most = batch_tokens or default_batch_tokens()
        batch_tokens = batch_tokens_within(memory, config, held, itemsize, most)
    return Model(config, params, chosen, str(path), batch_tokens, mesh, weight_dtype)


def _own_tokenizer(path: str | Path, brought: Path | None) -> Tokenizer:
    if brought is None:
        raise InputError(
            f"{path}: brings no tokenizer that is read here; pass one with --tokenizer FILE "
            "(tokenizer.model, or llama2c's tokenizer .bin)"
        )
    return load_tokenizer(brought)


def dry_run(model: Model, tasks: Sequence[str], **options: Any) -> dict[str, str]:
    """What `evaluate` would compute, by task; `options`: of `llama_jax.evals.run.plan_tasks`."""
    data_dir = options.pop("data_dir", None)
    plans = run.plan_tasks(
        tasks,
        model.tokenizer,
        model.config.context,
        data_dir=None if data_dir is None else Path(data_dir),
        manifest=MANIFEST,
        **options,
    )
    return dry_runs.dry_run(model.engine, plans)


def evaluate(model: Model, tasks: Sequence[str], **options: Any) -> Results:
    """Evaluates `model` on benchmarks; `options` are those of `llama_jax.evals.run.evaluate`."""
    return run.evaluate(model.engine, model.tokenizer, tasks, model_info=model.info, **options)
