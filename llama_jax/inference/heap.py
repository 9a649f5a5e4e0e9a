"""Memory that XLA has freed goes back to the kernel.

On a CPU XLA takes keys, values and results from the C library, whose threads have an arena each.
What one frees, glibc keeps for that one: after some prefixes of different sizes hundreds of MiB lie
about free.
"""

import contextlib
import ctypes
import functools
import os
from collections.abc import Callable


def release_free_memory() -> bool:
    """Gives back what is free in all arenas; whether there was any. Nothing without glibc.

    It takes milliseconds, and what is taken anew afterwards has to be cleared by the kernel: for a
    change of work, not for every call.
    """
    return bool(_trim()(0))


@functools.cache
def _trim() -> Callable[[int], int]:
    with contextlib.suppress(ValueError, OSError, AttributeError):  # no such name or function
        if (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc"):
            return ctypes.CDLL(None).malloc_trim
    return lambda kept_bytes: 0
