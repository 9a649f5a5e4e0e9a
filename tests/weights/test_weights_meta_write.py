"""Meta's layout out: the tensors that were read are written back bit for bit."""

import dataclasses
import itertools
import json
import resource

import ml_dtypes
import numpy as np
import pytest
from reference import meta_model
from reference.torch_files import write_torch

from llama_jax import weights
from llama_jax.errors import InputError
from llama_jax.weights import meta, meta_write
from llama_jax.weights.torch_file import read_torch

DTYPES = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}


def write(folder, case, dtype=np.float32, shards=1, embedding=meta_model.COLUMNS, tied=False):
    parts = meta_model.split(meta_model.tensors(case, dtype, tied), shards, embedding)
    return meta_model.write(folder, meta_model.params_json(case), parts, write_torch)


def assert_same_files(a, b, shards):
    """Tensor by tensor; RoPE's frequencies, which follow from params.json, aside."""
    names = [f"consolidated.{i:02}.pth" for i in range(shards)]
    assert sorted(path.name for path in b.glob("*.pth")) == names
    for name in names:
        first, second = read_torch(a / name), read_torch(b / name)
        first.pop("rope.freqs", None)
        assert list(first) == list(second)  # in Meta's order
        for key, tensor in first.items():
            x, y = tensor.open(), second[key].open()
            assert (x.dtype, x.shape) == (y.dtype, y.shape) and x.tobytes() == y.tobytes(), key


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ["mha", "gqa"])
def test_round_trips_for_every_number_of_shards(tmp_path, case, dtype):
    for shards in (1, 2, 4, 8):
        source = write(tmp_path / f"in{shards}", case, DTYPES[dtype], shards)
        target = tmp_path / f"out{shards}"
        meta_write.write(meta.open(source), target, shards)
        assert_same_files(source, target, shards)


def test_any_number_of_shards_to_any_other(tmp_path):
    sources = {n: write(tmp_path / f"in{n}", "gqa", shards=n) for n in (1, 2, 4, 8)}
    for a, b in itertools.permutations((1, 2, 8), 2):
        target = tmp_path / f"{a}to{b}"
        meta_write.write(meta.open(sources[a]), target, b)
        assert_same_files(sources[b], target, b)


def test_an_embedding_split_by_rows_and_a_tied_output(tmp_path):
    source = write(tmp_path / "in", "mha", shards=4, embedding=meta_model.ROWS, tied=True)
    meta_write.write(meta.open(source), tmp_path / "out", 4, embedding_axis=0)
    assert_same_files(source, tmp_path / "out", 4)
    assert meta.open(tmp_path / "out").config.tied_embeddings


def test_parameters_in_memory_are_those_that_were_read(tmp_path):
    source = write(tmp_path / "in", "gqa", shards=2)
    meta_write.write(meta.open(source), tmp_path / "out", 8)
    assert weights.params_sha256(weights.read(source).params) == weights.params_sha256(
        weights.read(tmp_path / "out").params
    )


def test_configuration_and_tokenizer_come_along(tmp_path):
    source = write(tmp_path / "in", "scaled")
    (tmp_path / "tokenizer.model").write_bytes(b"pieces")
    stored = meta.open(source)
    config = dataclasses.replace(
        stored.config,
        context=77,
        rope_scaling=dataclasses.replace(stored.config.rope_scaling, factor=32.0),
    )
    meta_write.write(dataclasses.replace(stored, config=config), tmp_path / "out")
    again = meta.open(tmp_path / "out")
    assert again.config == config
    assert again.tokenizer.read_bytes() == b"pieces"
    fields = json.loads((tmp_path / "out" / "params.json").read_text())
    assert fields == {  # only keys that Meta's ModelArgs has
        "dim": 64,
        "n_layers": 2,
        "n_heads": 8,
        "vocab_size": 96,
        "norm_eps": 1e-5,
        "multiple_of": 176,
        "rope_theta": 500000.0,
        "use_scaled_rope": True,
    }


@pytest.mark.parametrize("shards", [0, 3, 16, 100])
def test_shards_that_do_not_divide(tmp_path, shards):
    stored = meta.open(write(tmp_path / "in", "gqa"))
    with pytest.raises(InputError, match="do not divide|1 to 99"):
        meta_write.write(stored, tmp_path / "out", shards)
    assert not (tmp_path / "out").exists()


def test_a_directory_in_use_is_left_alone(tmp_path):
    source = write(tmp_path / "in", "gqa")
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    with pytest.raises(InputError, match="not an empty directory"):
        meta_write.write(meta.open(source), source)
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before


@pytest.mark.parametrize("limit", [0, 1000, 30_000])
def test_nothing_is_left_where_the_disk_is_full(tmp_path, limit):
    """A limit on the size of files stands in for the disk: the system refuses the write."""
    stored = meta.open(write(tmp_path / "in", "gqa"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(InputError, match="nothing is left of it: File too large"):
            meta_write.write(stored, tmp_path / "out", 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_layer_at_a_time(tmp_path):
    """Every layer of every parameter is asked for once, in the order of Meta's files."""
    stored, asked = meta.open(write(tmp_path / "in", "gqa")), []

    def noting(path, param):
        def read(layer):
            asked.append((path, layer))
            return param.read(layer)

        return dataclasses.replace(param, read=read)

    params = {path: noting(path, param) for path, param in stored.params.items()}
    meta_write.write(dataclasses.replace(stored, params=params), tmp_path / "out", 4)
    assert len(asked) == len(set(asked)) == 3 + 2 * 9
    assert asked[0] == ("embedding", None) and asked[1][1] == 0 and asked[10][1] == 1
