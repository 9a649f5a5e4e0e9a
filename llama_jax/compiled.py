"""Compiled programs that outlive a process: the second run of a command starts at once."""

import hashlib
import os
import platform
from pathlib import Path

from llama_jax.data.cache import cache_dir

# Reading a program back takes some milliseconds; smaller ones are compiled as fast.
_LEAST_SECONDS = 0.5


def keep_compiled() -> Path | None:
    """Makes JAX keep compiled programs, and says where; None where it keeps none.

    To be called before anything is compiled. What the environment tells JAX goes first:
    JAX_ENABLE_COMPILATION_CACHE=false, JAX_COMPILATION_CACHE_DIR and
    JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS. A folder that cannot be written costs time, no more.
    """
    import jax

    if not jax.config.jax_enable_compilation_cache:
        return None
    if named := jax.config.jax_compilation_cache_dir:
        return Path(named)
    folder = cache_dir() / "compiled" / _processor()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _LEAST_SECONDS)
    return folder


def _processor() -> str:
    """A name for this kind of processor.

    JAX does not tell one from another, and a program with instructions that only the one has would
    end the process on the other, where both see the same home folder.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    kinds = {line for line in lines if line.startswith(("model name", "flags", "Features"))}
    told = [platform.machine(), platform.processor(), *sorted(kinds)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]
