import json
import os
import subprocess
import sys

import pytest

import llama_jax as lj
from llama_jax import cli
from llama_jax.errors import InputError


@pytest.mark.parametrize(
    "options, said",
    [
        (("--devices", "2"), "2 devices are asked for and JAX sees 1: use 1 at most"),
        (("--tensor-parallel", "4"), "4 devices are asked for and JAX sees 1"),
        (("--devices", "3", "--tensor-parallel", "2"), "3 devices do not divide by tensor para"),
        (("--devices", "0"), "devices 0 and tensor parallelism 1: both must be at least 1"),
    ],
)
def test_devices_that_are_not_there_are_one_line(options, said, small_model, monkeypatch, capsys):
    arguments = ["llama-jax", "generate", str(small_model), *options]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert len(err.splitlines()) == 1 and said in err


def test_the_library_refuses_them_before_it_reads_weights(small_model):
    with pytest.raises(InputError, match="2 devices are asked for and JAX sees 1"):
        lj.load(small_model, devices=2)


def test_four_devices_print_what_one_does(small_model):
    """In processes of their own: the number of CPU devices is fixed when JAX starts."""
    how = ("--prompt", "A cat sat", "--prompt", "The", "--max-new-tokens", "5", "--json")
    one, four = (
        run("generate", small_model, *how, *options)
        for options in ((), ("--devices", "4", "--tensor-parallel", "2", "--platform", "cpu"))
    )
    assert one.returncode == 0 and one.stdout == four.stdout, four.stderr
    assert [len(json.loads(line)["ids"]) for line in four.stdout.splitlines()] == [5, 5]
    refused = run("generate", small_model, *how, "--tensor-parallel", "4")
    assert refused.returncode == 2 and not refused.stdout
    assert "2 key/value heads do not divide over tensor parallelism 4" in refused.stderr


def run(*arguments):
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "4"}
    command = [sys.executable, "-m", "llama_jax.cli", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
