"""Weights in eight bits, as the commands take them: how many bytes, and what they change."""

import hashlib
import json
import math
import sys
import weakref

import jax
import numpy as np
import pytest

import llama_jax as lj
from llama_jax import cli, samples, weights
from llama_jax.errors import InputError
from llama_jax.inference.engine import Engine
from llama_jax.int8_check import measure, sample_text
from llama_jax.model.quantization import check_weight_dtype, quantize


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


GENERATE = ("generate", "--max-new-tokens", 2)
EVAL = ("eval", "--tasks", "hellaswag", "--limit", 1)


@pytest.mark.parametrize("command", [GENERATE, EVAL], ids=["generate", "eval"])
def test_generate_and_eval_say_what_eight_bits_change(run, small_model, command):
    eight, exact = (lj.load(small_model, weight_dtype=dtype) for dtype in ("int8", None))
    text = samples.CORPUS.read_text(encoding="utf-8")[: len(sample_text())]
    assert text == sample_text() and 200 < len(exact.tokenizer.encode(text)) < 1000
    after, before = eight.perplexity(text), exact.perplexity(text)
    held, share = eight.engine.weight_bytes, eight.engine.weight_bytes / (4 * exact.info.parameters)
    change = 100 * (after.per_token / before.per_token - 1)
    with_check = run(command[0], small_model, *command[1:])
    assert with_check.err.splitlines()[0] == (
        f"int8: perplexity {before.per_token:.6g} (float32) -> {after.per_token:.6g} "
        f"({change:+.3f} %) on {after.tokens} tokens of the embedded text; "
        f"weights {held} bytes, {share:.3f} of float32's"
    )
    without = run(command[0], small_model, *command[1:], "--no-int8-check")
    assert without.err.startswith(f"int8 weights: {held} bytes, {share:.3f} of float32's; ")
    assert "perplexity " not in without.err.replace("`llama-jax perplexity`", "")
    assert without.out == with_check.out  # the answers are those of the eight bits, either way


def test_eval_writes_what_was_measured_beside_its_results(run, small_model, tmp_path):
    run(EVAL[0], small_model, *EVAL[1:], "--out", tmp_path / "left_out", "--no-int8-check")
    said = run(EVAL[0], small_model, *EVAL[1:], "--out", tmp_path / "measured").err
    files = [
        {path.name for path in (tmp_path / name).iterdir()} for name in ("left_out", "measured")
    ]
    assert files[1] - files[0] == {"int8.json"} and "results.json" in files[0]
    found = json.loads((tmp_path / "measured" / "int8.json").read_text())
    change = found["eight_bit_perplexity"] / found["perplexity"] - 1
    assert found["relative_change"] == pytest.approx(change, abs=1e-9)
    assert f"({100 * found['relative_change']:+.3f} %) on {found['tokens']} tokens" in said
    assert found["text_sha256"] == hashlib.sha256(sample_text().encode()).hexdigest()


def test_a_dry_run_and_other_weights_measure_nothing(run, small_model, llama_jax_command):
    assert "->" not in run(EVAL[0], small_model, *EVAL[1:], "--dry-run").err
    status, _, err = llama_jax_command(GENERATE[0], small_model, *GENERATE[1:])
    assert (status, err) == (0, "")


def test_the_weights_before_are_dropped_before_the_eight_bits_are_made(small_model, monkeypatch):
    """Devices never hold both."""
    begin, made, alive = Engine.__init__, [], []

    def init(engine, *args, **options):
        alive.append([one() is not None for one in made])
        made.append(weakref.ref(engine))
        begin(engine, *args, **options)

    monkeypatch.setattr(Engine, "__init__", init)
    measure(lj.load(small_model, weight_dtype="int8"), "The cat sat on the mat.")
    assert alive == [[], [False]]


def test_a_model_whose_weights_do_not_fit_before_is_told_the_way_out(small_model, monkeypatch):
    def full(*_, **__):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    monkeypatch.setattr(Engine, "__init__", full)
    with pytest.raises(InputError, match="do not fit the memory.*--no-int8-check"):
        measure(lj.load(small_model, weight_dtype="int8"), "The cat")


def test_what_cannot_be_kept_is_refused_before_weights_are_read(small_model, monkeypatch):
    monkeypatch.setattr(weights, "load", lambda *_: pytest.fail("weights were read"))
    with pytest.raises(InputError, match="weight_dtype 'int4': choose 'int8', or None"):
        lj.load(small_model, weight_dtype="int4")
    with pytest.raises(InputError, match="'int8' with tensor parallelism 2"):
        check_weight_dtype("int8", 2)


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
