"""What several subcommands of `llama-jax` take, and how they load the model that they name."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

Platform = Literal["cpu", "gpu", "tpu"]
DType = Literal["float32", "bfloat16", "float16"]
ModelPath = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]


@dataclass(frozen=True)
class Hardware:
    """What to run on.

    Attributes:
        platform: fail unless JAX runs on this.
        devices: how many share the work; default: as many as share a row.
        tensor_parallel: devices that share a row, each with a part of the weights.
        compilation_cache: keep compiled programs in LLAMA_JAX_CACHE/compiled.
        weight_dtype: int8 keeps the weights in eight bits, one scale per output channel.
        batch_tokens: padded tokens per call and group of devices, at most; default: the platform's.
        memory: bytes that one device may use; as few tokens per call as that asks for.
    """

    platform: Platform | None = None
    devices: int | None = None
    tensor_parallel: int = 1
    compilation_cache: bool = True
    weight_dtype: Literal["int8"] | None = None
    batch_tokens: int | None = None
    memory: int | None = None


DEFAULT = Hardware()


def load_model(model: Path, tokenizer: Path | None, dtype: DType | None, hardware: Hardware):
    """Loads a model, after a look whether JAX runs on the platform that is wanted."""
    from llama_jax import api
    from llama_jax.compiled import keep_compiled
    from llama_jax.doctor import require_platform

    if hardware.platform is not None:
        require_platform(hardware.platform)
    if hardware.compilation_cache:
        keep_compiled()
    names = ("devices", "tensor_parallel", "weight_dtype", "batch_tokens", "memory")
    chosen = {name: getattr(hardware, name) for name in names}
    return api.load(model, tokenizer, dtype=dtype, **chosen)


def tell_int8(loaded, *, measured: bool = False) -> dict[str, Any] | None:
    """Prints to stderr what weights in eight bits take and, where `measured`, what they change.

    Of a model with other weights it prints nothing. To be called before the model is asked anything
    else: see `int8_check.measure`. What was measured is returned as JSON values.
    """
    if loaded.weight_dtype is None:
        return None
    if measured:
        from llama_jax.int8_check import measure, sample_text

        change = measure(loaded, sample_text())
        print(change.line(), file=sys.stderr)
        return change.record()
    count, held = loaded.info.parameters, loaded.engine.weight_bytes
    print(
        f"{loaded.weight_dtype} weights: {held} bytes, {held / (4 * count):.3f} of float32's; "
        "`llama-jax perplexity` measures what they change",
        file=sys.stderr,
    )
    return None
