"""Where prepared data is kept."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Returns LLAMA_JAX_CACHE, or `llama_jax` in the user's cache directory."""
    if named := os.environ.get("LLAMA_JAX_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "llama_jax"
