import dataclasses
import json

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from reference import numpy_llama
from reference.weight_files import draw, hf_config, hf_tensors, interleaved, write_hf
from safetensors.numpy import load_file, save_file

import llama_jax as lj
from llama_jax import checkpoint, samples, weights
from llama_jax.config import LlamaConfig, RopeScaling
from llama_jax.errors import InputError
from llama_jax.model import decoder
from llama_jax.weights import manifest
from llama_jax.weights.self_test import columns, self_test_logits, token_ids
from llama_jax.weights.tree import flatten

GQA = LlamaConfig(300, 16, 3, 4, 2, 24, 32, 1e-5, rope_theta=5e5)
TIED = dataclasses.replace(GQA, tied_embeddings=True, kv_heads=4)
SCALED = dataclasses.replace(GQA, rope_scaling=RopeScaling(8.0, 1.0, 4.0, 16))


def write(folder, config=GQA, dtype=np.float32):
    write_hf(folder, hf_tensors(draw(config, dtype), config), hf_config(config))
    return weights.open_weights(folder)


def rewrite(folder, change):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, {"format": "pt"})


def interleave(tensors, config=GQA):
    """What a converter that forgets the permutation would write."""
    for name in tensors:
        heads = {"q_proj": config.heads, "k_proj": config.kv_heads}
        for part, count in heads.items():
            if part in name:
                tensors[name] = interleaved(tensors[name], count)


def refusal(folder, **options):
    with pytest.raises(InputError) as error:
        weights.check_manifest(folder, weights.open_weights(folder), **options)
    assert "\n" not in str(error.value) and str(folder) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("config", [GQA, TIED, SCALED], ids=["gqa", "tied", "scaled"])
def test_the_logits_are_those_of_an_independent_reference(config, layers, tmp_path):
    found = self_test_logits(write(tmp_path, config), layers)
    ids = token_ids(config)
    assert ids[:3] == [1, 7920 % 300, 15839 % 300] and len(ids) == 8
    expected = numpy_llama.logits(draw(config), config, ids, layers=layers)
    np.testing.assert_allclose(found, expected[-3:, columns(config)], rtol=1e-5, atol=1e-5)


def test_the_manifest_holds_shapes_digests_and_logits(tmp_path):
    stored = write(tmp_path, GQA, ml_dtypes.bfloat16)
    path = weights.write_manifest(tmp_path, stored)
    assert path == tmp_path / "llama_jax_manifest.json"
    written, params = json.loads(path.read_text()), draw(GQA, ml_dtypes.bfloat16)
    assert written["params_sha256"] == weights.params_sha256(params)
    for name, array in flatten(params).items():
        assert written["tensors"][name] == {
            "dtype": "bfloat16",
            "shape": list(array.shape),
            "sha256": weights.array_digest(array),
        }
    assert np.shape(written["self_test"]["logits"]["3"]) == (3, 100)
    for thorough in (False, True):
        assert weights.check_manifest(tmp_path, stored, thorough=thorough)
    assert weights.read(tmp_path).config == GQA


def test_without_a_manifest_nothing_is_checked(tmp_path):
    assert not weights.check_manifest(tmp_path, write(tmp_path))


def test_of_a_file_it_lies_beside_it(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"")
    assert manifest.manifest_path(tmp_path / "model.bin").name == (
        "model.bin.llama_jax_manifest.json"
    )


@pytest.mark.parametrize("scale", [1.0, 0.02], ids=["large", "as initialised"])
@pytest.mark.parametrize("cheap", [manifest.CHEAP_BYTES, 0], ids=["all layers", "the first"])
def test_a_swapped_rope_layout_is_refused_on_load(cheap, scale, tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "CHEAP_BYTES", cheap)
    write(tmp_path)

    def as_initialised(tensors):
        for name, array in tensors.items():
            array[...] = 1 if "norm" in name else array * scale

    rewrite(tmp_path, as_initialised)
    weights.write_manifest(tmp_path, weights.open_weights(tmp_path))
    weights.read(tmp_path)
    rewrite(tmp_path, interleave)
    assert "order of rows within heads (the RoPE layout)" in refusal(tmp_path)
    with pytest.raises(InputError, match="RoPE layout"):
        lj.load(tmp_path, samples.TOKENIZER)


