"""Fixtures that every test may use."""

import io
import os
import socket
import sys
from pathlib import Path

import pytest

# Numeric references are compared on the CPU; a GPU rounds differently, and workers would share it.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# The tests are many small programs that run once: machine code is generated without optimisation,
# which halves their time. XLA's own passes stay as users have them.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

ABSENT = ("tensorflow", "torch", "transformers")  # the package never needs them


def pytest_sessionfinish(session):
    """No test but those of `make parity` may have imported what the package does without."""
    loaded = [name for name in ABSENT if name in sys.modules]
    if loaded and session.config.option.markexpr != "parity":
        raise pytest.UsageError(f"the tests imported {', '.join(loaded)}")


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """A connection to anything but this machine fails."""

    def guarded(connect):
        def call(self, address):
            if self.family != socket.AF_UNIX and address[0] not in (
                "127.0.0.1",
                "::1",
                "localhost",
            ):
                raise OSError(f"a test tried to reach {address}")
            return connect(self, address)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield


REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real weights, benchmark files and tokenizers (LLAMA_JAX_SHARED)."""
    folder = Path(os.environ.get("LLAMA_JAX_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"LLAMA_JAX_SHARED: no folder {folder}; set it to the folder of real files")
    return folder


@pytest.fixture(scope="session")
def small_model(tmp_path_factory) -> Path:
    """A checkpoint of ours: random weights, context 128, the tokenizer inside the package."""
    import jax

    from llama_jax import checkpoint
    from llama_jax.config import LlamaConfig
    from llama_jax.model import decoder

    config = LlamaConfig(512, 32, 2, 4, 2, 48, 128, 1e-5)
    params = jax.tree.map(lambda a: 5 * a, decoder.init(jax.random.key(0), config))
    tokenizer = (REPOSITORY / "llama_jax" / "samples" / "tokenizer.model").read_bytes()
    folder = tmp_path_factory.mktemp("small") / "model"
    checkpoint.save(folder, 1, params, config, tokenizer_bytes=tokenizer)
    return folder


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    """Prepared rows go to a folder of the tests' own, not to the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLAMA_JAX_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def llama_jax_command(monkeypatch, capsys):
    """Runs `llama-jax ARGS` in this process: (exit status, stdout, stderr)."""
    from llama_jax import cli

    def call(*args, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["llama-jax", *map(str, args)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return call
