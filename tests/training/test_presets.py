import dataclasses
import json
import math

import jax
import pytest

from llama_jax.errors import InputError
from llama_jax.model.decoder import abstract_params
from llama_jax.training.options import StepOptions
from llama_jax.training.presets import PRESETS, train_preset


def parameters(name):
    return sum(math.prod(a.shape) for a in jax.tree.leaves(abstract_params(PRESETS[name].model)))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("shakespeare-char", 788_096),  # nanoGPT's has 795,904
        ("shakespeare-char-gpu", 10_647_936),  # nanoGPT's has 10,646,784 + 98,304 of positions
        ("stories", 15_191_712),
        ("books", 5_004_032),
        ("llama2-7b", 6_738_415_616),
        ("llama2-70b", 68_976_648_192),
    ],
)
def test_parameters(name, count):
    assert parameters(name) == count


@pytest.mark.parametrize(("name", "rate"), [("7b", 3e-4), ("13b", 3e-4), ("70b", 1.5e-4)])
def test_the_papers_numbers(name, rate):
    """Table 1 and section 2.2: learning rate, 4M tokens a batch, 2.0T in all, warm-up 2,000."""
    preset = train_preset(f"llama2-{name}")
    optimizer = preset.optimizer
    assert (optimizer.peak_learning_rate, optimizer.warmup_steps) == (rate, 2000)
    assert (optimizer.b1, optimizer.b2, optimizer.eps) == (0.9, 0.95, 1e-5)
    assert (optimizer.weight_decay, optimizer.clip_norm, optimizer.final_fraction) == (0.1, 1, 0.1)
    assert (preset.tokens_per_step, preset.length) == (4 * 2**20, 4096)
    assert preset.steps * preset.tokens_per_step == pytest.approx(2e12, rel=1e-6)
    assert not preset.options.drops


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_every_schedule_is_its_run_and_options_are_json(preset):
    assert preset.optimizer.steps == preset.steps
    assert StepOptions(**json.loads(json.dumps(dataclasses.asdict(preset.options)))) == (
        preset.options
    )


def test_what_is_refused():
    with pytest.raises(InputError, match="no training preset 'gpt'; there are: shakespeare-char"):
        train_preset("gpt")
    books = train_preset("books")
    with pytest.raises(InputError, match="length 512 exceeds the model's context 256"):
        dataclasses.replace(books, length=512)
    with pytest.raises(InputError, match="batch_size 4 does not divide into 3 microbatches"):
        dataclasses.replace(books, options=StepOptions(accumulation=3))
