"""The report's two figures, drawn by Matplotlib as SVG text that can stand inside an HTML page.

Deterministic: Matplotlib's defaults whatever the user's settings, hashed ids from a fixed salt, no
date. Text and axes take the page's text colour, so that both light and dark pages work.
"""

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from llama_jax.errors import InputError
from llama_jax.report.results import Metric, TaskResult
from llama_jax.report.runs import RunFiles

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Okabe and Ito's colours, distinct to colour-blind readers; more runs repeat them in order."""

_INK = "#010203"  # stands for the page's text colour until `_svg` replaces it
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "llama_jax",
    "text.parse_math": False,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.unicode_minus": False,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}
_WIDTH = 5.0  # inches; narrow, so that its text stays readable when a phone shrinks it


def colour(index: int) -> str:
    """The colour of the run or curve with this index."""
    return COLOURS[index % len(COLOURS)]


def loss_curves(log: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """The (step, loss) points of "loss" and of every "..._loss" of a training log, in that order.

    Raises:
        InputError: a log line has no step, or none has a loss.
    """
    curves: dict[str, list[tuple[float, float]]] = {}
    for number, line in enumerate(log, start=1):
        if "step" not in line:
            raise InputError(f"training log, line {number}: no step")
        for name in line:
            if name == "loss" or name.endswith("_loss"):
                curves.setdefault(name, []).append((line["step"], float(line[name])))
    if not curves:
        raise InputError(f"training log: none of {len(log)} lines has a loss")
    return dict(sorted(curves.items(), key=lambda item: item[0] != "loss"))


def scores_svg(runs: Sequence[RunFiles], reference: str) -> str:
    """One bar per benchmark and run, in percent: score, standard error, chance, the paper's value.

    Metrics that are not fractions have no place on this axis and are left to the table; without
    any fraction the answer is "".
    """
    groups = _groups(runs)
    if not groups:
        return ""
    bars = sum(len(found) for found in groups.values())
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(_WIDTH, 0.8 + 0.24 * bars + 0.22 * len(groups)))
        axes = figure.subplots()
        ticks, y = {}, 0.0
        for name, found in groups.items():
            top = y
            for index, _, metric in found:
                error = None if metric.stderr is None else 100 * metric.stderr
                axes.barh(y, 100 * metric.value, 0.84, color=colour(index))
                if error is not None:
                    axes.errorbar(100 * metric.value, y, xerr=error, color=_INK, capsize=2, lw=1)
                y += 1
            marks = dict.fromkeys(task.data_mark for _, task, _ in found)
            ticks[(top + y - 1) / 2] = f"{name} {''.join(marks)}".strip()
            _references(axes, found, reference, top - 0.5, y - 0.5)
            y += 0.9
        axes.set(xlim=(0, 100), ylim=(y - 0.9, -0.9), xlabel="score (%)")
        axes.set_yticks(list(ticks), list(ticks.values()))
        axes.tick_params(axis="y", length=0)
        return _svg(figure, "scores", "Score of every benchmark, in percent")


def loss_svg(log: Sequence[Mapping[str, Any]]) -> str:
    """The curves of `loss_curves`, without their points that are not finite."""
    curves = loss_curves(log)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(_WIDTH, 3.0))
        axes = figure.subplots()
        for index, points in enumerate(curves.values()):
            finite = [(step, loss) for step, loss in points if math.isfinite(loss)]
            marker = "o" if len(finite) < 30 else ""
            xs, ys = [p[0] for p in finite], [p[1] for p in finite]
            axes.plot(xs, ys, color=colour(index), lw=1.5, marker=marker, ms=3)
        axes.set(xlabel="training step", ylabel="loss (nats per token)")
        axes.margins(x=0.02)
        return _svg(figure, "loss", "Training loss by step, in nats per token")


def _groups(runs: Sequence[RunFiles]) -> dict[str, list[tuple[int, TaskResult, Metric]]]:
    names = dict.fromkeys(name for run in runs for name in run.tasks)
    groups = {}
    for name in names:
        found = []
        for index, run in enumerate(runs):
            task = run.tasks.get(name)
            if task is not None and task.shown[0].unit == "fraction":
                found.append((index, task, task.shown[0]))
        if found:
            groups[name] = found
    return groups


def _references(axes: Any, found: list, reference: str, low: float, high: float) -> None:
    """Chance as a dashed line across a benchmark's bars, the paper's value as a diamond."""
    _, task, metric = found[0]
    if task.chance is not None and metric.name == task.primary:
        axes.plot([100 * task.chance] * 2, [low, high], color=_INK, ls=(0, (2, 1.5)), lw=1.2)
    value = task.printed(metric, reference)
    if value is not None:
        style = {"marker": "D", "ms": 6, "mfc": "white", "mec": "black", "mew": 1.2, "ls": "none"}
        axes.plot([value], [(low + high) / 2], zorder=5, clip_on=False, **style)


def _svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an <svg> element: no XML prolog, ids unique to the page, the page's ink."""
    file = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    FigureCanvasSVG(figure).print_figure(file, bbox_inches="tight", metadata=nothing)
    text = file.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r'xlink:href="#', f'href="#{name}-', text)
    text = text.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    text = text.replace(_INK, "currentColor")
    return text.replace("<svg ", f'<svg role="img" aria-label="{description}" ', 1)
