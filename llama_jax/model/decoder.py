"""The Llama decoder: Flax NNX modules as the notation, pure functions as the interface.

Everybody calls `init(key, config) -> params`, `forward(params, config, tokens, ...)`, `logits` and
`apply`; `params` is a plain nested dict:

    embedding [V, D]
    layers
        attention_norm.scale [L, D]
        attention.query [L, D, N, H]  .key [L, D, K, H]  .value [L, D, K, H]  .output [L, N, H, D]
        feed_forward_norm.scale [L, D]
        feed_forward.gate [L, D, F]  .up [L, D, F]  .down [L, F, D]
    final_norm.scale [D]
    output [D, V]                 absent when the embeddings are tied

The modules exist at trace time only: `nnx.merge` puts traced arrays into them, and every transform
is `jax.*` (nnx.jit costs 5 to 20 times more per call).
"""

import functools

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from llama_jax.config import LlamaConfig
from llama_jax.model import cache as caches
from llama_jax.model.cache import KVCache, SharedPrefix
from llama_jax.model.dropout import Dropout, drop
from llama_jax.model.inputs import layer_of, shared_inputs
from llama_jax.model.layers import INIT_STD, Block, LayerState, RMSNorm, Shared, weight
from llama_jax.model.layouts import unstack as unstack
from llama_jax.model.quantization import product, product_of_rows, rows
from llama_jax.model.remat import rematerialise
from llama_jax.model.self_attention import SelfAttention


class Decoder(nnx.Module):
    """Embedding, L layers, final norm, output projection.

    `layers` is one Block whose parameters carry a leading L (run by a scan), or a list of L Blocks
    (run by a loop), fused in the decode layout.
    """

    def __init__(self, config: LlamaConfig, rngs: nnx.Rngs, dtype, *, stacked=True, fused=False):
        D, V = config.dim, config.vocab_size
        self.embedding = weight(rngs, (V, D), INIT_STD, dtype)
        if stacked:
            self.layers = Block(config, (config.layers,), rngs, dtype)
        else:
            self.layers = nnx.List(
                Block(config, (), rngs, dtype, fused=fused) for _ in range(config.layers)
            )
        self.final_norm = RMSNorm(config, (), dtype)
        tied = config.tied_embeddings
        self.output = None if tied else weight(rngs, (D, V), INIT_STD, dtype)

    def __call__(self, tokens: Int[Array, "B T"], shared: Shared, state: LayerState, remat: str):
        """Hidden states after the final norm, and the layers' new cache buffers."""
        with jax.named_scope("token_embedding"):
            x = rows(self.embedding.get_value(), tokens)
            if shared.dropout is not None:
                x = drop(shared.dropout.embedding_key(), x, shared.dropout.embedding)
        if isinstance(self.layers, Block):
            x, cache = self._scan_layers(x, shared, state, remat)
        else:
            x, cache = self._loop_layers(x, shared, state, remat)
        with jax.named_scope("final_norm"):
            return self.final_norm(x), cache

    def _scan_layers(self, x, shared, state, remat):
        block, params = nnx.split(self.layers)

        def layer(x, inputs):
            params, state = inputs
            return nnx.merge(block, params)(x, shared, state)

        return jax.lax.scan(rematerialise(layer, remat), x, (params, state))

    def _loop_layers(self, x, shared, state, remat):
        graph = nnx.graphdef(self.layers[0])

        def layer(params, x, state):
            return nnx.merge(graph, params)(x, shared, state)

        run = rematerialise(layer, remat)
        if isinstance(x, jax.core.Tracer) and x.shape[1] > 1:
            # As a function of its own it is traced and lowered once, not once for every layer; XLA
            # writes it out again where it is called. Not in steps of one token, where XLA on CPUs
            # would then copy the cache.
            run = jax.jit(run)
        caches_out = []
        for index, block in enumerate(self.layers):
            x, cache = run(nnx.state(block), x, layer_of(state, index))
            caches_out.append(cache)
        if state.cache is None:
            return x, None
        keys, values = zip(*caches_out, strict=True)
        return x, (keys, values)

    def logits(self, hidden: Float[Array, "*batch D"]) -> Float[Array, "*batch V"]:
        """Float32 scores of every piece of the vocabulary."""
        with jax.named_scope("output"):
            if self.output is None:
                return product_of_rows(hidden, self.embedding.get_value(), jnp.float32)
            return product(hidden, self.output.get_value(), jnp.float32)


def init(key: Array, config: LlamaConfig, dtype=jnp.float32) -> dict:
    """Freshly drawn parameters, layers stacked. The same key gives the same parameters."""
    return nnx.to_pure_dict(nnx.state(Decoder(config, nnx.Rngs(params=key), jnp.dtype(dtype))))


def abstract_params(config: LlamaConfig, dtype=jnp.float32) -> dict:
    """The tree of `init` as ShapeDtypeStructs: the one place where shapes are defined."""
    return jax.eval_shape(lambda key: init(key, config, dtype), jax.random.key(0))


