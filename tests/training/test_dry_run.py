import pytest

from llama_jax.config import LLAMA2_70B, LlamaConfig
from llama_jax.errors import InputError
from llama_jax.training.dry_run import DryRun, count_collectives, dry_run
from llama_jax.training.flops import training_flops
from llama_jax.training.optimizer import OptimizerConfig
from llama_jax.training.options import StepOptions
from llama_jax.training.presets import train_preset

CONFIG = LlamaConfig(64, 32, 2, 4, 4, 48, 64, 1e-5)
OPTIMIZER = OptimizerConfig(steps=10, warmup_steps=1)


def test_a_small_step_on_eight_simulated_devices():
    options = StepOptions(accumulation=2, remat="full")
    found = dry_run(CONFIG, OPTIMIZER, options, batch_size=16, length=32, mesh=(1, 4, 2))
    parameters = 2 * (4 * 32 * 32 + 3 * 32 * 48 + 2 * 32) + 2 * 64 * 32 + 32
    assert (found.devices, found.parameters) == (8, parameters)
    assert (found.tokens_per_step, found.microbatch_rows) == (512, 8)
    assert found.flops_per_step == training_flops(CONFIG, 512, 32)
    # Parameters and two moments in eight parts, but for the gains, and the counters.
    gains = 5 * 32
    assert found.state_bytes == pytest.approx(12 * ((parameters - gains) / 8 + gains), abs=64)
    assert found.batch_bytes == 5 * 4 * 512 // 4
    assert found.total_bytes == found.state_bytes + found.batch_bytes + found.temporary_bytes
    assert found.collectives["all-gather"] > 0
    assert any("memory per device" in line for line in found.lines())


def test_a_batch_that_does_not_divide_is_refused_with_what_would():
    with pytest.raises(InputError, match=r"^dry run: a batch of 6 rows .* 4 or 8 would"):
        dry_run(CONFIG, OPTIMIZER, StepOptions(), batch_size=6, length=32, mesh=(1, 4, 1))


def test_days_worked_by_hand():
    found = DryRun(4, 0, 0, 0, 864, 0, 0, 0, 0, {}, 0.0)
    assert found.days(steps=1000, peak_flops=10, mfu=0.5) == 1000 * 864 / (4 * 10 * 0.5) / 86400


def test_collectives_are_counted_in_both_forms():
    text = "%a = f32[2] all-gather(%b)\n%c = (f32[2]) all-gather-start(%b)\n%d = all-reduce(%a)"
    text = text.replace("= all-reduce", "= f32[2] all-reduce")
    assert count_collectives(text) == {"all-gather": 2, "all-reduce": 1}


@pytest.mark.slow
def test_llama2_70b_on_256_devices_stays_below_80_gb():
    """fsdp 32 x tensor 8, 1,024 x 4,096 tokens per step, 64 rows at a time."""
    preset = train_preset("llama2-70b")
    assert preset.model == LLAMA2_70B
    found = dry_run(
        preset.model,
        preset.optimizer,
        preset.options,
        batch_size=preset.batch_size,
        length=preset.length,
        mesh=(1, 32, 8),
    )
    assert found.tokens_per_step == 1024 * 4096
    assert found.microbatch_rows == 64
    assert found.total_bytes < 80e9
    assert found.seconds < 120
