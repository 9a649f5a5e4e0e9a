"""Hugging Face directories written: byte for byte what was read, and every key of config.json."""

import dataclasses
import json

import ml_dtypes
import numpy as np
import pytest
import sentencepiece
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from reference.weight_files import draw, hf_config, hf_tensors, write_hf
from safetensors.numpy import load_file

from llama_jax import config as presets
from llama_jax import samples
from llama_jax.config import LlamaConfig, RopeScaling
from llama_jax.errors import InputError
from llama_jax.tokenizer import spm_model
from llama_jax.weights import hf_write
from llama_jax.weights.hf_config import from_fields, to_fields
from llama_jax.weights.hf_tokenizer_write import write_tokenizer
from llama_jax.weights.stored import open_weights

CONFIGS = {
    "mha": LlamaConfig(48, 16, 2, 4, 4, 24, 64, 1e-6),
    "gqa": LlamaConfig(48, 16, 3, 4, 2, 24, 64, 1e-5),
    "tied": LlamaConfig(
        48, 16, 2, 4, 1, 24, 128, 1e-5, 5e5, RopeScaling(8.0, 1.0, 4.0, 32), tied_embeddings=True
    ),
}
DTYPES = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}


def tensors_of(folder):
    """Name -> tensor of all files, read by the safetensors library."""
    return {k: v for f in sorted(folder.glob("*.safetensors")) for k, v in load_file(f).items()}


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape), name
        assert found[name].tobytes() == tensor.tobytes(), name


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CONFIGS)
def test_round_trip_is_byte_identical(name, dtype, shards, tmp_path):
    config = CONFIGS[name]
    tensors = hf_tensors(draw(config, DTYPES[dtype]), config)
    source = write_hf(tmp_path / "in", tensors, hf_config(config), shards=4 - shards)
    hf_write.write(open_weights(source), tmp_path / "out", shards=shards)
    same(tensors_of(tmp_path / "out"), tensors)
    again = open_weights(tmp_path / "out")
    assert again.config == config
    assert json.loads((tmp_path / "out" / "config.json").read_text())["torch_dtype"] == dtype
    assert len(list((tmp_path / "out").glob("*.safetensors"))) == shards


def test_files_stay_within_their_bytes_and_the_index_names_them(tmp_path):
    config = CONFIGS["gqa"]
    tensors = hf_tensors(draw(config), config)
    source = write_hf(tmp_path / "in", tensors, hf_config(config))
    hf_write.write(open_weights(source), tmp_path / "out", max_shard_bytes=4000)
    index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(tensor.nbytes for tensor in tensors.values())
    files = sorted(set(index["weight_map"].values()))
    assert files == sorted(path.name for path in (tmp_path / "out").glob("*.safetensors"))
    assert files[0] == f"model-00001-of-{len(files):05}.safetensors"
    for file in files:
        inside = load_file(tmp_path / "out" / file)
        assert {name for name, f in index["weight_map"].items() if f == file} == inside.keys()
        assert sum(tensor.nbytes for tensor in inside.values()) <= 4000
    same(tensors_of(tmp_path / "out"), tensors)


@pytest.mark.parametrize("shards", [0, 31])
def test_refuses_a_number_of_files_that_cannot_be(shards, tmp_path):
    config = CONFIGS["gqa"]
    source = write_hf(tmp_path / "in", hf_tensors(draw(config), config), hf_config(config))
    with pytest.raises(InputError, match=f"shards {shards} be 1 to 30"):
        hf_write.write(open_weights(source), tmp_path / "out", shards=shards)
    assert not (tmp_path / "out").exists()


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.data())
def test_cuts_are_as_many_as_asked_and_cover_everything(sizes, data):
    shards = data.draw(st.integers(1, len(sizes)))
    cuts = hf_write._by_number(sizes, shards)
    assert len(cuts) == shards and all(cut.start < cut.stop for cut in cuts)
    assert [i for cut in cuts for i in range(cut.start, cut.stop)] == list(range(len(sizes)))


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_goes_through_config_json(name):
    config = presets.preset(name)
    fields = json.loads(json.dumps(to_fields(config)))
    given = {key: value for key, value in fields.items() if value is not None}
    assert from_fields(given) == config


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    assert write_tokenizer(samples.TOKENIZER, folder) == {"bos_token_id": 1, "eos_token_id": 2}
    return folder


def pair_of(folder):
    ours = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    return ours, sentencepiece.SentencePieceProcessor(str(folder / "tokenizer.model"))


@given(st.text(max_size=60))
def test_tokenizer_json_encodes_and_decodes_as_sentencepiece(made, text):
    """Any text in which no special piece is spelt out."""
    ours, theirs = pair_of(made)
    ids = theirs.encode(text)
    assert ours.encode(text).ids == [1, *ids]
    assert ours.decode(ids) == theirs.decode(ids)


@pytest.mark.shared
def test_tokenizer_json_of_llama_2(shared, tmp_path):
    vectors = json.loads((shared / "tokenizer" / "llama_spm_vectors.json").read_text())
    write_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model", tmp_path)
    ours, theirs = pair_of(tmp_path)
    text = (shared / "corpora" / "wikitext-2" / "valid.txt").read_text(encoding="utf-8")
    lines = [line.replace("<unk>", "Z\u00fcrich") for line in text.splitlines()[:100]]
    for vector in vectors:
        assert ours.encode(vector["text"]).ids == [1, *vector["ids"]], vector["text"]
    for line in lines:
        assert ours.encode(line).ids == [1, *theirs.encode(line)], line


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"algorithm": spm_model.UNIGRAM}, "it is a unigram model"),
        ({"remove_extra_whitespace": True}, "it removes white space"),
    ],
)
def test_says_when_no_exact_tokenizer_json_can_be_made(change, why, tmp_path, caplog):
    model = spm_model.read(samples.TOKENIZER.read_bytes(), "sample")
    (tmp_path / "in.model").write_bytes(spm_model.write(dataclasses.replace(model, **change)))
    (tmp_path / "out").mkdir()
    write_tokenizer(tmp_path / "in.model", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tokenizer.model"]
    assert why in caplog.text and "--tokenizer" in caplog.text


def test_files_of_a_hugging_face_source_are_taken_over(tmp_path):
    config = CONFIGS["gqa"]
    stated = hf_config(config, bos_token_id=1, eos_token_id=[2, 7])
    source = write_hf(tmp_path / "in", hf_tensors(draw(config), config), stated)
    (source / "tokenizer.model").write_bytes(samples.TOKENIZER.read_bytes())
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        (source / name).write_text(f'{{"of": "{name}"}}')
    hf_write.write(open_weights(source), tmp_path / "out")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        assert (tmp_path / "out" / name).read_text() == f'{{"of": "{name}"}}'
    assert json.loads((tmp_path / "out" / "config.json").read_text())["eos_token_id"] == [2, 7]
