"""Meta's directories: read whole, refused where they are not of one model."""

import dataclasses
import json
import logging

import ml_dtypes
import numpy as np
import pytest
from reference import meta_model
from reference.torch_files import write_torch
from reference.weight_files import hf_config, hf_tensors, write_hf

from llama_jax import weights
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.weights import meta
from llama_jax.weights.tree import flatten

GQA = LlamaConfig(meta_model.V, 64, 2, 16, 8, meta_model.F, 4096, 1e-5)
WQ, WO, W1 = (
    f"layers.0.{name}.weight" for name in ("attention.wq", "attention.wo", "feed_forward.w1")
)


def write(folder, case="gqa", shards=1, change=None, dtype=np.float32, **fields):
    """A directory, after `change(parts)` of the shards' tensors."""
    parts = meta_model.split(meta_model.tensors(case, dtype), shards)
    if change is not None:
        change(parts)
    return meta_model.write(folder, meta_model.params_json(case, **fields), parts, write_torch)


def refusal(folder):
    with pytest.raises(InputError) as error:
        meta.open(folder)
    assert str(error.value).startswith(str(folder)) and "\n" not in str(error.value)
    return str(error.value)


def assert_equal(a, b):
    assert (a.dtype, a.shape) == (b.dtype, b.shape) and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("case", ["mha", "gqa"])
@pytest.mark.parametrize("embedding", [meta_model.ROWS, meta_model.COLUMNS])
def test_shards_give_the_model_that_one_file_gives(tmp_path, case, embedding):
    one = weights.read(write(tmp_path / "1", case))
    for shards in (2, 4, 8):
        parts = meta_model.split(meta_model.tensors(case), shards, embedding)
        folder = tmp_path / f"{shards}"
        meta_model.write(folder, meta_model.params_json(case), parts, write_torch)
        read = weights.read(folder)
        assert read.config == one.config
        for path, array in flatten(read.params).items():
            assert_equal(array, flatten(one.params)[path])


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_equals_the_same_model_from_hugging_face(tmp_path, dtype):
    """Its rows as Meta's converter puts them, through our reader of the other format."""
    read = weights.read(write(tmp_path / "meta", dtype=dtype, shards=2))
    folder = write_hf(tmp_path / "hf", hf_tensors(read.params, read.config), hf_config(read.config))
    tensors = meta_model.tensors("gqa", dtype)
    theirs = hf_tensors(weights.read(folder).params, read.config)
    # convert_llama_weights_to_hf.py: view(heads, H / 2, 2, D).transpose(1, 2)
    for name, meta_name, heads in (("q_proj", "wq", 16), ("k_proj", "wk", 8)):
        expected = tensors[f"layers.1.attention.{meta_name}.weight"]
        expected = expected.reshape(heads, 2, 2, 64).swapaxes(1, 2).reshape(-1, 64)
        assert_equal(theirs[f"model.layers.1.self_attn.{name}.weight"], expected)
    assert_equal(theirs["model.layers.0.mlp.down_proj.weight"], tensors[W1.replace("w1", "w2")])
    assert_equal(theirs["model.layers.0.self_attn.o_proj.weight"], tensors[WO])
    assert_equal(theirs["lm_head.weight"], tensors["output.weight"])


def test_configuration_and_what_is_still_in_the_file(tmp_path):
    stored = meta.open(write(tmp_path / "model"))
    assert (stored.config, stored.kind, stored.where) == (GQA, "meta", str(tmp_path / "model"))
    query = stored.params["layers/attention/query"]
    assert (query.shape, query.dtype) == ((2, 64, 16, 4), np.float32)
    embedding = stored.params["embedding"].read(None)
    assert isinstance(embedding.base, np.memmap) and not embedding.flags.writeable
    assert weights.read(tmp_path / "model", "bfloat16").params["output"].dtype == ml_dtypes.bfloat16


def test_tied_embeddings_are_seen(tmp_path):
    for shards in (1, 4):
        parts = meta_model.split(meta_model.tensors("mha", tied=True), shards)
        folder = meta_model.write(
            tmp_path / str(shards), meta_model.params_json("mha"), parts, write_torch
        )
        stored = meta.open(folder)
        assert stored.config.tied_embeddings and "output" not in stored.params


def test_the_tokenizer_beside_or_above(tmp_path):
    folder = write(tmp_path / "model")
    assert meta.open(folder).tokenizer is None
    (tmp_path / "tokenizer.model").write_bytes(b"t")
    assert meta.open(folder).tokenizer == tmp_path / "tokenizer.model"
    (folder / "tokenizer.model").write_bytes(b"t")
    assert meta.open(folder).tokenizer == folder / "tokenizer.model"


