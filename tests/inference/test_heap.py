"""What was freed between two blocks that are held goes back to the kernel."""

import ctypes
import os
from pathlib import Path

import pytest

from llama_jax.inference import heap

BLOCK, COUNT = 64 * 1024, 1024  # small enough for the heap; 64 MiB in all


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not glibc"
)
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
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not heap.release_free_memory()
