"""One task of results.json, checked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llama_jax.errors import InputError

DATA_KINDS = ("official", "partial", "samples", "hub")


@dataclass(frozen=True)
class Metric:
    """A measured value with its standard error; a "fraction" is printed in percent."""

    name: str
    value: float
    stderr: float | None
    unit: str

    @property
    def scale(self) -> float:
        """What the value is multiplied by for printing."""
        return 100.0 if self.unit == "fraction" else 1.0


@dataclass(frozen=True)
class PaperEntry:
    """Which column of the paper a task compares with; rows are values as printed, or None."""

    table: str
    column: str
    metric: str
    rows: Mapping[str, float | None]


@dataclass(frozen=True)
class TaskResult:
    """One task of results.json.

    Attributes:
        n: examples scored.
        of: examples of the whole benchmark.
        primary: the metric that stands in tables.
        chance: score of guessing, in the primary metric's unit, or None.
        data: "official", "hub" (its rows from the Hugging Face hub), "partial" or "samples" (the
            package's own few examples).
        subtasks: the metrics of each part of the task.
        judge: what labelled the generations, where something did; it is not the paper's.
    """

    name: str
    protocol: str
    protocol_version: str
    shots: int
    n: int
    of: int
    overflow: Mapping[str, Any]
    metrics: Mapping[str, Metric]
    hashes: Mapping[str, str]
    paper: PaperEntry | None
    primary: str
    chance: float | None
    data: str
    subtasks: Mapping[str, Mapping[str, Metric]]
    judge: str = ""

    @property
    def benchmark(self) -> str:
        """The benchmark; a name may go on with the number of shots, as in "nq_open@64"."""
        return self.name.partition("@")[0]

    @property
    def compared(self) -> Metric | None:
        """What is set beside the paper, or None without a place in it.

        The paper's metric, or the primary one where a protocol does not measure the paper's.
        """
        if self.paper is None:
            return None
        return self.metrics.get(self.paper.metric, self.metrics[self.primary])

    @property
    def shown(self) -> tuple[Metric, ...]:
        """The metrics worth a line: the primary one, and the compared one where that is another."""
        primary = self.metrics[self.primary]
        compared = self.compared
        return (primary,) if compared is None or compared == primary else (primary, compared)

    def printed(self, metric: Metric, row: str) -> float | None:
        """The paper's value to set beside a metric, as printed, or None."""
        return self.paper.rows.get(row) if self.paper and metric == self.compared else None

    @property
    def data_mark(self) -> str:
        """The mark of data that the paper's numbers do not describe."""
        return {"samples": "†", "partial": "‡", "hub": "¶", "official": ""}[self.data]

    @property
    def marks(self) -> str:
        """Everything that keeps the score from being compared with the paper's."""
        if self.paper is None:
            return self.data_mark
        as_printed = self.protocol == "paper" and self.paper.metric in self.metrics
        as_printed &= not self.judge and not self.overflow.get("shots")  # none was dropped
        return self.data_mark + ("" if as_printed else "§")


def parse_task(name: str, entry: Any, where: str) -> TaskResult:
    """Check one task of results.json; `where` names it in errors.

    Raises:
        InputError: a key is missing or has a wrong value.
    """
    protocol = get(entry, "protocol", str, where)
    n, of = get(entry, "n", int, where), get(entry, "of", int, where)
    if not 0 < n <= of:
        raise InputError(f"{where}: n {n} of {of}; expected 1 to {of}")
    metrics = _metrics(entry, where)
    parts = get(entry, "subtasks", Mapping, where) if "subtasks" in entry else {}
    paper = _paper(entry.get("paper"), f"{where}: paper")
    primary = _primary(entry.get("primary"), paper, metrics, where)
    data = entry.get("data", "official")
    if data not in DATA_KINDS:
        raise InputError(f"{where}: data {data!r} is not one of {', '.join(DATA_KINDS)}")
    if data in ("official", "hub") and n < of:
        data = "partial"
    return TaskResult(
        name=name,
        protocol=protocol,
        protocol_version=str(get(entry, "protocol_version", (str, int, float), where)),
        shots=get(entry, "shots", int, where),
        n=n,
        of=of,
        overflow=entry.get("overflow") or {},
        metrics=metrics,
        hashes=entry.get("hashes") or {},
        paper=paper,
        primary=primary,
        chance=number(entry.get("chance"), f"{where}: chance", optional=True),
        data=data,
        subtasks={part: _metrics(found, f"{where}: {part}") for part, found in parts.items()},
        judge=str(entry.get("judge", "")),
    )


def _primary(
    given: Any, paper: PaperEntry | None, metrics: Mapping[str, Metric], where: str
) -> str:
    """The metric that the file names, or else the paper's, or else the only one."""
    if given is not None and given not in metrics:
        raise InputError(f"{where}: primary metric {given!r} is not in {sorted(metrics)}")
    if given is not None:
        return given
    if paper is not None and paper.metric in metrics:
        return paper.metric
    if len(metrics) != 1:
        raise InputError(f"{where}: no primary metric among {sorted(metrics)}; name one")
    return next(iter(metrics))


def _metrics(entry: Any, where: str) -> dict[str, Metric]:
    return {
        metric: _metric(metric, found, f"{where}: metric {metric}")
        for metric, found in get(entry, "metrics", Mapping, where).items()
    }


def _metric(name: str, entry: Any, where: str) -> Metric:
    value = number(get(entry, "value", (int, float), where), f"{where}: value")
    stderr = number(entry.get("stderr"), f"{where}: stderr", optional=True)
    return Metric(name, value, stderr, get(entry, "unit", str, where))


def _paper(entry: Any, where: str) -> PaperEntry | None:
    if entry is None:
        return None
    rows = get(entry, "rows", Mapping, where)
    values = {row: number(v, f"{where}: row {row}", optional=True) for row, v in rows.items()}
    table, column, metric = (get(entry, key, str, where) for key in ("table", "column", "metric"))
    return PaperEntry(table, column, metric, values)


def get(entry: Any, key: str, kind: type | tuple[type, ...], where: str) -> Any:
    """The value of a key that must be there, of one of these types."""
    if not isinstance(entry, Mapping):
        raise InputError(f"{where}: is {entry!r}, expected an object")
    if key not in entry:
        raise InputError(f"{where}: no {key!r}")
    value = entry[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{where}: {key} has a wrong type: {value!r}")
    return value


def number(value: Any, where: str, *, optional: bool = False) -> Any:
    """A finite number, or None where that is allowed."""
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where}: {value!r} is not a finite number")
    return value
