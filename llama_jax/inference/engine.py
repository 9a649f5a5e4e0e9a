"""The only place where evaluation touches a device. Knows nothing of benchmarks.

score      items --plan_scores--> Plan --ScoreLoop--> results
generate   items --plan_generation--> GeneratePlan --GenerateLoop--> results
"""

import functools
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import jax
from jax.sharding import Mesh

from llama_jax.config import LlamaConfig
from llama_jax.inference.estimate import describe, peak_bytes
from llama_jax.inference.generate_loop import GenerateLoop
from llama_jax.inference.generation import GeneratePlan, plan_generation
from llama_jax.inference.generation_estimate import describe_generation, generation_peak_bytes
from llama_jax.inference.kept import Kept
from llama_jax.inference.placement import Placement
from llama_jax.inference.plan import Plan, plan_scores
from llama_jax.inference.score_loop import ScoreLoop
from llama_jax.inference.shapes import CALL_TOKENS
from llama_jax.inference.types import GenerateItem, GenerateResult, ScoreItem, ScoreResult
from llama_jax.model import decoder
from llama_jax.model.quantization import check_weight_dtype, quantize
from llama_jax.tokenizer import Tokenizer

# An accelerator computes about this many tokens in the time that one more call costs it.
_ACCELERATOR_CALL_TOKENS = 1024

# A compilation takes about a second; it is worth as many tokens as are computed meanwhile by a
# device of this many operations per second.
_CPU_OPERATIONS, _ACCELERATOR_OPERATIONS = 1e11, 1e14


def default_batch_tokens() -> int:
    """Padded tokens per call: what fills an accelerator, or stays in the caches of a CPU."""
    return 1024 if jax.default_backend() == "cpu" else 8192


