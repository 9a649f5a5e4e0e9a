"""`llama-jax convert`, run as a command."""

import json
import subprocess
import sys

import pytest
from reference.weight_files import draw, llama2c_bytes

from llama_jax import samples, weights
from llama_jax.config import LlamaConfig

CONFIG = LlamaConfig(512, 32, 2, 4, 2, 64, 64, 1e-5)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(llama2c_bytes(draw(CONFIG), CONFIG))
    return path


def run(*words):
    command = [sys.executable, "-m", "llama_jax.cli", "convert", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


def test_says_what_it_wrote(source, tmp_path):
    target = tmp_path / "hf"
    done = run(source, target, "--to", "hf", "--shards", "2", "--tokenizer", samples.TOKENIZER)
    assert (done.returncode, done.stderr) == (0, "")
    files = list(target.iterdir())
    size = sum(file.stat().st_size for file in files)
    assert done.stdout == f"{target}: hf from llama2c, 8 files, {size} bytes\n"
    assert len(files) == 8 and weights.read(target).config == CONFIG


def test_json(source, tmp_path):
    done = run(source, tmp_path / "b.bin", "--to", "llama2c", "--json")
    size = source.stat().st_size
    assert json.loads(done.stdout) == {
        "path": str(tmp_path / "b.bin"),
        "kind": "llama2c",
        "from": "llama2c",
        "files": 1,
        "bytes": size,
    }


def test_one_line_and_status_2_for_what_does_not_fit(source):
    done = run(source, source, "--to", "llama2c")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == f"llama-jax: error: {source}: exists; name another file\n"
