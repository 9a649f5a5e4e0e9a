"""GGUF files, laid out as llama.cpp's converter does by a writer that shares no code with ours."""

import dataclasses

import ml_dtypes
import numpy as np
import pytest
from reference import gguf_files
from reference.gguf_files import add_tensor, rope_factors, write_gguf
from reference.weight_files import draw

from llama_jax import config as presets
from llama_jax import samples, weights
from llama_jax.config import LlamaConfig, RopeScaling
from llama_jax.errors import InputError
from llama_jax.model.rope import rope_frequencies
from llama_jax.tokenizer import spm_model
from llama_jax.weights import gguf_file
from llama_jax.weights.gguf_config import _scaling
from llama_jax.weights.tree import flatten

GQA = LlamaConfig(48, 32, 2, 4, 2, 64, 64, 1e-5, 5e5)
MHA = dataclasses.replace(GQA, kv_heads=4, rope_theta=10000.0)
TIED = dataclasses.replace(
    GQA, context=128, rope_theta=500.0, rope_scaling=RopeScaling(8.0, 1.0, 4.0, 32),
    tied_embeddings=True,
)  # fmt: skip
CONFIGS = {"mha": MHA, "gqa": GQA, "tied": TIED}
DTYPES = {"F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}


@pytest.fixture
def write(tmp_path):
    def write(config=GQA, **options):
        params = options.pop("params", None) or draw(config)
        return write_gguf(tmp_path / "model.gguf", params, config, **options)

    return write


def refusal(path):
    with pytest.raises(InputError) as error:
        weights.read(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", CONFIGS)
def test_round_trip(write, name, kind):
    config, dtype = CONFIGS[name], DTYPES[kind]
    params = draw(config, dtype)  # so that the norm scales, float32 in the file, fit into it
    read = weights.read(write(config, params=params, kind=kind))
    assert (read.kind, read.config, read.tokenizer) == ("gguf", config, None)
    found, expected = flatten(read.params), flatten(params)
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        assert found[path].dtype == dtype, path
        assert found[path].tobytes() == array.tobytes(), path


def test_norms_that_need_float32_make_all_of_it_float32(write):
    params = draw(GQA)
    read = weights.read(write(params=params, kind="F16"))
    assert {array.dtype.name for array in flatten(read.params).values()} == {"float32"}
    np.testing.assert_array_equal(read.params["final_norm"]["scale"], params["final_norm"]["scale"])
    half = params["embedding"].astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(read.params["embedding"], half)


def test_q8_0_by_hand(write):
    """Blocks of 32 of a row: largest magnitude / 127 as float16, times int8."""
    params = draw(GQA)
    read = weights.read(write(params=params, kind="Q8_0"))
    assert read.params["embedding"].dtype == np.float32
    blocks = params["embedding"].reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / np.float32(127)
    expected = np.rint(blocks / scale) * scale.astype(np.float16).astype(np.float32)
    found = read.params["embedding"].reshape(-1, 32)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    for path, array in flatten(params).items():
        off = np.abs(flatten(read.params)[path] - array).max()
        assert off == 0 if path.endswith("scale") else 0 < off < np.abs(array).max() / 200, path


def test_mixed_types_become_float32(write, monkeypatch):
    """As llama.cpp's quantiser leaves them: the output in another type than the rest."""
    params = draw(GQA, np.float16)
    monkeypatch.setitem(gguf_files.KINDS, "output.weight", "F32")
    read = weights.read(write(params=params, kind="F16"))
    for path, array in flatten(params).items():
        np.testing.assert_array_equal(flatten(read.params)[path], array.astype(np.float32))
        assert flatten(read.params)[path].dtype == np.float32


@pytest.mark.parametrize("name", ["llama3.1-8b", "llama3.1-70b", "llama3.2-1b", "llama3.2-3b"])
def test_scaling_of_the_released_models_is_found_again(name):
    config = presets.preset(name)
    plain = dataclasses.replace(config, rope_scaling=None)
    assert _scaling(plain, rope_factors(config)) == config.rope_scaling


@pytest.mark.parametrize("original", [32, 100000])
def test_a_scaling_that_is_found_gives_the_same_frequencies(original):
    config = dataclasses.replace(GQA, rope_scaling=RopeScaling(4.0, 1.0, 4.0, original))
    plain = dataclasses.replace(config, rope_scaling=None)
    try:
        found = dataclasses.replace(plain, rope_scaling=_scaling(plain, rope_factors(config)))
    except InputError:
        assert original == 100000  # no power of two, and no context of any release
    else:
        np.testing.assert_allclose(rope_frequencies(found), rope_frequencies(config), rtol=1e-5)


def test_factors_of_one_are_no_scaling():
    assert _scaling(GQA, np.ones(4, np.float32)) is None


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ([1.0, 2.0, 3.0, 9.0], "from 1 to 9, is no scaling of Llama 3.1's kind"),
        ([1.0, 8.0], r"rope_freqs.weight is \[2\] and should be \[4\]"),
        ([1.0, 1.0, 1.0, np.nan], "is no scaling"),
    ],
)
def test_other_factors_are_refused(factors, message):
    with pytest.raises(InputError, match=message):
        _scaling(GQA, np.array(factors, np.float32))