def test_a_conversion_is_held_against_its_source(tmp_path):
    """A manifest of the source beside the target, in the target's dtype."""
    source = write(tmp_path / "source")
    write(tmp_path / "target", GQA, ml_dtypes.bfloat16)
    weights.write_manifest(tmp_path / "target", source, "bfloat16")
    target = weights.open_weights(tmp_path / "target")
    assert weights.check_manifest(tmp_path / "target", target, thorough=True)


def test_a_tensor_that_was_not_loaded_is_refused(tmp_path):
    weights.write_manifest(tmp_path, write(tmp_path))
    rewrite(tmp_path, lambda t: t.pop("lm_head.weight"))
    (tmp_path / "config.json").write_text(json.dumps(hf_config(GQA, tie_word_embeddings=True)))
    message = refusal(tmp_path)
    assert "1 tensors were not loaded: output" in message
    assert "tied_embeddings is True and was False" in message
    with pytest.raises(InputError, match="not loaded: output"):
        weights.read(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rope_theta": 1e4}, "rope_theta is 10000.0 and was 500000.0"),
        ({"rms_norm_eps": 1e-6}, "norm_eps is 1e-06 and was 1e-05"),
    ],
)
def test_another_configuration_is_refused(change, message, tmp_path):
    weights.write_manifest(tmp_path, write(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps(hf_config(GQA, **change)))
    assert message in refusal(tmp_path)


def test_another_dtype_is_refused(tmp_path):
    weights.write_manifest(tmp_path, write(tmp_path))
    write(tmp_path, GQA, np.float16)
    assert "embedding is float16 [300, 16] and was float32 [300, 16]" in refusal(tmp_path)


def test_one_bit_is_found_by_the_digests(tmp_path):
    weights.write_manifest(tmp_path, write(tmp_path))

    def flip(tensors):
        tensors["model.embed_tokens.weight"].view(np.uint32)[299, 0] ^= 1

    rewrite(tmp_path, flip)
    weights.read(tmp_path)  # no token of the self-test is that one
    assert "1 tensors hold other values: embedding" in refusal(tmp_path, thorough=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "other"}', '{"format": 3}'])
def test_what_is_no_manifest_is_refused(text, tmp_path):
    write(tmp_path)
    manifest.manifest_path(tmp_path).write_text(text)
    assert "not a manifest of llama_jax" in refusal(tmp_path)


def test_a_newer_manifest_is_refused(tmp_path):
    path = weights.write_manifest(tmp_path, write(tmp_path))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    assert "version 2 of the manifest; this llama_jax reads up to 1" in refusal(tmp_path)


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    stored = write(tmp_path)
    monkeypatch.setattr(manifest.os, "replace", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError, match="No space left"):
        weights.write_manifest(tmp_path, stored)
    assert sorted(tmp_path.iterdir()) == before


def test_a_checkpoint_of_ours_may_have_one(tmp_path, monkeypatch):
    step = checkpoint.save(tmp_path, 0, draw(GQA), GQA)
    weights.write_manifest(step, weights.open_weights(tmp_path))
    assert weights.read(tmp_path).config == GQA
    # The same arrays, computed with in another way: what a change of the decoder's layout does.
    monkeypatch.setattr(manifest, "self_test_logits", lambda *_: np.zeros((3, 100), np.float32))
    with pytest.raises(InputError, match="checkpoints/0 are not those"):
        weights.read(tmp_path)


def test_the_self_test_is_what_the_decoder_computes(tmp_path):
    stored = write(tmp_path, SCALED)
    ids = jnp.asarray([token_ids(SCALED)], jnp.int32)
    logits = decoder.apply(weights.place(stored), SCALED, ids)[0, -3:]
    logits = np.asarray(logits)[:, columns(SCALED)]
    np.testing.assert_allclose(self_test_logits(stored, 3), logits, rtol=1e-3, atol=1e-3)
