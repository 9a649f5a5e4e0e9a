import jax
import pytest

from llama_jax.config import LLAMA2_7B, LLAMA2_70B, LlamaConfig
from llama_jax.training.flops import (
    PEAK_FLOPS,
    device_memory,
    peak_flops,
    product_weights,
    throughput,
    training_flops,
)


def test_worked_by_hand():
    """One layer, D 4, two query heads and one key head of 2, F 3, V 5, rows of 10."""
    config = LlamaConfig(5, 4, 1, 2, 1, 3, 10, 1e-5)
    weights = 4 * 4 + 2 * (4 * 2) + 4 * 4 + 3 * 4 * 3 + 4 * 5
    assert product_weights(config) == weights == 104
    # Scores and sums: 2 products of 2 x 10 x 4 operations each, times 3 for both passes.
    assert training_flops(config, 7, 10) == 7 * (6 * weights + 3 * 2 * (2 * 10 * 4))


def test_the_weights_are_the_parameters_without_embedding_and_gains():
    assert product_weights(LLAMA2_7B) == 6_738_415_616 - 32000 * 4096 - 65 * 4096
    assert product_weights(LLAMA2_70B) == 68_976_648_192 - 32000 * 8192 - 161 * 8192


def test_throughput():
    found = throughput(LLAMA2_7B, 4096, 4096, 2.0, 1e15, 2)
    flops = training_flops(LLAMA2_7B, 4096, 4096)
    assert found["tokens_per_second"] == 2048
    assert found["mfu"] == pytest.approx(flops / 2 / 2e15)
    assert "mfu" not in throughput(LLAMA2_7B, 4096, 4096, 2.0, None, 2)


def test_a_cpu_has_no_peak_and_says_nothing_of_memory():
    cpu = jax.devices("cpu")[0]
    assert cpu.device_kind not in PEAK_FLOPS
    assert peak_flops(cpu) is None
    assert device_memory(cpu) == {}
