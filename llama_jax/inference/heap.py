"""Memory that XLA has freed goes back to the kernel.

On a CPU XLA takes keys, values and results from the C library, whose threads have an arena each.
What one frees, glibc keeps for that one: after some prefixes of different sizes hundreds of MiB lie
about free.
"""

import contextlib
import ctypes


def release_free_memory() -> bool:
    """Gives back what is free in all arenas; whether there was any. Nothing without glibc.

    It takes tens of milliseconds beside a model of 100M parameters, and what is taken anew has to
    be cleared by the kernel: for a change of work, not for every call.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # a library without it, or none
        return bool(ctypes.CDLL(None).malloc_trim(0))
    return False
