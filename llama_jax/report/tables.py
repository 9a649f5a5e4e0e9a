"""Tables of text, and the one of every benchmark beside the paper."""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llama_jax import paper
from llama_jax.errors import InputError
from llama_jax.report.results import Metric, TaskResult
from llama_jax.report.runs import RunFiles

REFERENCE = "Llama 2 7B"
NOTES = {
    "†": "measured on the package's few samples, not on the benchmark: "
    "comparing it with the paper says nothing about the model",
    "‡": "measured on a part of the benchmark",
    "¶": "read from the Hugging Face hub's files: rows and their number are checked, bytes are not",
    "§": "another protocol, metric, judge or number of shots than the paper's",
}


@dataclass(frozen=True)
class Table:
    """Cells of text; `align` has "l" or "r" for each column, `ours` the rows that we measured."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str
    ours: frozenset[int]
    notes: tuple[str, ...]


def benchmark_table(runs: Sequence[RunFiles], reference: str = REFERENCE) -> Table:
    """One line per benchmark and run: score, error, chance, the paper's value, the difference.

    `reference` is the row of the paper to compare with.

    Raises:
        InputError: the paper has no such row, or two runs have the same label.
    """
    check_labels(runs)
    rows_of_paper = {row for n in paper.numbers() for row in paper.table(n).rows}
    if reference not in rows_of_paper:
        models = ", ".join(paper.table("3").rows)
        raise InputError(f"reference row {reference!r}: not in the paper; for example {models}")
    lines = []
    for name in dict.fromkeys(task for run in runs for task in run.tasks):
        for run in runs:
            task = run.tasks.get(name)
            if task is not None:
                lines += [_line(run.label, task, metric, reference) for metric in task.shown]
    header = ("benchmark", "run", "ours ± SE", "chance", reference, "ours - paper", "status")
    header += ("n of N", "metric", "protocol")
    return Table(
        f"Benchmarks beside {reference}",
        header,
        tuple(lines),
        "llrrrrlrll",
        frozenset(range(len(lines))),
        _benchmark_notes(runs, lines),
    )


def to_markdown(table: Table) -> str:
    """A Markdown table whose source is aligned too, with its title and notes."""
    cells = [[_markdown(c) for c in row] for row in (table.header, *table.rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(table.header))]
    columns = list(zip(widths, table.align, strict=True))
    rule = ["-" * w if align == "l" else "-" * (w - 1) + ":" for w, align in columns]
    lines = [
        [
            c.ljust(w) if align == "l" else c.rjust(w)
            for c, (w, align) in zip(row, columns, strict=True)
        ]
        for row in (cells[0], rule, *cells[1:])
    ]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "".join(f"\n- {_markdown(note)}" for note in table.notes)
    return f"## {_markdown(table.title)}\n\n{body}\n" + (f"{notes}\n" if notes else "")


def to_html(table: Table) -> str:
    """The table as an HTML section; all text is escaped."""

    def cells(row: Iterable[str], tag: str) -> str:
        out = []
        for i, text in enumerate(row):
            kind = "th" if i == 0 else tag
            scope = ' scope="row"' if i == 0 and tag == "td" else ""
            side = "" if table.align[i] == "l" else ' class="number"'
            out.append(f"<{kind}{scope}{side}>{html.escape(text)}</{kind}>")
        return "".join(out)

    some = 0 < len(table.ours) < len(table.rows)
    mark = ' class="ours"'
    rows = "\n".join(
        f"<tr{mark if some and i in table.ours else ''}>{cells(row, 'td')}</tr>"
        for i, row in enumerate(table.rows)
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    return (
        f"<section><h2>{html.escape(table.title)}</h2>\n"
        f'<div class="scroll"><table><thead><tr>{cells(table.header, "th")}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
        f'<ul class="notes">{notes}</ul></section>'
    )


def _line(label: str, task: TaskResult, metric: Metric, reference: str) -> tuple[str, ...]:
    unit = "" if metric.unit == "fraction" else f" {metric.unit}"
    ours = metric.value * metric.scale
    error = None if metric.stderr is None else metric.stderr * metric.scale
    chance = None if metric.name != task.primary else task.chance
    printed = task.printed(metric, reference)
    difference = None if printed is None else ours - printed
    return (
        task.name,
        label,
        f"{ours:.2f}{unit}" + ("" if error is None else f" ± {error:.2f}"),
        "-" if chance is None else f"{chance * metric.scale:.1f}",
        "-" if printed is None else str(printed),
        "-" if difference is None else f"{difference:+.2f}{task.marks}",
        _status(task, difference, error),
        f"{task.n} of {task.of}",
        metric.name,
        f"{task.protocol} v{task.protocol_version.removeprefix('v')}, {task.shots}-shot",
    )


def marks(tasks: Sequence[TaskResult]) -> str:
    """The marks of several tasks, each once."""
    text = "".join(task.marks for task in tasks)
    return "".join(mark for mark in NOTES if mark in text)


def mark_notes(cells: Iterable[str]) -> list[str]:
    """A note for every mark in these cells."""
    text = "".join(cells)
    return [f"{mark} {note}." for mark, note in NOTES.items() if mark in text]


def _status(task: TaskResult, difference: float | None, error: float | None) -> str:
    if task.data not in ("official", "hub"):
        return task.data
    if difference is None:
        return "no paper value"
    if error is None:
        return "no error known"
    return "within 2 SE" if abs(difference) <= 2 * error else "differs"


def _benchmark_notes(runs: Sequence[RunFiles], lines: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    notes = [
        "Scores, errors and differences in percent unless a unit is named; SE is the standard "
        "error. Within 2 SE: the paper's value lies within two of our standard errors."
    ]
    notes += mark_notes(line[5] for line in lines)
    for run in runs:
        for task in run.tasks.values():
            counts = {k: v for k, v in task.overflow.items() if isinstance(v, int) and v}
            if counts:
                counted = ", ".join(f"{k} {v}" for k, v in task.overflow.items())
                notes.append(f"{run.label}, {task.name}: too long for the context: {counted}.")
    return tuple(notes)


def check_labels(runs: Sequence[RunFiles]) -> None:
    """Refuses no runs, and two of one label."""
    if not runs:
        raise InputError("report: no runs; give at least one folder that llama-jax eval wrote")
    labels = [run.label for run in runs]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise InputError(f"report: label {twice[0]!r} names two runs; give each its own label")


def _markdown(text: str) -> str:
    # Task names keep their underscores: inside a word they mean nothing to Markdown.
    return " ".join(re.sub(r"([\\|<*`\[\]])", r"\\\1", text).split())
