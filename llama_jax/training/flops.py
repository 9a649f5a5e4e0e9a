"""Floating-point operations of training, and what share of a device's peak they are.

Source: Chowdhery et al. 2022 (PaLM), appendix B: a product counts 2 per weight and token forward, 4
backward; attention's scores and sums 12 L N H T per token, masked ones included; nothing that is
computed again (rematerialisation) counts.
"""

import jax

from llama_jax.config import LlamaConfig

# Dense bfloat16 operations per second of one device, by `device_kind`, from vendors' data sheets.
PEAK_FLOPS = {
    "NVIDIA H100 80GB HBM3": 989e12,
    "NVIDIA H200": 989e12,
    "NVIDIA A100-SXM4-80GB": 312e12,
    "NVIDIA A100-SXM4-40GB": 312e12,
    "TPU v4": 275e12,
    "TPU v5 lite": 197e12,
    "TPU v5p": 459e12,
    "TPU v6 lite": 918e12,
}


def product_weights(config: LlamaConfig) -> int:
    """Weights that a token is multiplied with; the embedding is looked up, so only the output."""
    D, N, K, H = config.dim, config.heads, config.kv_heads, config.head_size
    layer = D * H * (2 * N + 2 * K) + 3 * D * config.ffn_size
    return config.layers * layer + D * config.vocab_size


def training_flops(config: LlamaConfig, tokens: int, length: int) -> int:
    """Operations of forward and backward pass over `tokens` in rows of `length`.

    Args:
        config: the model.
        tokens: positions, padding included.
        length: T, of each row.
    """
    attention = 12 * config.layers * config.heads * config.head_size * length
    return tokens * (6 * product_weights(config) + attention)


def peak_flops(device: jax.Device | None = None) -> float | None:
    """The device's bfloat16 peak, or None where the table has none (as for CPUs)."""
    device = jax.devices()[0] if device is None else device
    return PEAK_FLOPS.get(device.device_kind)


def throughput(
    config: LlamaConfig, tokens: int, length: int, seconds: float, peak: float | None, devices: int
) -> dict[str, float]:
    """What a log line says about speed.

    Args:
        config: the model.
        tokens: positions of the step, padding included.
        length: of each row.
        seconds: of the step.
        peak: operations per second of one device; None leaves MFU out.
        devices: that shared the step.

    Returns:
        `tokens_per_second`, `flops_per_second`, and `mfu` (model FLOPs utilisation, 0 .. 1).
    """
    rate = training_flops(config, tokens, length) / seconds
    speed = {"tokens_per_second": tokens / seconds, "flops_per_second": rate}
    return speed if peak is None else {**speed, "mfu": rate / (peak * devices)}


def device_memory(device: jax.Device | None = None) -> dict[str, int]:
    """`bytes_in_use` and `peak_bytes_in_use` of a device; empty where it does not say (CPU)."""
    stats = (jax.local_devices()[0] if device is None else device).memory_stats() or {}
    return {name: stats[name] for name in ("bytes_in_use", "peak_bytes_in_use") if name in stats}
