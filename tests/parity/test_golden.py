"""Against Hugging Face's LlamaForCausalLM: golden files, and live where torch is installed."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import hf_model, numpy_llama

from llama_jax import weights
from llama_jax.model import decoder

GOLDEN = Path(__file__).with_name("golden")


def compare(folder: Path, tokens: np.ndarray, expected) -> dict[str, float]:
    """The largest differences: of a logit, absolute; of a layer's states, relative to its largest.

    The states of depth n are ours after n layers and the final norm, which is applied to theirs in
    float64 where transformers has not applied it.
    """
    read = weights.read(folder)
    params, config = jax.tree.map(jnp.asarray, read.params), read.config
    ours = jax.jit(decoder.apply, static_argnums=1)(params, config, tokens)
    found = {"logits": float(np.abs(ours - expected["logits"]).max())}
    for depth in range(1, config.layers + 1):
        first = {**params, "layers": jax.tree.map(lambda a, n=depth: a[:n], params["layers"])}
        short = dataclasses.replace(config, layers=depth)
        states = jax.jit(decoder.forward, static_argnums=1)(first, short, tokens)[0]
        theirs = np.asarray(expected["hidden"][depth], np.float64)
        if depth < config.layers:
            scale = np.asarray(params["final_norm"]["scale"], np.float64)
            theirs = numpy_llama.rms_norm(theirs, scale, config.norm_eps)
        found[f"layer {depth}"] = float(np.abs(states - theirs).max() / np.abs(theirs).max())
    return found


def assert_close(found: dict[str, float]) -> None:
    assert found["logits"] < 1e-4, found
    assert all(value < 1e-5 for name, value in found.items() if name != "logits"), found


@pytest.mark.parametrize("case", hf_model.CASES)
def test_equals_the_golden_file(case, tmp_path):
    with np.load(GOLDEN / f"{case}.npz") as golden:
        assert_close(compare(hf_model.write(case, tmp_path), hf_model.TOKENS, golden))


@pytest.mark.parametrize("case", hf_model.CASES)
def test_golden_logits_tell_a_wrong_layout_from_the_right_one(case, tmp_path):
    """Interleaved instead of split-half heads, the classic mistake, is far outside the bound."""
    read = weights.read(hf_model.write(case, tmp_path))
    attention = dict(read.params["layers"]["attention"])
    attention["query"] = numpy_llama.interleave(attention["query"])
    layers = {**read.params["layers"], "attention": attention}
    wrong = jax.jit(decoder.apply, static_argnums=1)(
        {**read.params, "layers": layers}, read.config, hf_model.TOKENS
    )
    with np.load(GOLDEN / f"{case}.npz") as golden:
        assert np.abs(wrong - golden["logits"]).max() > 0.1


@pytest.mark.parity
@pytest.mark.parametrize("case", hf_model.CASES)
def test_equals_transformers_live(case, tmp_path):
    from parity.make_golden import run_transformers

    folder = hf_model.write(case, tmp_path)
    live = run_transformers(folder, hf_model.TOKENS)
    found = compare(folder, hf_model.TOKENS, live)
    print(case, found)
    assert_close(found)
    with np.load(GOLDEN / f"{case}.npz") as golden:  # the committed files are what it computes
        np.testing.assert_allclose(golden["logits"], live["logits"], atol=1e-5)


@pytest.mark.parity
def test_a_longer_sequence_equals_transformers_live(tmp_path):
    from parity.make_golden import run_transformers

    tokens = np.random.default_rng(8).integers(0, hf_model.V, (1, hf_model.CONTEXT))
    folder = hf_model.write("scaled", tmp_path)
    assert_close(compare(folder, tokens.astype(np.int32), run_transformers(folder, tokens)))
