"""The programs lower for accelerators that are not here: what would not compile shows on a CPU."""

import functools

import jax
import jax.numpy as jnp
import pytest
from jax import export

from llama_jax.config import LlamaConfig
from llama_jax.data.packing import Rows
from llama_jax.errors import InputError
from llama_jax.model import decoder
from llama_jax.model.cache import KVCache
from llama_jax.training.optimizer import OptimizerConfig, make_optimizer
from llama_jax.training.options import StepOptions
from llama_jax.training.step import compile_train_step, init_state

CONFIG = LlamaConfig(256, 512, 2, 4, 2, 256, 256, 1e-5)
OPTIMIZER = make_optimizer(OptimizerConfig(steps=10, warmup_steps=1))
STATE = jax.eval_shape(
    functools.partial(init_state, config=CONFIG, optimizer=OPTIMIZER), jax.random.key(0)
)


def batch(length=256):
    return Rows(*[jax.ShapeDtypeStruct((4, length), jnp.int32)] * 5)


def lowered_step(platform, length=256, **options):
    options = StepOptions(compute_dtype="bfloat16", remat="full", accumulation=2, **options)
    step = compile_train_step(CONFIG, OPTIMIZER, options)
    return export.export(step, platforms=[platform])(STATE, batch(length)).mlir_module()


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_the_training_step_lowers(platform):
    text = lowered_step(platform, attention_dropout=0.1, residual_dropout=0.1)
    assert "tpu_custom_call" not in text
    assert "bf16" in text


def test_the_training_step_lowers_with_the_splash_kernel_for_tpu():
    text = lowered_step("tpu", attention="splash")
    # Forward, forward again, and two kernels of the backward pass.
    assert text.count("tpu_custom_call") >= 3


def test_splash_says_which_lengths_it_takes():
    with pytest.raises(InputError, match="rows of 200 tokens; it needs a multiple of 128, 256"):
        lowered_step("tpu", length=200, attention="splash")


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_the_decode_step_lowers(platform):
    params = jax.eval_shape(decoder.unstack, decoder.abstract_params(CONFIG, jnp.bfloat16))
    cache = jax.eval_shape(lambda: KVCache.empty(CONFIG, 4, 256, jnp.bfloat16, stacked=False))

    @jax.jit
    def decode(params, tokens, cache):
        hidden, cache = decoder.forward(params, CONFIG, tokens, cache=cache)
        return decoder.logits(params, CONFIG, hidden[:, -1]), cache

    tokens = jax.ShapeDtypeStruct((4, 1), jnp.int32)
    exported = export.export(decode, platforms=[platform])(params, tokens, cache)
    assert exported.platforms == (platform,)
    assert exported.out_avals[0].shape == (4, 256)
