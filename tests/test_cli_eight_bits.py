"""Weights in eight bits, as the commands take them: how many bytes, and what they change."""

import json
import math
import sys

import jax
import numpy as np
import pytest

import llama_jax as lj
from llama_jax import cli
from llama_jax.inference.engine import Engine
from llama_jax.model.quantization import quantize


@pytest.fixture
def run(monkeypatch, capsys):
    """The standard output and error of `llama-jax ARGS --weight-dtype int8`."""

    def call(*args):
        arguments = ["llama-jax", *map(str, args), "--weight-dtype", "int8"]
        monkeypatch.setattr(sys, "argv", arguments)
        cli.main()
        return capsys.readouterr()

    return call


def test_perplexity_prints_both_values_and_the_change(run, small_model, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("The cat sat on the mat. " * 20)
    found = json.loads(run("perplexity", small_model, "--text", text, "--json").out)
    exact = lj.load(small_model).perplexity(text.read_text())
    plain = found["unquantized"]
    assert plain["perplexity"] == exact.per_token and plain["logprob"] == exact.logprob
    ours = found["metrics"]["perplexity"]["value"]
    assert plain["relative_change"] == pytest.approx(ours / exact.per_token - 1, abs=1e-9)
    assert 0 < abs(plain["relative_change"]) < 0.05  # random weights; trained ones: below
    printed = run("perplexity", small_model, "--text", text).out.splitlines()
    assert printed[-2] == (
        f"perplexity of int8 weights {ours:.6g}, of float32 {exact.per_token:.6g}: "
        f"{100 * plain['relative_change']:+.3f} %"
    )
    assert printed[-1].startswith(f"weights {plain['eight_bit_weight_bytes']} bytes, float32 ")


def test_generate_and_eval_say_what_the_weights_take(run, small_model):
    held = lj.load(small_model, weight_dtype="int8").engine.weight_bytes
    for arguments in (
        ("generate", small_model, "--max-new-tokens", 2),
        ("eval", small_model, "--tasks", "hellaswag", "--limit", 1),
    ):
        assert f"int8 weights: {held} bytes, 0." in run(*arguments).err


def test_the_devices_hold_the_eight_bits_alone(small_model):
    """Embedding and output included, quantised a layer at a time from arrays of the host."""
    loaded, exact = lj.load(small_model, weight_dtype="int8"), lj.load(small_model)
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(loaded.params))
    assert loaded.info.params_sha256 == exact.info.params_sha256
    at_once = quantize(exact.params)
    assert loaded.engine.weight_bytes == sum(leaf.nbytes for leaf in jax.tree.leaves(at_once))
    per_layer = Engine(loaded.params, loaded.config, loaded.tokenizer, weight_dtype="int8")
    unstacked = Engine(at_once, loaded.config, loaded.tokenizer, weight_dtype="int8")
    assert jax.tree.structure(per_layer._params) == jax.tree.structure(at_once)
    for engine in (per_layer, unstacked):
        for ours, theirs in zip(*map(jax.tree.leaves, (engine._params, at_once)), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.shared
def test_perplexity_of_stories260k_stays_within_one_percent(shared):
    folder = shared / "models" / "stories260K"
    text = (shared / "corpora" / "wikitext-2" / "valid.txt").read_text(encoding="utf-8")[:30000]
    exact, eight = (
        lj.load(folder / "stories260K.bin", folder / "tok512.bin", weight_dtype=dtype)
        for dtype in (None, "int8")
    )
    change = eight.perplexity(text).per_token / exact.perplexity(text).per_token - 1
    assert math.isfinite(change) and 0 < abs(change) < 0.01
    assert eight.engine.weight_bytes <= 0.28 * 4 * exact.info.parameters
