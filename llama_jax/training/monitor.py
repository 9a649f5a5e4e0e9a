"""What looks at a run from outside every so often, and what listens to its log."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

Listener = Callable[[Mapping[str, Any]], None]
"""Is given each line of the log."""


class Monitor(NamedTuple):
    """Something to be done every `every` steps and after the last.

    Attributes:
        every: steps between two.
        look: takes the step and the parameters, and returns a line for the log. With several
            processes all of them call it.
    """

    every: int
    look: Callable[[int, dict], Mapping[str, Any]]

    def due(self, step: int, last: int) -> bool:
        """Whether step `step` of `last` is followed by a look."""
        return step == last or step % self.every == 0


class TensorBoard:
    """Writes the numbers of each log line as TensorBoard scalars."""

    def __init__(self, folder: Path, start: int):
        """Begins a file in `folder`; what an earlier one says of steps after `start` is void."""
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=start + 1, write_to_disk=True)

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Takes one line of the log."""
        for name, value in line.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if name != "step" and number and math.isfinite(value):
                self._writer.add_scalar(name, value, line["step"])
        if "validation_loss" in line:
            self._writer.flush()

    def close(self) -> None:
        """Completes the file."""
        self._writer.close()
