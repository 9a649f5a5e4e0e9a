"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

# Numeric references are compared on the CPU; a GPU would round differently and be shared by workers.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

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