def test_another_architecture_is_named(write):
    message = refusal(write(architecture="qwen2"))
    assert "general.architecture is 'qwen2'; only 'llama' is read" in message


@pytest.mark.parametrize("kind", ["Q4_0", "Q5_1", "Q6_K"])
def test_another_type_is_named(write, kind):
    def change(writer):
        if kind == "Q6_K":  # the package has no quantiser for it: 210 bytes hold 256 values
            from gguf import GGMLQuantizationType

            block = np.zeros((1, 210), np.uint8)
            writer.add_tensor("blk.0.other", block, raw_dtype=GGMLQuantizationType.Q6_K)
        else:
            add_tensor(writer, "blk.0.other", np.ones((2, 32)), kind)

    message = refusal(write(change=change))
    assert f"blk.0.other is of type {kind}; types that are read: F32, F16, BF16, Q8_0" in message


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("llama.expert_count", 8, "llama.expert_count is 8; only 0 is computed here"),
        ("llama.attention.key_length", 16, "llama.attention.key_length is 16; "),
        ("llama.attention.sliding_window", 512, "sliding_window is 512; only 0"),
    ],
)
def test_metadata_of_other_computations_is_refused(write, key, value, message):
    assert message in refusal(write(change=lambda writer: writer.add_uint32(key, value)))


def test_other_scalings_are_refused_by_name(write):
    def change(writer):
        writer.add_string("llama.rope.scaling.type", "yarn")

    assert "llama.rope.scaling.type is 'yarn'; only 'none'" in refusal(write(change=change))


def test_a_vocabulary_of_another_size_is_refused_with_both(write):
    path = write(params=draw(dataclasses.replace(GQA, vocab_size=50)))
    assert "llama.vocab_size is 48, but token_embd.weight has 50 rows" in refusal(path)


def test_unknown_tensors_are_listed(write):
    config = dataclasses.replace(GQA, layers=1)

    def change(writer):
        add_tensor(writer, "blk.0.attn_q.bias", np.ones(32), "F32")

    assert "1 unknown: blk.0.attn_q.bias" in refusal(write(config, change=change))


def test_a_missing_tensor_is_named(write, monkeypatch):
    monkeypatch.setattr(gguf_files, "LEFT_OUT", ("blk.1.ffn_up.weight",))
    assert "1 missing: blk.1.ffn_up.weight" in refusal(write())
    monkeypatch.setattr(gguf_files, "LEFT_OUT", ("token_embd.weight",))
    assert "tensors missing: token_embd.weight" in refusal(write())


def test_a_wrong_shape_is_named_with_both(write):
    path = write(params=draw(dataclasses.replace(GQA, ffn_size=96)))
    assert "blk.0.ffn_gate.weight is [96, 32] and should be [64, 32]" in refusal(path)


@pytest.mark.parametrize("keep", [4, 30, 2000, -100])
def test_a_truncated_file_is_refused(write, keep):
    path = write()
    raw = path.read_bytes()[:keep]
    path.write_bytes(raw)
    assert f"a GGUF file of {len(raw)} bytes, cut short or damaged" in refusal(path)


def test_the_tokenizer_in_the_file(write, tmp_path):
    """Equal to the SentencePiece model that it was made from, by digest."""
    from llama_jax.tokenizer import load_tokenizer

    model = spm_model.read(samples.TOKENIZER.read_bytes(), "sample")
    config = dataclasses.replace(GQA, vocab_size=512)
    read = gguf_file.open(write(config, spm=model.pieces))
    assert read.tokenizer == tmp_path / "model.gguf"
    found, expected = load_tokenizer(read.tokenizer), load_tokenizer(samples.TOKENIZER)
    assert found.sha256 == expected.sha256
    assert found.encode(" Once  upon\n\u4f60") == expected.encode(" Once  upon\n\u4f60")
