import os
import subprocess
import sys

import pytest

COUNTED = """
import json, sys
from collections import Counter
import jax
from llama_jax import cli

events = Counter()
jax.monitoring.register_event_listener(lambda name, **_: events.update([name]))
sys.argv = ["llama-jax", *sys.argv[1:]]
cli.main()
names = ("compile_requests_use_cache", "cache_hits")
asked, found = (events["/jax/compilation_cache/" + name] for name in names)
print(json.dumps([asked, found]), file=sys.stderr)
"""


@pytest.fixture
def compiled(small_model, tmp_path):
    """Runs a command in a process of its own: (programs asked for, of these found kept)."""

    def call(*options, **environment):
        command = ["perplexity", small_model, "--text", __file__, *options]
        done = subprocess.run(
            [sys.executable, "-c", COUNTED, *map(str, command)],
            env={
                **os.environ,
                "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",  # this model is very small
                "LLAMA_JAX_CACHE": str(tmp_path / "cache"),
                **environment,
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        asked, found = done.stderr.splitlines()[-1].strip("[]").split(",")
        return int(asked), int(found)

    return call


@pytest.mark.slow
def test_a_second_process_compiles_nothing(compiled, tmp_path):
    asked, found = compiled()
    assert asked > 0 and found == 0
    assert list((tmp_path / "cache" / "compiled").glob("*/*"))
    assert compiled() == (asked, asked)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options, environment",
    [
        (("--no-compilation-cache",), {}),
        ((), {"JAX_ENABLE_COMPILATION_CACHE": "false"}),
        ((), {"LLAMA_JAX_CACHE": "/dev/null/nowhere"}),
    ],
)
def test_nothing_is_kept(compiled, options, environment, tmp_path):
    compiled(*options, **environment)
    assert not (tmp_path / "cache" / "compiled").exists()
