"""What this machine has: versions, devices, memory; and a refusal to run on the wrong one."""

import os
import platform
from importlib import metadata
from typing import Any

from llama_jax.errors import InputError

PACKAGES = (
    *("llama_jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy"),
    *("tensorflow-datasets", "sentencepiece", "safetensors"),
)


def inspect() -> dict[str, Any]:
    """Versions (None where absent), devices with their memory in bytes where JAX tells it."""
    import jax

    devices = []
    for device in jax.devices():
        memory = device.memory_stats() or {}
        devices.append(
            {
                "kind": device.device_kind,
                "platform": device.platform,
                "memory_bytes": memory.get("bytes_limit"),
            }
        )
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "versions": {name: _version(name) for name in PACKAGES},
        "backend": jax.default_backend(),
        "devices": devices,
    }


def describe(found: dict[str, Any]) -> str:
    """The same as lines for a person."""
    lines = [f"python {found['python']} on {found['system']}, {found['cores']} cores"]
    lines += [f"{name} {version or 'absent'}" for name, version in found["versions"].items()]
    lines.append(f"JAX runs on: {found['backend']}")
    for device in found["devices"]:
        memory = device["memory_bytes"]
        size = "" if memory is None else f", {memory / 2**30:.1f} GiB"
        lines.append(f"  {device['kind']} ({device['platform']}){size}")
    if found["backend"] == "cpu":
        lines.append('for an accelerator: pip install "llama_jax[gpu]" or "llama_jax[tpu]"')
    return "\n".join(lines)


def require_platform(name: str) -> None:
    """Makes JAX use `name` ("cpu", "gpu" or "tpu"), or refuses where it is not there.

    Raises:
        InputError: JAX has no such device.
    """
    import jax

    jax.config.update("jax_platforms", {"gpu": "cuda,rocm"}.get(name, name))
    try:
        found = jax.default_backend()
    except RuntimeError:
        found = "none"
    if found != name:
        raise InputError(
            f"--platform {name}: JAX finds no {name} here; install its build with "
            f'pip install "llama_jax[{name}]" and see `llama-jax doctor`, or leave --platform out'
        )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
