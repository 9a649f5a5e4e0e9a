"""What both comparisons with peers need: contestants in processes of their own, and the machine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")
BUSY = 0.05  # part of the machine that others may use before a run is called disturbed


class Side:
    """A worker process that says one JSON line when it is ready and answers each with one.

    Attributes:
        about: the first line.
    """

    def __init__(self, name: str, command: Sequence[str], **environment: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.about = self._answer()

    def ask(self, **command: Any) -> dict[str, Any]:
        """The answer, and under "others" what other processes took of the machine meanwhile."""
        busy, own, begun = _busy(), self._own(), time.perf_counter()
        print(json.dumps(command), file=self._process.stdin, flush=True)
        answer = self._answer()
        seconds = (time.perf_counter() - begun) * os.cpu_count()
        others = max(0.0, (_busy() - busy) - (self._own() - own)) / seconds
        if others > BUSY:
            print(f"{self.name}: others used {others:.0%} of the CPU", file=sys.stderr)
        return {**answer, "others": round(others, 3)}

    def close(self) -> None:
        """Lets the process end."""
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self.name}: the worker ended with status {self._process.wait()}")
        return json.loads(line)

    def _own(self) -> float:
        return _cpu_seconds(self._process.pid) + _cpu_seconds(os.getpid())


def peer_environment(threads: int) -> dict[str, str]:
    """For a side that runs Hugging Face's libraries: no network, so many threads."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def machine() -> dict[str, Any]:
    """The CPU and its cores."""
    lines = Path("/proc/cpuinfo").read_text().split("\n")
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {"cpu": names[0] if names else "unknown", "cores": os.cpu_count()}


def _busy() -> float:
    """CPU seconds that the machine has worked, time taken by its host included."""
    user, nice, system, _, _, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICK


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
