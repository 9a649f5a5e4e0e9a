"""Weights from each kind to each: equal parameters, whole or nothing, what is wrong in a line."""

import dataclasses
import errno
import resource

import ml_dtypes
import numpy as np
import pytest
from reference.gguf_files import write_gguf
from reference.weight_files import draw, hf_config, hf_tensors, llama2c_bytes, write_hf

from llama_jax import samples, weights
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.tokenizer import load_tokenizer, spm_model
from llama_jax.weights import convert as conversion
from llama_jax.weights import safetensors_write
from llama_jax.weights.convert import convert
from llama_jax.weights.tree import flatten

CONFIG = LlamaConfig(512, 32, 2, 4, 2, 64, 64, 1e-5)
TARGETS = {"hf": "out", "llama2c": "out.bin", "orbax": "out"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The same float32 model in four kinds of files, none written by the package but ours."""
    folder, params = tmp_path_factory.mktemp("sources"), draw(CONFIG)
    write_hf(folder / "hf", hf_tensors(params, CONFIG), hf_config(CONFIG))
    (folder / "hf" / "tokenizer.model").write_bytes(samples.TOKENIZER.read_bytes())
    (folder / "model.bin").write_bytes(llama2c_bytes(params, CONFIG))
    pieces = spm_model.read(samples.TOKENIZER.read_bytes(), "sample").pieces
    write_gguf(folder / "model.gguf", params, CONFIG, spm=pieces)
    convert(folder / "hf", folder / "orbax", "orbax")
    paths = {"hf": "hf", "llama2c": "model.bin", "gguf": "model.gguf", "llama_jax": "orbax"}
    return {kind: folder / name for kind, name in paths.items()}


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("kind", ["hf", "llama2c", "gguf", "llama_jax"])
def test_every_kind_to_every_kind(sources, kind, to, tmp_path):
    tokenizer = samples.TOKENIZER if kind == "llama2c" else None
    written = convert(sources[kind], tmp_path / TARGETS[to], to, tokenizer=tokenizer)
    read = weights.read(tmp_path / TARGETS[to])
    assert (written.kind, read.config) == (kind, CONFIG)
    found, expected = flatten(read.params), flatten(draw(CONFIG))
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        assert found[path].tobytes() == array.tobytes(), path
    if to != "llama2c":
        assert load_tokenizer(read.tokenizer).sha256 == load_tokenizer(samples.TOKENIZER).sha256
    assert left_in(tmp_path) == [TARGETS[to]]


@pytest.mark.parametrize("to", ["hf", "orbax"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_dtypes(sources, to, dtype, tmp_path):
    convert(sources["llama2c"], tmp_path / "out", to, dtype=dtype)
    read = flatten(weights.read(tmp_path / "out").params)
    kind = {"bfloat16": ml_dtypes.bfloat16, "float16": np.float16}[dtype]
    for path, array in flatten(draw(CONFIG)).items():
        assert read[path].tobytes() == array.astype(kind).tobytes(), path


def test_bfloat16_stays_bfloat16(tmp_path):
    params = draw(CONFIG, ml_dtypes.bfloat16)
    write_hf(tmp_path / "in", hf_tensors(params, CONFIG), hf_config(CONFIG))
    convert(tmp_path / "in", tmp_path / "ours", "orbax")
    convert(tmp_path / "ours", tmp_path / "out", "hf", shards=3)
    for path, array in flatten(weights.read(tmp_path / "out").params).items():
        assert array.tobytes() == flatten(params)[path].tobytes(), path


def test_meta_is_asked_for_its_parts(sources, tmp_path, monkeypatch):
    asked, write = [], conversion.WRITERS["meta"]

    def writer(stored, path, options):
        asked.append(options)
        write(stored, path, options)

    monkeypatch.setitem(conversion.WRITERS, "meta", writer)
    convert(sources["hf"], tmp_path / "out", "meta", shards=2)
    assert asked == [conversion.Options(2, None)]
    assert weights.recognise(tmp_path / "out") == "meta"
    assert len(list((tmp_path / "out").glob("consolidated.*.pth"))) == 2


def test_an_empty_directory_is_used_and_parents_are_made(sources, tmp_path):
    (tmp_path / "out").mkdir()
    convert(sources["llama2c"], tmp_path / "out", "hf")
    convert(sources["llama2c"], tmp_path / "a" / "b" / "m.bin", "llama2c", version=2)
    assert weights.recognise(tmp_path / "out") == "hf"
    assert left_in(tmp_path / "a" / "b") == ["m.bin"]


@pytest.mark.parametrize("to", ["hf", "orbax"])
@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_is_there_stays(sources, to, what, tmp_path):
    target = tmp_path / "out"
    if what == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="out: exists and is not an empty directory; name another"):
        convert(sources["hf"], target, to)
    assert left_in(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("name", "to", "options", "message"),
    [
        ("out", "pth", {}, "to 'pth': what is written is one of hf, meta, llama2c, orbax"),
        ("out", "hf", {"version": 1}, "version 1 has no meaning for hf; llama2c takes it"),
        ("out.bin", "llama2c", {"shards": 2}, "shards 2 has no meaning for llama2c; hf and meta"),
        ("out", "llama2c", {}, "a llama2.c file is named .bin; name it so"),
        ("out.bin", "llama2c", {"version": 3}, "llama2.c version 3; versions 0, 1 and 2"),
        ("out.bin", "llama2c", {"dtype": "bfloat16"}, "dtype bfloat16 for llama2c, whose files"),
        ("out", "hf", {"dtype": "float64"}, "dtype float64 is not one of"),
        ("out", "hf", {"shards": 100}, "shards 100 be 1 to 21"),
        ("out", "hf", {"tokenizer": "absent"}, "absent: no such tokenizer file"),
    ],
)
def test_options_that_do_not_fit(sources, name, to, options, message, tmp_path):
    with pytest.raises(InputError) as error:
        convert(sources["hf"], tmp_path / name, to, **options)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert left_in(tmp_path) == []


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    config = dataclasses.replace(CONFIG, vocab_size=500)
    (tmp_path / "m.bin").write_bytes(llama2c_bytes(draw(config), config))
    with pytest.raises(InputError, match="512 pieces but the model's embedding has 500 rows"):
        convert(tmp_path / "m.bin", tmp_path / "out", "hf", tokenizer=samples.TOKENIZER)
    assert left_in(tmp_path) == ["m.bin"]


def test_float16_that_overflows_leaves_nothing(tmp_path):
    params = draw(CONFIG)
    params["layers"]["feed_forward"]["up"][1, 0, 0] = 70000
    (tmp_path / "m.bin").write_bytes(llama2c_bytes(params, CONFIG))
    with pytest.raises(
        InputError, match="layers/feed_forward/up of layer 1 holds 70000, more than float16"
    ):
        convert(tmp_path / "m.bin", tmp_path / "out", "hf", dtype="float16")
    assert left_in(tmp_path) == ["m.bin"]


@pytest.fixture
def small_disk():
    """Files beyond 50,000 bytes cannot be written, as on a disk that is full by then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("to", TARGETS)
def test_a_disk_that_fills_leaves_nothing(sources, to, tmp_path, small_disk):
    with pytest.raises(OSError) as error:
        convert(sources["llama2c"], tmp_path / TARGETS[to], to)
    assert str(tmp_path) in str(error.value)
    assert left_in(tmp_path) == []


def test_no_space_left_names_the_target(sources, tmp_path, monkeypatch):
    def full(entries):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(safetensors_write, "_header", full)
    (tmp_path / "out").mkdir()
    with pytest.raises(OSError, match="No space left on device: '.*out'"):
        convert(sources["hf"], tmp_path / "out", "hf")
    assert left_in(tmp_path) == ["out"] and left_in(tmp_path / "out") == []


def test_an_interruption_leaves_nothing(sources, tmp_path, monkeypatch):
    def interrupted(weights, path, options):
        path.mkdir()
        (path / "half").write_bytes(b"x")
        raise KeyboardInterrupt

    monkeypatch.setitem(conversion.WRITERS, "hf", interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert(sources["hf"], tmp_path / "out", "hf")
    assert left_in(tmp_path) == []
