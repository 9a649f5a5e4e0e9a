r"""Whether two answers in LaTeX are the same expression, decided by SymPy in a killable process.

    same_expression(r"\frac{1}{2}", "0.5")            True
    same_expression("2x+2", "2(x+1)")                 True
    same_expression("(1,2)", "(1,2)")                 True, the texts are equal: nobody is asked
    same_expression("9^{9^{9^9}}", "5")               False, after the time limit
    same_expression(r"\frac{1", "1")                  False, it cannot be read

SymPy never runs in this process: a power that a model made up would fill the memory or never end,
and no signal interrupts a multiplication of big integers. One worker serves all comparisons. It is
killed and replaced when one takes too long; the time limit begins when the worker is ready.
"""

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from functools import lru_cache
from pathlib import Path

from llama_jax.errors import InputError

SECONDS = 5.0  # per comparison, as in lm-evaluation-harness
_START_SECONDS = 120.0
_WORKER = Path(__file__).with_name("math_worker.py")


class Worker:
    """A process that compares expressions; started when first asked, restarted when it is gone."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen | None = None
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def compare(self, left: str, right: str, strict: bool = True) -> str:
        """Returns "equal", "different", "unread" (no LaTeX that SymPy reads), "timeout" or "died".

        Args:
            left: an expression.
            right: another.
            strict: whether a text of which only the beginning can be read counts as unread; without
                it "1,2" is read as 1.
        """
        asked = {"left": left, "right": right, "strict": strict, "seconds": self._seconds}
        with self._lock:
            self._start()
            try:
                self._process.stdin.write(json.dumps(asked).encode() + b"\n")
                found = self._line(self._seconds)
            except OSError:  # it was gone already
                found = b""
            if not found:
                self._kill()
                return "timeout" if found is None else "died"
            return json.loads(found)["verdict"]

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._kill()

    def _start(self) -> None:
        if self._owner != os.getpid():  # a fork: the process belongs to the parent
            self._process, self._owner = None, os.getpid()
        if self._process is not None and self._process.poll() is None:
            return
        # -P: the folder of the script, which has a types.py, is no place to import from.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        line = self._line(_START_SECONDS)
        said = json.loads(line) if line else {"why": "it does not start"}
        if not said.get("ready"):
            self._kill()
            raise InputError(
                f"the process that reads LaTeX: {said.get('why', 'it computes wrongly')}; "
                "install sympy and antlr4-python3-runtime 4.11"
            )

    def _line(self, seconds: float) -> bytes | None:
        """The next line; b"" where the process has ended, None where it takes too long."""
        end = time.monotonic() + seconds
        found = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not found.endswith(b"\n"):
                if not selector.select(max(end - time.monotonic(), 0)):
                    return None
                if not (more := self._process.stdout.read(65536)):
                    return b""
                found += more
        return found

    def _kill(self) -> None:
        if self._process is None or self._owner != os.getpid():
            return
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process = None


_SHARED = Worker()
atexit.register(_SHARED.close)


@lru_cache(maxsize=4096)
def same_expression(left: str, right: str, strict: bool = True) -> bool:
    """Returns whether two normalised answers are equal as texts, or as expressions.

    What cannot be read, or not within the time limit, is equal to nothing but its own text; an
    empty answer is equal to nothing.

    Raises:
        InputError: SymPy or its LaTeX parser cannot be loaded.
    """
    if not left or not right:
        return False
    return left == right or _SHARED.compare(left, right, strict) == "equal"