def forward(
    params: dict,
    config: LlamaConfig,
    tokens: Int[Array, "B T"],
    *,
    positions: Int[Array, "B T"] | None = None,
    segment_ids: Int[Array, "B T"] | None = None,
    subtree_ends: Int[Array, "B T"] | None = None,
    prefix: tuple[SharedPrefix, ...] = (),
    cache: KVCache | None = None,
    token_counts: Int[Array, "B"] | None = None,
    remat: str = "none",
    dropout: Dropout | None = None,
    self_attention: SelfAttention | None = None,
) -> tuple[Float[Array, "B T D"], KVCache | None]:
    """Hidden states after the final norm, and the cache with the new tokens in it.

    Args:
        params: stacked, or in the decode layout of `unstack`.
        config: what `params` were built from.
        tokens: ids; rows are right-padded.
        positions: of the tokens; by default they count on from the prefixes and the row's cache,
            and start anew with each segment.
        segment_ids: documents packed into a row, 1 and up, 0 for padding; attention stays inside.
        subtree_ends: rows are trees, see `tree_mask`; needs `positions`.
        prefix: keys and values that stand before every row, in order.
        cache: the row's earlier tokens; new ones are written behind them.
        token_counts: with a cache, how many of each row's T tokens are real; default all.
        remat: what the backward pass computes again instead of keeping it, see `rematerialise`.
        dropout: rates and a key, in training; None for none.
        self_attention: how rows attend to themselves where there is neither prefix nor cache, see
            `make_self_attention`; None for XLA's.
    """
    if cache is not None and not (segment_ids is None and subtree_ends is None):
        raise ValueError("forward: a cache excludes segment_ids and subtree_ends")
    if subtree_ends is not None and positions is None:
        raise ValueError("forward: subtree_ends need the positions of the tokens")
    shared = shared_inputs(config, tokens, positions, segment_ids, subtree_ends, prefix, cache)
    shared = shared._replace(self_attention=self_attention, dropout=dropout)
    state = LayerState(
        tuple((p.key, p.value) for p in prefix),
        None if cache is None else (cache.key, cache.value),
        None if dropout is None else dropout.layer_keys(config.layers),
    )
    hidden, new_cache = _module(params, config)(tokens, shared, state, remat)
    if cache is None:
        return hidden, None
    if token_counts is None:
        token_counts = jnp.full((tokens.shape[0],), tokens.shape[1], jnp.int32)
    return hidden, caches.advance(cache, *new_cache, token_counts)


def logits(
    params: dict, config: LlamaConfig, hidden: Float[Array, "*batch D"]
) -> Float[Array, "*batch V"]:
    """Float32 logits of hidden states that `forward` returned."""
    return _module(params, config).logits(hidden)


def apply(
    params: dict, config: LlamaConfig, tokens: Int[Array, "B T"], **options
) -> Float[Array, "B T V"]:
    """Float32 logits at every position; `options` are those of `forward`, without a cache."""
    return logits(params, config, forward(params, config, tokens, **options)[0])


def prefill_prefix(
    params: dict,
    config: LlamaConfig,
    tokens: Int[Array, "P"],
    prefix: tuple[SharedPrefix, ...] = (),
    length: Int[Array, ""] | None = None,
) -> SharedPrefix:
    """Keys and values of tokens that many rows will share, computed once.

    Args:
        params: stacked or in the decode layout; the prefix gets the same layout.
        config: what `params` were built from.
        tokens: the prefix, right-padded to P.
        prefix: earlier prefixes that stand before this one.
        length: how many of the P tokens are real; default all.
    """
    stacked = isinstance(params["layers"], dict)
    dtype = params["embedding"].dtype
    empty = KVCache.empty(config, 1, tokens.shape[0], dtype, stacked=stacked)
    counts = None if length is None else jnp.reshape(length, (1,)).astype(jnp.int32)
    _, filled = forward(
        params, config, tokens[None], prefix=prefix, cache=empty, token_counts=counts
    )
    return caches.as_prefix(filled)


@functools.cache
def _graph(config: LlamaConfig, stacked: bool, fused: bool) -> nnx.GraphDef:
    """The structure of the decoder without its arrays."""
    make = functools.partial(Decoder, config, dtype=jnp.float32, stacked=stacked, fused=fused)
    return nnx.split(nnx.eval_shape(lambda: make(rngs=nnx.Rngs(params=0))))[0]


def _module(params: dict, config: LlamaConfig) -> Decoder:
    layers = params["layers"]
    stacked = isinstance(layers, dict)
    fused = not stacked and "gate_up" in layers[0]["feed_forward"]
    if not stacked:
        params = {**params, "layers": dict(enumerate(layers))}
    return nnx.merge(_graph(config, stacked, fused), nnx.State(params))
