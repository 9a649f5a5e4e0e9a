import hashlib
import json

import numpy as np
import pytest
from reference.weight_files import draw, hf_config, hf_tensors, llama2c_bytes, write_hf

from llama_jax import checkpoint, cli, weights
from llama_jax.config import LlamaConfig

GQA = LlamaConfig(61, 16, 3, 4, 2, 24, 32, 1e-5)
TIED = LlamaConfig(61, 16, 3, 4, 4, 24, 32, 1e-5, tied_embeddings=True)


@pytest.fixture
def model(tmp_path):
    return write_hf(tmp_path / "hf", hf_tensors(draw(GQA), GQA), hf_config(GQA), shards=2)


@pytest.fixture
def run(capsys, monkeypatch):
    """The exit status, stdout and stderr of `llama-jax weights ...`."""

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["llama-jax", "weights", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return call


def test_inspect_counts_by_hand(run, model):
    status, out, _ = run("inspect", model, "--json")
    told = json.loads(out)
    by_name = {tensor["name"]: tensor for tensor in told["tensors"]}
    # Embedding and output 61 x 16 each; a layer: 16 x 16 twice, 16 x 8 twice, 3 x 16 x 24, 2 x 16.
    count = 2 * 61 * 16 + 3 * (2 * 256 + 2 * 128 + 3 * 384 + 2 * 16) + 16
    assert (status, told["parameters"], told["bytes"]) == (0, count, 4 * count)
    assert by_name["layers/attention/key"]["shape"] == [3, 16, 2, 4]
    assert (told["kind"], told["config"]["kv_heads"], told["tokenizer"]) == ("hf", 2, None)


def test_inspect_prints_a_line_per_tensor(run, model):
    status, out, _ = run("inspect", model)
    assert status == 0
    assert "layers/attention/key" in out and "float32" in out and "3 x 16 x 2 x 4" in out
    assert "manifest: none" in out


def test_verify_gives_the_digests_of_files_and_parameters(run, model):
    status, out, _ = run("verify", model, "--json")
    told = json.loads(out)
    assert status == 0 and told["problems"] == []
    assert told["params_sha256"] == weights.params_sha256(draw(GQA))
    shard = model / "model-00001-of-00002.safetensors"
    assert told["files"][shard.name] == {
        "bytes": shard.stat().st_size,
        "sha256": hashlib.sha256(shard.read_bytes()).hexdigest(),
    }
    assert any("no manifest" in note for note in told["notes"])
    assert run("verify", model)[1].endswith("good\n")


@pytest.mark.parametrize("kind", ["llama2c", "llama_jax"])
def test_other_kinds_have_the_same_digest(kind, run, tmp_path):
    path = tmp_path / "model.bin"
    if kind == "llama2c":
        path.write_bytes(llama2c_bytes(draw(TIED), TIED))
    else:
        checkpoint.save(path, 0, draw(TIED), TIED)
    status, out, _ = run("verify", path, "--json")
    told = json.loads(out)
    assert (status, told["kind"]) == (0, kind)
    assert told["params_sha256"] == weights.params_sha256(draw(TIED))


def test_a_missing_shard_is_named(run, model):
    (model / "model-00002-of-00002.safetensors").unlink()
    status, out, _ = run("verify", model)
    assert status == 1 and "wrong: " in out and "1 problems" in out
    assert "1 of 2 shards missing: model-00002-of-00002.safetensors" in out


def test_values_that_are_no_numbers_are_told(run, tmp_path):
    params = draw(GQA)
    params["layers"]["feed_forward"]["up"][2, 3, 3] = np.nan
    write_hf(tmp_path, hf_tensors(params, GQA), hf_config(GQA))
    status, out, _ = run("verify", tmp_path)
    assert status == 1 and "1 tensors hold NaN or infinity: layers/feed_forward/up" in out


def test_every_damaged_array_of_a_checkpoint_is_named(run, tmp_path):
    step = checkpoint.save(tmp_path, 0, draw(GQA), GQA)
    for file in (tmp_path / "checkpoints/0/params").rglob("[0-9]*"):
        file.write_bytes(bytes(file.stat().st_size))
    status, out, _ = run("verify", step)
    assert status == 1 and "damaged: params" in out and "params_sha256" not in out


def test_a_model_is_held_against_its_manifest(run, model):
    weights.write_manifest(model, weights.open_weights(model))
    assert run("verify", model)[0] == 0
    write_hf(model, hf_tensors(draw(GQA, seed=1), GQA), hf_config(GQA), shards=2)
    status, out, _ = run("verify", model)
    assert status == 1 and "llama_jax_manifest.json: 12 tensors hold other values: " in out


def test_what_is_no_model_is_refused(run, tmp_path):
    status, out, error = run("verify", tmp_path)
    assert (status, out) == (2, "") and "an empty directory" in error
    status, out, error = run("inspect", tmp_path / "absent")
    assert (status, out) == (2, "") and "no such file or directory" in error
