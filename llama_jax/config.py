"""Model configurations: frozen facts with their sources, nothing that can be derived.

Sources: [P] Touvron et al. 2023b (Llama 2), Table 1 and section 2.2; [L1] Touvron et al. 2023a
(LLaMA), Table 2; [J] params.json as distributed with the weights; [CL] Roziere et al. 2023 (Code
Llama) and its params.json; [L3] the Llama 3 release (params.json, model card); [LM] the reference
code and model cards of Llama 3.1 and 3.2. The feed-forward sizes follow `feed_forward_size`.
"""

import dataclasses
import math
from dataclasses import dataclass

from llama_jax.errors import InputError


@dataclass(frozen=True)
class RopeScaling:
    """Frequency scaling of Llama 3.1: long wavelengths are slowed down by `factor`.

    Attributes:
        factor: divisor of the frequencies whose wavelength exceeds
            `original_context / low_freq_factor` tokens.
        low_freq_factor: sets the wavelength above which frequencies are divided.
        high_freq_factor: sets the wavelength, `original_context / high_freq_factor`, below which
            frequencies stay as they are; in between the two are blended linearly.
        original_context: context in tokens before scaling.
    """

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_context: int

    def __post_init__(self) -> None:
        if not 0 < self.low_freq_factor < self.high_freq_factor:
            raise InputError(
                f"rope_scaling: low_freq_factor {self.low_freq_factor} must be positive and below "
                f"high_freq_factor {self.high_freq_factor}"
            )
        if self.factor < 1:
            raise InputError(f"rope_scaling: factor {self.factor} is below 1")