class Engine:
    """Scores and continues token ids with one model.

    Args:
        params: as `decoder.init` gives them, or in the decode layout, which then serves for both;
            otherwise the first generation derives that layout, and both are kept.
        config: what `params` were built from.
        tokenizer: its stop ids end a generation; its `decode` makes the text.
        batch_tokens: padded tokens per call, at most; a longer row goes alone. None for the
            default of the platform.
        batch_rows: rows that are generated together, at most. Of both, a mesh takes as many more as
            it has groups of devices along "data".
        dtype: to compute in; None for that of `params`.
        weight_dtype: "int8" keeps the matrices in eight bits, see `model.quantization`.
        mesh: devices to share the work, as `llama_jax.sharding.make_mesh(data=, tensor=)` gives
            them; None for one device. Results are the same to rounding.

    Attributes:
        counts: tokens so far: "prefilled" (real ones that went through the model), "saved" (by
            sharing), "padding" (positions computed for nothing; scoring only), "scored",
            "generated" (end-of-sequence ids included). And "halved": batches or slots that memory
            did not suffice for, so that they were done in halves.
        compiled_shapes: what was compiled for: (function, sizes ...), a program each.
    """

    def __init__(
        self,
        params: dict,
        config: LlamaConfig,
        tokenizer: Tokenizer,
        *,
        batch_tokens: int | None = None,
        batch_rows: int = 64,
        dtype=None,
        weight_dtype: str | None = None,
        mesh: Mesh | None = None,
    ) -> None:
        self._placement = place = Placement(mesh)
        place.check(config)
        if weight_dtype is None:
            self._params = place.params(params, dtype)
        else:
            self._params = _in_eight_bits(params, weight_dtype, place, dtype)
        self._config = config
        self._tokenizer = tokenizer
        on_cpu = jax.default_backend() == "cpu"
        self._limits = {
            "context": config.context,
            "vocab_size": config.vocab_size,
            "batch_tokens": (default_batch_tokens() if batch_tokens is None else batch_tokens)
            * place.data,
            "call_tokens": (CALL_TOKENS if on_cpu else _ACCELERATOR_CALL_TOKENS) * place.data,
        }
        parameters = sum(leaf.size for leaf in jax.tree.leaves(self._params))
        operations = _CPU_OPERATIONS if on_cpu else _ACCELERATOR_OPERATIONS
        self._shape_tokens = int(operations / (2 * parameters)) * place.data * place.tensor
        self._batch_rows = batch_rows * place.data
        self.counts: Counter[str] = Counter()
        self.compiled_shapes: set[tuple] = set()
        self._score_loop = ScoreLoop(self._params, config, self.counts, self.compiled_shapes, place)
        self._generate_loop: GenerateLoop | None = None

    @property
    def weight_bytes(self) -> int:
        """Bytes of the parameters as scoring uses them, scales of eight-bit matrices included."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self._params))

    def plan(self, items: Sequence[ScoreItem]) -> Plan:
        """How `score` will compute `items`; raises what it raises for them."""
        return plan_scores(items, **self._limits, shape_tokens=self._shape_tokens)

    def describe(self, items: Sequence[ScoreItem]) -> str:
        """The plan of `score` in a few lines, with an estimate of its memory."""
        plan = self.plan(items)
        itemsize = self._params["final_norm"]["scale"].dtype.itemsize
        peak = peak_bytes(plan, self._config, self.weight_bytes, itemsize)
        return f"{describe(plan)}\n{_peak_line(peak)}"

    def describe_generation(self, items: Sequence[GenerateItem]) -> str:
        """The plan of `generate` in a few lines, with an estimate of its memory."""
        plan, params = self._plan_generation(items), self._params
        held = self.weight_bytes
        if isinstance(params["layers"], dict):  # the decode layout is a second copy of the layers
            held += sum(leaf.nbytes for leaf in jax.tree.leaves(params["layers"]))
        itemsize = params["final_norm"]["scale"].dtype.itemsize
        peak = generation_peak_bytes(plan, items, self._config, held, itemsize)
        lines = describe_generation(plan, items, self._config.context, self._limits["call_tokens"])
        return f"{lines}\n{_peak_line(peak)}"

    def _plan_generation(self, items: Sequence[GenerateItem]) -> GeneratePlan:
        more = {"batch_rows": self._batch_rows, "row_multiple": self._placement.data}
        return plan_generation(items, **more, **self._limits)

    def score(
        self,
        items: Sequence[ScoreItem],
        on_result: Callable[[int, ScoreResult], None] | None = None,
        known: Collection[int] = (),
    ) -> list[ScoreResult | None]:
        """Log-probabilities of every item's `ids[start:]`, in the order of `items`.

        Args:
            items: what to score.
            on_result: called with an item's index and result as each batch arrives.
            known: indices of items that need no answer; batches of nothing else are left out (None
                in the answer), and the others stay as they are.

        Raises:
            InputError: an item does not fit the model (nothing is computed then), or memory does
                not suffice for a single row.
        """
        plan = self.plan(items).without(known)
        results: dict[int, ScoreResult] = {}
        with self._placement.context():
            for index, result in self._score_loop.run(plan):
                results[index] = result
                if on_result is not None:
                    on_result(index, result)
        self.counts.update(
            prefilled=plan.prefilled, saved=plan.saved, padding=plan.padding, scored=plan.scored
        )
        return [results.get(index) for index in range(len(items))]

    def generate(
        self,
        items: Sequence[GenerateItem],
        on_text: Callable[[int, str], None] | None = None,
        on_result: Callable[[int, GenerateResult], None] | None = None,
        kept: Kept | None = None,
    ) -> list[GenerateResult]:
        """A continuation of every item, in the order of `items`.

        Args:
            items: what to continue.
            on_text: called with an item's index and new text as it is generated; the pieces of an
                item join to its result's text, and never hold any of a stop string.
            on_result: called with an item's index and result when it has ended.
            kept: for a single item: ids of its prompt that the item before it had seen are not
                computed again, and it leaves what it has seen for the next one.

        Raises:
            InputError: an item does not fit the model (nothing is computed then), or memory does
                not suffice for a single row.
        """
        plan = self._plan_generation(items)
        if kept is not None and len(items) != 1:
            raise ValueError(f"keys and values are kept of one item, not of {len(items)}")
        if not items:
            return []
        results: dict[int, GenerateResult] = {}
        with self._placement.context():
            for index, result in self._decoder_loop().run(plan, items, on_text, kept):
                results[index] = result
                if on_result is not None:
                    on_result(index, result)
        reused = 0 if kept is None else kept.reused
        self.counts.update(prefilled=plan.prefilled - reused, saved=plan.saved + reused)
        return [results[index] for index in range(len(items))]

    def _decoder_loop(self) -> GenerateLoop:
        """Made when it is first needed: the decode layout is a second copy of the layers."""
        if self._generate_loop is None:
            self._generate_loop = GenerateLoop(
                _decode_layout(self._params, self._placement),
                self._config,
                self._tokenizer,
                self.counts,
                self.compiled_shapes,
                self._limits["call_tokens"],
                self._placement,
            )
        return self._generate_loop


def _peak_line(peak: int) -> str:
    return f"peak memory: about {peak / 2**20:.0f} MiB, parameters included"


def _decode_layout(params: dict, place: Placement) -> dict:
    """Arrays per layer; `params` themselves where they are in that layout."""
    if not isinstance(params["layers"], dict):
        return params
    # Matrices that are joined to one cannot be split by heads.
    unstack = functools.partial(decoder.unstack, fused=place.tensor == 1)
    return place.params(jax.jit(unstack)(params))


def _in_eight_bits(params: dict, weight_dtype: str, place: Placement, dtype) -> dict:
    """The decode layout in eight bits, made a layer at a time: `params` may stay on the host."""
    check_weight_dtype(weight_dtype, place.tensor)
    layers = params["layers"]
    rest = {name: part for name, part in params.items() if name != "layers"}
    if isinstance(layers, dict):
        count = len(layers["attention_norm"]["scale"])
        parts = (
            {"layers": jax.tree.map(lambda a, i=i: a[i : i + 1], layers)} for i in range(count)
        )
        of_layer = jax.jit(lambda part: quantize(decoder.unstack(part))["layers"][0])
    else:
        parts, of_layer = layers, jax.jit(quantize)
    small = tuple(jax.block_until_ready(of_layer(place.params(part, dtype))) for part in parts)
    return {**jax.jit(quantize)(place.params(rest, dtype)), "layers": small}
