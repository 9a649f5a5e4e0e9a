"""Memory in huge pages for commands: XLA on a CPU takes its working memory anew in every call.

In pages of 4 KiB the kernel clears and maps thousands of them each time, which is a fifth of a
small training step. The C library asks for 2 MiB where it is told so at the start of a process.
"""

import os
import sys
from pathlib import Path

TUNABLES = "GLIBC_TUNABLES"
HUGE_PAGES = "glibc.malloc.hugetlb=1"
KERNEL = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def restart_with_huge_pages() -> None:
    """Starts the running command anew in its own process, where that brings huge pages.

    Call it before anything else. It returns where GLIBC_TUNABLES is set (to anything: an empty
    value leaves all as it is), where the C library is not glibc, and where the kernel does not give
    huge pages to those that ask.
    """
    if TUNABLES in os.environ or not _given_to_those_that_ask():
        return
    os.environ[TUNABLES] = HUGE_PAGES
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _given_to_those_that_ask() -> bool:
    try:
        glibc = (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
        return glibc and "[madvise]" in KERNEL.read_text(encoding="ascii")
    except (ValueError, OSError, AttributeError):  # no such name, file, or function
        return False
