"""The paper's tables with a row for each of our runs, aggregated as the paper's own rows are.

`paper.MEASURED` says which tasks fill a column. A cell of ours needs all of them, with the paper's
number of shots: it is never a mean over fewer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llama_jax import paper
from llama_jax.errors import InputError
from llama_jax.report.results import Metric, TaskResult
from llama_jax.report.runs import RunFiles
from llama_jax.report.tables import Table, check_labels, mark_notes, marks


@dataclass(frozen=True)
class Found:
    """What a run has for a measure: the number, or what it lacks."""

    task: TaskResult | None
    metric: Metric | None
    lacks: str


def paper_tables(runs: Sequence[RunFiles]) -> tuple[Table, ...]:
    """Table 3, and every other one all of whose tasks some run holds, in the paper's order."""
    complete = [number for number in paper.MEASURED if any(_holds(run, number) for run in runs)]
    return tuple(paper_table(n, runs) for n in paper.MEASURED if n == "3" or n in complete)


def table3(runs: Sequence[RunFiles]) -> Table:
    """Table 3."""
    return paper_table("3", runs)


def paper_table(number: str, runs: Sequence[RunFiles]) -> Table:
    """A table of the paper with one row per run below its models.

    A cell of ours needs every task of its column; with some of them it says how many, and with
    none it is "-".

    Raises:
        InputError: two runs have one label, or two tasks of a run fill the same place.
    """
    check_labels(runs)
    printed = paper.table(number)
    columns = paper.MEASURED[number]
    known = {(c.row, c.column): c for c in paper.CONTRADICTIONS if c.table == number}
    rows = [
        (model, *(_printed(number, v) + ("¹" if place in known else "") for place, v in cells))
        for model, cells in _by_model(number).items()
    ]
    ours = range(len(rows), len(rows) + len(runs))
    places = _decimals(number)
    lacking: dict[str, list[str]] = {}
    for run in runs:
        found = {column.name: [_find(run, m) for m in column.measures] for column in columns}
        lacks = dict.fromkeys(one.lacks for cell in found.values() for one in cell if one.lacks)
        lacking[run.label] = list(lacks)
        rows.append((run.label, *(_cell(found[c.name], places) for c in columns)))
    notes = [_heading(number)]
    notes += [
        f"¹ {c.row}, {c.column}: printed {c.printed}, but other cells give {c.implied} ({c.why})."
        for c in known.values()
    ]
    notes += mark_notes(cell for i in ours for cell in rows[i][1:])
    if any(lacking.values()):
        notes.append("k of m: only k of the column's m parts are there, so no mean; -: none is.")
    notes += [f"{label} lacks {', '.join(lacks)}." for label, lacks in lacking.items() if lacks]
    return Table(
        f"Table {printed.number} of the paper",
        ("model", *(column.name for column in columns)),
        tuple(rows),
        "l" + "r" * len(columns),
        frozenset(ours),
        tuple(notes),
    )


def _by_model(number: str) -> dict[str, list[tuple[tuple[str, str], paper.Value]]]:
    """Model -> ((row, column) as printed, value); Table 4 has its models as columns."""
    printed = paper.table(number)
    if number == "4":
        return {
            model: [((row, model), cells[model]) for row, cells in printed.rows.items()]
            for model in printed.columns
        }
    return {row: [((row, c), v) for c, v in cells.items()] for row, cells in printed.rows.items()}


def _heading(number: str) -> str:
    printed = paper.table(number)
    (unit,) = set(printed.units.values())
    return (
        f"{printed.caption} All in {unit}. Rows above ours: "
        f"{printed.source}; ± is one standard error."
    )


def _decimals(number: str) -> int:
    """Decimals of the table's cells; those that most of its columns have."""
    usual = list(paper.decimals(number).values())
    return max(usual, key=usual.count)


def _printed(number: str, value: paper.Value) -> str:
    """A cell as the paper prints it, with the zeros at its end; its whole numbers have none."""
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    own = len(str(value).partition(".")[2])
    return f"{value:.{max(own, _decimals(number))}f}"


def _holds(run: RunFiles, number: str) -> bool:
    """Whether a run has every task of a table, and a number for at least one of its cells."""
    found = [_find(run, m) for column in paper.MEASURED[number] for m in column.measures]
    return all(one.task for one in found) and any(one.metric for one in found)


def _find(run: RunFiles, measure: paper.Measure) -> Found:
    tasks = [task for task in run.tasks.values() if _is(task, measure.task)]
    if not tasks:
        return Found(None, None, measure.task)
    if len(tasks) > 1:
        raise InputError(
            f"{run.label}: tasks {tasks[0].name} and {tasks[1].name} both are {measure.task}; "
            "report them as two runs"
        )
    (task,) = tasks
    metrics = task.subtasks.get(measure.subtask, {}) if measure.subtask else task.metrics
    # A result without the paper's metric (a judge or tests are still to come) fills no cell.
    name = measure.metric or (task.compared.name if task.compared else "")
    if name not in metrics:
        return Found(task, None, f"{measure.subtask or name or 'a metric'} of {task.name}")
    return Found(task, metrics[name], "")


def _is(task: TaskResult, spec: str) -> bool:
    benchmark, _, shots = spec.partition("@")
    if not shots:
        return task.name == benchmark
    return task.benchmark == benchmark and task.shots == int(shots)


def _cell(found: Sequence[Found], places: int) -> str:
    used = [(one.task, one.metric) for one in found if one.metric is not None]
    if len(used) < len(found):
        return f"{len(used)} of {len(found)}" if used else "-"
    mean = paper.mean([metric.value * metric.scale for _, metric in used])
    text = f"{mean:.{places}f}"
    errors = [m.stderr * m.scale for _, m in used if m.stderr is not None]
    if len(errors) == len(used):
        # The parts share no questions, so their errors are independent.
        text += f" ± {math.sqrt(sum(e * e for e in errors)) / len(errors):.{places}f}"
    return text + marks([task for task, _ in used])
