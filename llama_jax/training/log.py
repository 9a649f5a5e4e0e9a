"""The log of a run: one JSON line per step, written one step late, and a progress bar."""

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import jax
from tqdm import tqdm

from llama_jax.training.monitor import Listener

# Under jit a dict comes back sorted by name; a line begins with what one looks for first.
FIRST = ("loss", "learning_rate", "gradient_norm", "parameter_norm")


class NonFiniteError(FloatingPointError):
    """The loss or the gradient is infinite or not a number; training on would only spoil more."""


class TrainLog:
    """Writes what each step measured, without ever making the device wait.

    `push` hands over a step that has just been dispatched and writes the step before it, which is
    done or nearly so; `flush` waits for the last one. A line is

        {"step", "loss", "learning_rate", "gradient_norm", "parameter_norm", ..., "tokens",
         "seconds", "tokens_per_second", ...}

    `step` counts updates, from 1: the loss and norms are of the parameters before that update, and
    checkpoint `step` holds those after it. `seconds` is from the end of the step before to the end
    of this one; the first step of a process includes compilation. Validation adds lines
    {"step", "validation_loss", "validation_tokens"} for the parameters after `step` updates, and
    others may add lines of their own.
    """

    def __init__(
        self,
        path: Path,
        start: int,
        steps: int,
        progress: bool | None = None,
        listeners: Sequence[Listener] = (),
        speed: Callable[[float], Mapping[str, float]] | None = None,
    ):
        """Appends to `path`; `progress` None shows the bar where stderr is a terminal.

        Each listener is given every line. `speed` takes the seconds of a step and gives what its
        line says about them beside.
        """
        self._listeners, self._speed = listeners, speed
        self._file = path.open("a", encoding="utf-8")
        disable = None if progress is None else not progress
        self._bar = tqdm(
            total=steps, initial=start, desc="train", unit="step", disable=disable, leave=True
        )
        self._pending: tuple[int, Mapping[str, jax.Array]] | None = None
        self._last_finite = start
        self.restart_clock()

    def __enter__(self) -> "TrainLog":
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._bar.close()

    def restart_clock(self) -> None:
        """What happened until now, such as validation or a save, is in no step's `seconds`."""
        self._mark = time.perf_counter()

    def push(self, step: int, metrics: Mapping[str, jax.Array]) -> None:
        """Takes the metrics of `step`, still being computed, and writes the step before.

        Raises:
            NonFiniteError: the step before was not finite.
        """
        waiting, self._pending = self._pending, (step, metrics)
        if waiting is not None:
            self._write_step(*waiting)

    def flush(self) -> None:
        """Waits for the step that is pending, if any, and writes it; raises as `push` does."""
        waiting, self._pending = self._pending, None
        if waiting is not None:
            self._write_step(*waiting)

    def validation(self, step: int, loss: float, tokens: int) -> None:
        """Writes the validation loss after `step` updates, in nats per token."""
        self.add({"step": step, "validation_loss": loss, "validation_tokens": tokens})

    def _write_step(self, step: int, metrics: Mapping[str, jax.Array]) -> None:
        found = jax.device_get(dict(metrics))
        names = [name for name in FIRST if name in found]
        names += [name for name in found if name not in FIRST]
        values = {name: float(found[name]) for name in names if name != "tokens"}
        now = time.perf_counter()
        seconds, self._mark = now - self._mark, now
        wrong = {name: value for name, value in values.items() if not math.isfinite(value)}
        if wrong:
            what = ", ".join(f"{name} is {value}" for name, value in wrong.items())
            raise NonFiniteError(f"step {step}: {what}; finite up to step {self._last_finite}")
        self._last_finite = step
        tokens = int(found["tokens"])
        speed = {} if self._speed is None else self._speed(seconds)
        line = {"step": step, **values, "tokens": tokens, "seconds": round(seconds, 6)}
        self.add(line | {name: float(f"{value:.6g}") for name, value in speed.items()})
        shown = {"loss": f"{values['loss']:.4f}", "tokens/s": f"{tokens / seconds:,.0f}"}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def add(self, line: dict[str, Any]) -> None:
        """Writes a line; it has a "step"."""
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        for listener in self._listeners:
            listener(line)


def read_log(path: str | os.PathLike) -> Iterator[dict[str, Any]]:
    """The lines of a log in order; a last line that was cut off by a crash is left out."""
    for line in Path(path).read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def forget_after(path: Path, step: int) -> None:
    """Drops the lines of later steps, which a run that goes on from `step` takes again."""
    if not path.exists():
        return
    kept = [json.dumps(line) + "\n" for line in read_log(path) if line["step"] <= step]
    partial = path.with_suffix(".partial")
    partial.write_text("".join(kept), encoding="utf-8")
    partial.replace(path)
