"""What several subcommands of `llama-jax` take, and how they load the model that they name."""

from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

Platform = Literal["cpu", "gpu", "tpu"]
DType = Literal["float32", "bfloat16", "float16"]
ModelPath = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]


def load_model(
    model: Path,
    tokenizer: Path | None,
    dtype: DType | None,
    platform: Platform | None,
    **options: Any,
):
    """Loads a model, after a look whether JAX runs on the platform that is wanted."""
    from llama_jax import api
    from llama_jax.doctor import require_platform

    if platform is not None:
        require_platform(platform)
    return api.load(model, tokenizer, dtype=dtype, **options)
