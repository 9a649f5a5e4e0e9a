"""llama2.c files: written here from the format, and the published stories260K."""

import dataclasses
import json
import struct

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from reference.weight_files import draw, llama2c_bytes

from llama_jax import weights
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.model import decoder
from llama_jax.model.cache import KVCache
from llama_jax.weights.tree import flatten

UNTIED = LlamaConfig(48, 16, 2, 4, 2, 24, 32, 1e-5)
TIED = dataclasses.replace(UNTIED, tied_embeddings=True)


@pytest.fixture
def write(tmp_path):
    def write(raw):
        path = tmp_path / "model.bin"
        path.write_bytes(raw)
        return path

    return write


def refusal(path):
    with pytest.raises(InputError) as error:
        weights.read(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("config", [UNTIED, TIED, dataclasses.replace(TIED, kv_heads=4)])
def test_round_trip(write, config):
    params = draw(config)
    read = weights.read(write(llama2c_bytes(params, config)))
    assert (read.kind, read.config, read.tokenizer) == ("llama2c", config, None)
    assert flatten(read.params).keys() == flatten(params).keys()
    for path, array in flatten(params).items():
        np.testing.assert_array_equal(flatten(read.params)[path], array)


def test_converts_when_asked(write):
    read = weights.read(write(llama2c_bytes(draw(UNTIED), UNTIED)), "bfloat16")
    expected = draw(UNTIED)["layers"]["attention"]["key"].astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(read.params["layers"]["attention"]["key"], expected)


@pytest.mark.parametrize("change", [-4, -1, 1])
def test_length_must_agree_to_the_byte(write, change):
    raw = llama2c_bytes(draw(TIED), TIED)
    message = refusal(write(raw[:change] if change < 0 else raw + b"\0" * change))
    assert ("cut short" if change < 0 else "too long") in message
    assert f"accounts for {len(raw)} bytes and the file has {len(raw) + change}" in message
    assert ", as with" not in message


def test_says_when_the_length_is_that_of_the_other_sign(write):
    tied, untied = llama2c_bytes(draw(TIED), TIED), llama2c_bytes(draw(UNTIED), UNTIED)
    message = refusal(write(tied[:20] + untied[20:24] + tied[24:]))
    assert f"with a negative vocab_size, accounts for {len(untied)} bytes" in message
    assert message.endswith("as with a positive vocab_size (output tied to the embedding)")
    message = refusal(write(untied[:20] + tied[20:24] + untied[24:]))
    assert message.endswith("as with a negative vocab_size")


@pytest.mark.parametrize("version", [3, -1])
def test_refuses_later_versions_by_number(write, version):
    raw = struct.pack("<Ii", 0x616B3432, version) + b"\0" * 248
    assert f"llama2.c version {version}; versions 0, 1 and 2 are read" in refusal(write(raw))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "0 bytes, less than a llama2.c header of 28"),
        (b"\0" * 28, "config: vocab_size is 0"),
        (struct.pack("<7i", 16, 24, 2, 3, 1, 48, 32), "dim 16 over 3 heads"),
        (struct.pack("<7i", 2**30, 2**30, 2**30, 2, 1, 48, 32), "cut short"),
    ],
)
def test_refuses_other_files(write, raw, message):
    assert message in refusal(write(raw))


@pytest.fixture(scope="module")
def stories(shared):
    folder = shared / "models" / "stories260K"
    read = weights.read(folder / "stories260K.bin")
    return read, json.loads((folder / "expected_ids.json").read_text())


@pytest.mark.shared
def test_stories260k_header_and_size(stories):
    read, _ = stories
    assert read.config == LlamaConfig(512, 64, 5, 8, 4, 172, 512, 1e-5, tied_embeddings=True)
    tables = read.config.context * read.config.head_size
    assert sum(a.size for a in jax.tree.leaves(read.params)) + tables == 264128


@pytest.mark.shared
def test_stories260k_logits_after_bos(stories):
    read, expected = stories
    params, bos = jax.tree.map(jnp.asarray, read.params), jnp.full((1, 1), expected["bos"])
    logits = jax.jit(decoder.apply, static_argnums=1)(params, read.config, bos)
    np.testing.assert_allclose(logits[0, 0], expected["logits_after_bos"], atol=1e-4)


@pytest.mark.shared
def test_stories260k_tells_its_story(stories):
    """200 greedy tokens are llama2.c's own; a wrong order of rows gives gibberish."""
    read, expected = stories
    config, params = read.config, jax.tree.map(jnp.asarray, read.params)

    def step(carry, _):
        token, cache = carry
        hidden, cache = decoder.forward(params, config, token[None, None], cache=cache)
        token = decoder.logits(params, config, hidden[0, 0]).argmax().astype(jnp.int32)
        return (token, cache), token

    start = (jnp.int32(expected["bos"]), KVCache.empty(config, 1, 200, stacked=True))
    _, ids = jax.jit(lambda start: jax.lax.scan(step, start, length=expected["steps"]))(start)
    assert ids.tolist() == expected["ids"]
