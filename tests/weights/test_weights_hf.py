"""Hugging Face directories, written by an independent inverse of the reader."""

import json
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
from reference.weight_files import draw, hf_config, hf_tensors, write_hf
from safetensors.numpy import load_file, save_file

from llama_jax import weights
from llama_jax.config import LlamaConfig, RopeScaling
from llama_jax.errors import InputError
from llama_jax.weights.tree import flatten

GQA = LlamaConfig(48, 16, 3, 4, 2, 24, 64, 1e-5)
CONFIGS = {
    "mha": LlamaConfig(48, 16, 2, 4, 4, 24, 64, 1e-6),
    "gqa": GQA,
    "tied": LlamaConfig(48, 16, 2, 4, 1, 24, 64, 1e-5, tied_embeddings=True),
    "scaled": LlamaConfig(
        48, 16, 2, 4, 2, 24, 128, 1e-5, 5e5, RopeScaling(8.0, 1.0, 4.0, 32), True
    ),
}
DTYPES = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
QUERY = "model.layers.1.self_attn.q_proj.weight"


def assert_same(found, expected):
    found, expected = flatten(found), flatten(expected)
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        assert type(found[path]) is np.ndarray and found[path].flags.c_contiguous
        assert found[path].dtype == array.dtype and found[path].shape == array.shape, path
        assert found[path].tobytes() == array.tobytes(), path


@pytest.fixture
def folder(tmp_path):
    """A good directory to damage."""
    return write_hf(tmp_path / "model", hf_tensors(draw(GQA), GQA), hf_config(GQA))


@pytest.fixture
def sharded(tmp_path):
    return write_hf(tmp_path / "model", hf_tensors(draw(GQA), GQA), hf_config(GQA), shards=3)


def rewrite(folder, change):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def rewrite_index(folder, change):
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    change(index["weight_map"])
    path.write_text(json.dumps(index))


def refusal(folder, dtype=None):
    with pytest.raises(InputError) as error:
        weights.read(folder, dtype)
    message = str(error.value)
    assert str(folder) in message and "\n" not in message
    return message


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CONFIGS)
def test_round_trip(name, dtype, shards, tmp_path):
    config = CONFIGS[name]
    params = draw(config, DTYPES[dtype])
    write_hf(tmp_path, hf_tensors(params, config), hf_config(config), shards)
    read = weights.read(tmp_path)
    assert (read.kind, read.config, read.tokenizer) == ("hf", config, None)
    assert_same(read.params, params)


def test_rows_of_a_projection_are_heads_in_order(folder):
    """By hand: row 5 of q_proj is unit 1 of head 1, column 7 is input 7; H is 4."""
    stored = load_file(folder / "model.safetensors")
    attention = weights.read(folder).params["layers"]["attention"]
    assert attention["query"][1, 7, 1, 1] == stored[QUERY][5, 7]
    output = stored["model.layers.2.self_attn.o_proj.weight"]
    assert attention["output"][2, 1, 1, 7] == output[7, 5]


def test_reads_a_tensor_at_a_time(tmp_path):
    """Beside the parameters themselves, less than one matrix of memory is taken."""
    config = LlamaConfig(4096, 128, 4, 4, 2, 512, 64, 1e-5)
    params = draw(config)
    write_hf(tmp_path, hf_tensors(params, config), hf_config(config), shards=2)
    size = sum(array.nbytes for array in flatten(params).values())
    weights.read(tmp_path)  # what JAX and NumPy keep from a first call is not counted
    tracemalloc.start()
    read = weights.read(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_same(read.params, params)
    assert size < peak < size + params["embedding"].nbytes


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", np.float16])
def test_converts_when_asked(folder, dtype):
    params = draw(GQA)
    expected = {path: array.astype(np.dtype(dtype)) for path, array in flatten(params).items()}
    assert_same(flatten(weights.read(folder, dtype).params), expected)


def test_refuses_float16_that_overflows(folder):
    def enlarge(tensors):
        tensors[QUERY][0, 0] = 70000

    rewrite(folder, enlarge)
    assert "layers/attention/query of layer 1 holds 70000, more than float16's 65504" in refusal(
        folder, "float16"
    )
    assert weights.read(folder, "bfloat16").params["embedding"].dtype == ml_dtypes.bfloat16


def test_refuses_other_dtypes_to_read_into(folder):
    with pytest.raises(InputError, match="dtype float64 is not one of float32, bfloat16, float16"):
        weights.read(folder, np.float64)


def test_refuses_mixed_dtypes_unless_one_is_chosen(folder):
    rewrite(folder, lambda t: t.update({QUERY: t[QUERY].astype(np.float16)}))
    assert "mixes float16 (layers/attention/query of layer 1) with float32 (others)" in refusal(
        folder
    )
    assert weights.read(folder, "float32").params["embedding"].dtype == np.float32


def test_lists_missing_and_unknown_tensors(folder):
    def change(tensors):
        for name in [name for name in tensors if ".layers.1." in name]:
            del tensors[name]
        tensors["model.layers.0.self_attn.q_proj.bias"] = np.zeros(16, np.float32)

    rewrite(folder, change)
    message = refusal(folder)
    assert "9 missing: model.layers.1." in message and " and 3 more" in message
    assert "1 unknown: model.layers.0.self_attn.q_proj.bias" in message


def test_refuses_a_layer_more_than_configured(folder):
    (folder / "config.json").write_text(json.dumps(hf_config(GQA, num_hidden_layers=2)))
    assert "9 unknown: model.layers.2." in refusal(folder)


def test_refuses_a_wrong_shape_with_both(folder):
    (folder / "config.json").write_text(json.dumps(hf_config(GQA, num_key_value_heads=4)))
    message = refusal(folder)
    assert "model.layers.0.self_attn.k_proj.weight is [8, 16] and should be [16, 16]" in message


def test_refuses_a_dtype_by_name(folder):
    rewrite(folder, lambda t: t.update({QUERY: t[QUERY].astype(np.float64)}))
    assert f"{QUERY} is of dtype F64; supported are F32, BF16, F16" in refusal(folder)


def test_ignores_rope_buffers_and_nothing_like_them(folder):
    def add(name):
        rewrite(folder, lambda t: t.update({name: np.zeros(2, np.float64)}))

    add("model.layers.1.self_attn.rotary_emb.inv_freq")
    assert_same(weights.read(folder).params, draw(GQA))
    add("model.layers.1.self_attn.rotary_emb.inv_freq2")
    assert "inv_freq2" in refusal(folder)


def test_buffers_of_sharded_models_are_ignored(sharded):
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    shard = sharded / "model-00001-of-00003.safetensors"
    save_file({**load_file(shard), name: np.zeros(2, np.float32)}, shard)
    rewrite_index(sharded, lambda weight_map: weight_map.update({name: shard.name}))
    assert_same(weights.read(sharded).params, draw(GQA))


def test_tied_model_may_repeat_its_embedding_but_not_change_it(tmp_path):
    config = CONFIGS["tied"]
    params = draw(config)
    tensors = hf_tensors(params, config)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].copy()
    write_hf(tmp_path, tensors, hf_config(config))
    assert_same(weights.read(tmp_path).params, params)
    rewrite(tmp_path, lambda t: t["lm_head.weight"].__setitem__((3, 3), 9.0))
    assert "lm_head.weight differs from model.embed_tokens.weight" in refusal(tmp_path)