def test_a_guessed_context_is_said(tmp_path, caplog):
    folder = write(tmp_path / "model")
    with caplog.at_level(logging.WARNING):
        assert meta.open(folder).config.context == 4096
    assert "does not say the context; taken as 4096" in caplog.text
    (folder / "llama_jax.json").write_text('{"context": 64}')
    assert meta.open(folder).config == dataclasses.replace(GQA, context=64)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dim": 128}, "dim is 128 and the tensors' is 64"),
        ({"n_layers": 3}, "n_layers is 3 and consolidated.00.pth has 2 layers"),
        ({"n_layers": None}, "n_layers is missing"),
        ({"n_layers": "2"}, "n_layers is '2', not a whole number"),
        ({"n_kv_heads": 4}, "layers.0.attention.wk.weight is [32, 64] and should be [16, 64]"),
        ({"n_heads": 7}, "dim 64 over 7 heads"),
        ({"vocab_size": 97}, "vocab_size is 97 and the tensors are for 96"),
        ({"multiple_of": 32}, "make a feed-forward layer of 192 and the tensors have 176"),
        ({"ffn_dim_multiplier": 1.3}, "feed-forward layer of 224 and the tensors have 176"),
        ({"multiple_of": 0}, "multiple_of is 0"),
        ({"norm_eps": "x"}, "norm_eps is 'x', not a number"),
        ({"use_scaled_rope": 1}, "use_scaled_rope is 1, not true or false"),
        ({"moe_args": {}, "lora_args": {}}, "lora_args, moe_args is of no Llama"),
    ],
)
def test_params_json_that_disagrees(tmp_path, fields, message):
    assert message in refusal(write(tmp_path / "model", **fields))


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "missing; it comes with"), ("{", "not readable as JSON"), ("[]", "not a JSON object")],
)
def test_params_json_that_cannot_be_read(tmp_path, text, message):
    folder = write(tmp_path / "model")
    (folder / "params.json").unlink()
    if text is not None:
        (folder / "params.json").write_text(text)
    assert f"params.json: {message}" in refusal(folder)


@pytest.mark.parametrize(
    ("absent", "message"),
    [
        (0, "shards missing: consolidated.00.pth"),
        (1, "shards missing: consolidated.01.pth"),
        (3, "3 shards of a model that was split over 4; missing: consolidated.03.pth"),
    ],
)
def test_a_missing_shard(tmp_path, absent, message):
    folder = write(tmp_path / "model", shards=4)
    (folder / f"consolidated.{absent:02}.pth").unlink()
    assert message in refusal(folder)


def test_a_shard_too_many(tmp_path):
    folder = write(tmp_path / "model", shards=2)
    last = folder / "consolidated.01.pth"
    (folder / "consolidated.02.pth").write_bytes(last.read_bytes())
    assert "3 shards of a model that was split over 2; some are" in refusal(folder)


def change_norm(parts):
    parts[1]["norm.weight"] = parts[1]["norm.weight"] + 1


def swap(parts):
    parts[1] = parts[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_norm, "norm.weight differs from that of consolidated.00.pth"),
        (swap, "holds the same part of the model as consolidated.00.pth"),
        (lambda p: p[1].pop(WQ), f"1 missing: {WQ}"),
        (lambda p: p[1].update(extra=p[1][WQ]), "1 unknown: extra"),
        (lambda p: p[1].update({WQ: p[1][WQ][:-4]}), f"{WQ} is [28, 64] and should be [32, 64]"),
        (lambda p: p[1].update({WQ: p[1][WQ].ravel()}), f"{WQ} has the shape [2048]"),
        (lambda p: p[1].update({WQ: p[1][WQ].astype("f2")}), f"{WQ} is float16, and float32 in"),
        (lambda p: p[1].update({WQ: p[1][WQ].astype("f8")}), f"{WQ}: dtype float64 is not one"),
        (lambda p: [q.update({WO: q[WO].T}) for q in p], "the tensors' is 32"),
    ],
)
def test_shards_that_are_not_of_one_model(tmp_path, change, message):
    assert message in refusal(write(tmp_path / "model", shards=2, change=change))


def test_shards_of_two_models(tmp_path):
    folder = write(tmp_path / "model", case="mha", shards=2)
    other = write(tmp_path / "other", case="scaled", shards=2) / "consolidated.01.pth"
    (folder / "consolidated.01.pth").write_bytes(other.read_bytes())
    assert "they are of two models" in refusal(folder)


def test_a_damaged_shard_is_named(tmp_path):
    folder = write(tmp_path / "model", shards=2)
    for raw, message in (
        (b"", "an empty file"),
        ((folder / "consolidated.01.pth").read_bytes()[:-40], "damaged or cut short"),
    ):
        (folder / "consolidated.01.pth").write_bytes(raw)
        assert f"consolidated.01.pth: {message}" in refusal(folder)


def test_our_file_beside_is_checked(tmp_path):
    folder = write(tmp_path / "model")
    for ours, message in (
        ({"context": "long"}, "context is 'long'"),
        ({"rope_scaling": {"factor": 8}}, "no use_scaled_rope, but llama_jax.json"),
    ):
        (folder / "llama_jax.json").write_text(json.dumps(ours))
        assert message in refusal(folder)