@dataclass(frozen=True)
class LlamaConfig:
    """What a decoder is built from.

    Attributes:
        vocab_size: V, rows of the embedding.
        dim: D, width of the residual stream.
        layers: L, number of decoder layers.
        heads: N, query heads.
        kv_heads: K, key and value heads; N for multi-head, 1 for multi-query attention.
        ffn_size: F, width of the feed-forward layer.
        context: longest sequence, in tokens, that the model accepts.
        norm_eps: added to the mean square in RMSNorm.
        rope_theta: base of the rotary frequencies.
        rope_scaling: frequency scaling of Llama 3.1, or None.
        tied_embeddings: whether the output projection is the embedding, transposed.
    """

    vocab_size: int
    dim: int
    layers: int
    heads: int
    kv_heads: int
    ffn_size: int
    context: int
    norm_eps: float
    rope_theta: float = 10000.0
    rope_scaling: RopeScaling | None = None
    tied_embeddings: bool = False

    def __post_init__(self) -> None:
        for name in ("vocab_size", "dim", "layers", "heads", "kv_heads", "ffn_size", "context"):
            if getattr(self, name) < 1:
                raise InputError(f"config: {name} is {getattr(self, name)}; it must be at least 1")
        for name in ("norm_eps", "rope_theta"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise InputError(f"config: {name} is {value}; it must be positive and finite")
        if self.dim % self.heads or (self.dim // self.heads) % 2:
            raise InputError(
                f"config: dim {self.dim} over {self.heads} heads must give an even head size"
            )
        if self.heads % self.kv_heads:
            raise InputError(
                f"config: heads {self.heads} must be a multiple of kv_heads {self.kv_heads}"
            )

    @property
    def head_size(self) -> int:
        """H, the width of one head."""
        return self.dim // self.heads


def feed_forward_size(dim: int, multiple_of: int, multiplier: float | None = None) -> int:
    """Width of the feed-forward layer from the fields of Meta's params.json.

    Two thirds of 4 D, times `multiplier` (`ffn_dim_multiplier`), rounded up to `multiple_of`; each
    product is truncated first, as in the reference code (meta-llama/llama, model.py).

    >>> feed_forward_size(4096, 256)
    11008
    >>> feed_forward_size(8192, 4096, 1.3)
    28672
    """
    size = int(2 * 4 * dim / 3)
    if multiplier is not None:
        size = int(multiplier * size)
    return multiple_of * -(-size // multiple_of)


@dataclass(frozen=True)
class Preset:
    """A named configuration, where its facts stand, and whether any of them is inferred."""

    config: LlamaConfig
    source: str
    inferred: bool = False


def _llama1(dim: int, layers: int, heads: int, ffn_size: int, norm_eps: float) -> LlamaConfig:
    return LlamaConfig(32000, dim, layers, heads, heads, ffn_size, 2048, norm_eps)


def _llama2(dim: int, layers: int, heads: int, kv_heads: int, ffn_size: int) -> LlamaConfig:
    return LlamaConfig(32000, dim, layers, heads, kv_heads, ffn_size, 4096, 1e-5)


def _code_llama(base: LlamaConfig, vocab_size: int) -> LlamaConfig:
    return dataclasses.replace(base, vocab_size=vocab_size, context=16384, rope_theta=1e6)


def _llama3(
    dim: int, layers: int, heads: int, ffn_size: int, context: int = 8192, **more
) -> LlamaConfig:
    return LlamaConfig(128256, dim, layers, heads, 8, ffn_size, context, 1e-5, 500000.0, **more)


# [LM] Llama 3.1: factor 8 over the 8192 tokens of Llama 3. Llama 3.2: the published configurations
# carry factor 32, the reference code 8 for every size; we follow the configurations.
SCALING_31 = RopeScaling(8.0, 1.0, 4.0, 8192)
SCALING_32 = RopeScaling(32.0, 1.0, 4.0, 8192)

LLAMA1_7B = _llama1(4096, 32, 32, 11008, 1e-6)
LLAMA1_13B = _llama1(5120, 40, 40, 13824, 1e-6)
LLAMA1_33B = _llama1(6656, 60, 52, 17920, 1e-6)
LLAMA1_65B = _llama1(8192, 80, 64, 22016, 1e-5)
LLAMA2_7B = _llama2(4096, 32, 32, 32, 11008)
LLAMA2_13B = _llama2(5120, 40, 40, 40, 13824)
LLAMA2_34B = _llama2(8192, 48, 64, 8, 22016)
LLAMA2_70B = _llama2(8192, 80, 64, 8, 28672)
CODE_LLAMA_7B = _code_llama(LLAMA2_7B, 32016)
CODE_LLAMA_13B = _code_llama(LLAMA2_13B, 32016)
CODE_LLAMA_34B = _code_llama(LLAMA2_34B, 32000)
LLAMA3_8B = _llama3(4096, 32, 32, 14336)
LLAMA3_70B = _llama3(8192, 80, 64, 28672)
LLAMA31_8B = _llama3(4096, 32, 32, 14336, 131072, rope_scaling=SCALING_31)
LLAMA31_70B = _llama3(8192, 80, 64, 28672, 131072, rope_scaling=SCALING_31)
LLAMA32_1B = _llama3(
    2048, 16, 32, 8192, 131072, rope_scaling=SCALING_32, tied_embeddings=True
)  # fmt: skip
LLAMA32_3B = _llama3(
    3072, 28, 24, 8192, 131072, rope_scaling=SCALING_32, tied_embeddings=True
)  # fmt: skip

# For a laptop: grouped-query attention and an untied output, so that every code path of the 70B
# runs; the 512 pieces are those of the tokenizer inside the package.
TINY = LlamaConfig(512, 128, 4, 4, 2, 352, 256, 1e-5)

PRESETS: dict[str, Preset] = {
    "llama1-7b": Preset(LLAMA1_7B, "[L1] Table 2; [J]"),
    "llama1-13b": Preset(LLAMA1_13B, "[L1] Table 2; [J]"),
    "llama1-33b": Preset(LLAMA1_33B, "[L1] Table 2; [J]"),
    "llama1-65b": Preset(LLAMA1_65B, "[L1] Table 2; [J] (norm_eps 1e-5 at this size only)"),
    "llama2-7b": Preset(LLAMA2_7B, "[P] Table 1; [J]"),
    "llama2-13b": Preset(LLAMA2_13B, "[P] Table 1; [J]"),
    "llama2-34b": Preset(
        LLAMA2_34B,
        "[P] Table 1 gives 34B, 4k and GQA only; the rest is Code Llama 34B's [CL], rope_theta "
        "taken as 10000; the weights were never released",
        inferred=True,
    ),
    "llama2-70b": Preset(LLAMA2_70B, "[P] Table 1; [J] (multiple_of 4096, multiplier 1.3)"),
    "code-llama-7b": Preset(CODE_LLAMA_7B, "[CL] (32016 pieces: infilling)"),
    "code-llama-13b": Preset(CODE_LLAMA_13B, "[CL] (32016 pieces: infilling)"),
    "code-llama-34b": Preset(CODE_LLAMA_34B, "[CL]"),
    "llama3-8b": Preset(LLAMA3_8B, "[L3] (multiple_of 1024, multiplier 1.3)"),
    "llama3-70b": Preset(LLAMA3_70B, "[L3] (multiple_of 4096, multiplier 1.3)"),
    "llama3.1-8b": Preset(LLAMA31_8B, "[LM]"),
    "llama3.1-70b": Preset(LLAMA31_70B, "[LM]"),
    "llama3.2-1b": Preset(LLAMA32_1B, "[LM] (scaling factor 32: the published configuration)"),
    "llama3.2-3b": Preset(LLAMA32_3B, "[LM] (scaling factor 32: the published configuration)"),
    "tiny": Preset(TINY, "ours: trained by `make reproduce`"),
}


def preset(name: str) -> LlamaConfig:
    """The configuration called `name`, or an error that lists the names that exist."""
    if name not in PRESETS:
        raise InputError(f"no preset {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name].config
