"""Programs in processes of their own: the number of CPU devices is fixed when JAX starts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


class Devices:
    """Starts Python programs of this folder on simulated devices."""

    def start(self, count: int, *arguments) -> subprocess.Popen:
        """`python ARGUMENTS` with `count` devices."""
        environment = {
            **os.environ,
            "JAX_PLATFORMS": "cpu",
            "JAX_NUM_CPU_DEVICES": str(count),
            "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent, HERE.parent.parent))),
        }
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.Popen(command, env=environment, text=True, cwd=HERE, **pipes)

    def finish(self, process: subprocess.Popen) -> str:
        """What it printed; it must have ended well."""
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        return out

    def run(self, count: int, *arguments) -> list[str]:
        """The lines that `python ARGUMENTS` prints."""
        process = self.start(count, *arguments)
        try:
            return self.finish(process).splitlines()
        finally:
            process.kill()

    def free_address(self) -> str:
        """HOST:PORT for processes to meet at."""
        with socket.socket() as free:
            free.bind(("localhost", 0))
            return f"localhost:{free.getsockname()[1]}"


@pytest.fixture(scope="session")
def devices():
    """See `Devices`."""
    return Devices()
