"""What both workers of eval_speed.py do: answer commands, with seconds and peak memory.

Standard library only, since each worker runs in an environment of its own. A command is one JSON
line on stdin, {"requests": FILE, "out": FILE, ...}; its answer is one JSON line on stdout.
Whatever else the libraries print goes to stderr.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def serve(run: Callable[[Rows, dict[str, Any]], tuple[Rows, dict[str, Any]]], **about: Any) -> None:
    """Says that it is ready, with `about`, then answers commands until stdin ends.

    Args:
        run: requests and the command to one answer for each request and what to report.
        **about: goes into the first line.
    """
    reply = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    print(json.dumps({"ready": True, "peak_mib": peak_mib(), **about}), file=reply, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        requests = read_rows(Path(command["requests"]))
        _forget_peak()
        begun = time.perf_counter()
        answers, report = run(requests, command)
        report = {"seconds": time.perf_counter() - begun, "peak_mib": peak_mib(), **report}
        write_rows(Path(command["out"]), answers)
        print(json.dumps(report), file=reply, flush=True)


def peak_mib() -> float:
    """Most memory that this process has held at once, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _forget_peak() -> None:
    with suppress(OSError):  # some containers forbid it; the peak is then that of all runs
        Path("/proc/self/clear_refs").write_text("5")


def read_rows(path: Path) -> Rows:
    """Reads JSON lines."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_rows(path: Path, rows: Rows) -> None:
    """Writes JSON lines."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