def test_untied_model_needs_its_output(folder):
    rewrite(folder, lambda t: t.pop("lm_head.weight"))
    assert "1 missing: lm_head.weight" in refusal(folder)


def test_refuses_a_truncated_file_with_both_lengths(folder):
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    path.write_bytes(raw[:-10])
    message = refusal(folder)
    assert f"cut short: the header says {len(raw)} bytes, the file has {len(raw) - 10}" in message


def test_names_a_missing_shard(sharded):
    (sharded / "model-00002-of-00003.safetensors").unlink()
    message = refusal(sharded)
    assert "1 of 3 shards missing: model-00002-of-00003.safetensors" in message


def test_names_all_shards_when_none_is_there(sharded):
    for shard in sharded.glob("*.safetensors"):
        shard.unlink()
    assert "3 of 3 shards missing" in refusal(sharded)


@pytest.mark.parametrize("name", ["model.norm.weight", "other"])
def test_refuses_an_index_that_names_what_its_shard_lacks(sharded, name):
    shards = sorted(path.name for path in sharded.glob("*.safetensors"))
    shard = next(shard for shard in shards if name not in load_file(sharded / shard))
    rewrite_index(sharded, lambda weight_map: weight_map.update({name: shard}))
    assert f"names {name} in {shard}, which does not have it" in refusal(sharded)


def test_refuses_a_tensor_in_two_shards(sharded):
    first, second = (sharded / f"model-0000{n}-of-00003.safetensors" for n in (1, 2))
    name, tensor = next(iter(load_file(first).items()))
    save_file({**load_file(second), name: tensor}, second)
    assert f"{name} is in two shards, {first.name} and {second.name}" in refusal(sharded)


def test_refuses_a_shard_with_a_tensor_nobody_knows(sharded):
    shard = sharded / "model-00003-of-00003.safetensors"
    save_file({**load_file(shard), "other": np.zeros(2, np.float32)}, shard)
    assert "1 unknown: other" in refusal(sharded)


def test_refuses_an_index_that_leaves_a_shard_out(sharded):
    def forget(weight_map):
        for name in [n for n, shard in weight_map.items() if "00003-of" in shard]:
            del weight_map[name]

    rewrite_index(sharded, forget)
    assert "missing: " in refusal(sharded)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON with a weight_map"),
        ("{}", "not JSON with a weight_map"),
        ('{"weight_map": {}}', "weight_map is empty"),
        ('{"weight_map": {"a": "../b.safetensors"}}', "which is not a file name"),
        ('{"weight_map": {"a": 3}}', "a is in 3, which is not a file name"),
    ],
)
def test_refuses_an_unreadable_index(sharded, text, message):
    (sharded / "model.safetensors.index.json").write_text(text)
    assert message in refusal(sharded)


def test_refuses_one_file_and_an_index_together(sharded):
    save_file({"a": np.zeros(1, np.float32)}, sharded / "model.safetensors")
    assert "has both model.safetensors and model.safetensors.index.json" in refusal(sharded)


def test_refuses_shards_without_index_and_other_names(sharded):
    (sharded / "model.safetensors.index.json").unlink()
    message = refusal(sharded)
    assert (
        "neither model.safetensors nor model.safetensors.index.json; found model-00001" in message
    )


def test_names_the_tokenizer_beside_the_weights(folder):
    (folder / "tokenizer.model").write_bytes(b"pieces")
    assert weights.read(folder).tokenizer == folder / "tokenizer.model"
    (folder / "tokenizer.json").write_bytes(b"{}")
    assert weights.read(folder).tokenizer == folder / "tokenizer.model"
    (folder / "tokenizer.model").unlink()
    assert weights.read(folder).tokenizer == folder / "tokenizer.json"
