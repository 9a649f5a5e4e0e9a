"""What was freed between two blocks that are held goes back to the kernel."""

import ctypes
import os
from pathlib import Path

import pytest

from llama_jax.inference import heap

BLOCK, COUNT = 64 * 1024, 1024  # small enough for the heap; 64 MiB in all


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def uses_glibc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION").startswith("glibc")
    except (ValueError, AttributeError):
        return False


@pytest.mark.skipif(not uses_glibc(), reason="the C library is not glibc")
def test_free_blocks_below_one_that_is_held_go_back():
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = [ctypes.c_void_p]
    blocks = [library.malloc(BLOCK) for _ in range(COUNT)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    for block in blocks[:-1]:
        library.free(block)
    before = resident_bytes()
    assert heap.release_free_memory()
    assert before - resident_bytes() > BLOCK * COUNT // 2
    library.free(blocks[-1])


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(os, "confstr", lambda name: "musl 1.2", raising=False)
    heap._trim.cache_clear()
    assert not heap.release_free_memory()
    heap._trim.cache_clear()
