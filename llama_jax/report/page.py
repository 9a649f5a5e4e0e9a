"""One self-contained HTML page: plots, tables, a few samples, and what the numbers came from."""

import html
import math
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llama_jax.report import plots
from llama_jax.report.paper_tables import paper_tables
from llama_jax.report.runs import RunFiles
from llama_jax.report.samples import samples_section
from llama_jax.report.tables import REFERENCE, benchmark_table, to_html

TITLE = "Measured beside the Llama 2 paper"


def page(
    runs: Sequence[RunFiles],
    training_log: Sequence[Mapping[str, Any]] | None = None,
    reference: str = REFERENCE,
) -> str:
    """The whole page; it loads nothing and is the same text for the same inputs.

    Raises:
        InputError: see `benchmark_table` and `plots.loss_svg`.
    """
    sections = [
        f"<h1>{TITLE}</h1>\n{_models(runs)}",
        _scores(runs, reference),
        to_html(benchmark_table(runs, reference)),
        *map(to_html, paper_tables(runs)),
        _loss(training_log) if training_log else "",
        samples_section(runs),
        _provenance(runs),
    ]
    template = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    body = "\n".join(section for section in sections if section)
    return string.Template(template).substitute(title=TITLE, body=body)


def _models(runs: Sequence[RunFiles]) -> str:
    rows = []
    for run in runs:
        count = run.model.get("parameters")
        cells = [run.label, "-" if count is None else f"{count:,}"]
        cells += [str(run.model.get(key, "-")) for key in ("dtype", "path")]
        rows.append(_row(cells))
    head = "".join(f"<th>{h}</th>" for h in ("run", "parameters", "dtype", "model file"))
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _scores(runs: Sequence[RunFiles], reference: str) -> str:
    svg = plots.scores_svg(runs, reference)
    if not svg:
        return ""
    caption = (
        f"Bars: our scores, with one standard error. Dashed: chance. "
        f"Diamond: {_text(reference)} in the paper, where it prints the benchmark. † and ‡: not "
        "the whole benchmark, as the table below says."
    )
    return (
        f"<section><h2>Scores</h2>\n<figure>{_legend([run.label for run in runs])}\n{svg}\n"
        f"<figcaption>{caption}</figcaption></figure></section>"
    )


def _loss(log: Sequence[Mapping[str, Any]]) -> str:
    curves = plots.loss_curves(log)
    gaps = sum(not math.isfinite(v) for points in curves.values() for _, v in points)
    caption = f"{len(log)} lines of the training log, to step {log[-1]['step']}."
    names = [name.replace("_", " ") for name in curves]
    if gaps:
        caption += f" {gaps} losses are not finite and not drawn."
    return (
        f"<section><h2>Training loss</h2>\n<figure>{_legend(names)}\n{plots.loss_svg(log)}\n"
        f"<figcaption>{caption}</figcaption></figure></section>"
    )


def _provenance(runs: Sequence[RunFiles]) -> str:
    """Hashes and versions of each run; nothing that would change with the time of day."""
    blocks = []
    for run in runs:
        rows = [("weights", run.model.get("params_sha256", "-"))]
        hashes = {name: task.hashes for name, task in run.tasks.items()}
        tokenizers = dict.fromkeys(h["tokenizer"] for h in hashes.values() if "tokenizer" in h)
        rows += [("tokenizer", value) for value in tokenizers]
        for kind in ("data", "prompts"):
            rows += [(f"{kind} of {t}", h[kind]) for t, h in hashes.items() if kind in h]
        for key in ("versions", "device"):
            if key in run.run:
                rows.append((key, _plain(run.run[key])))
        cells = "\n".join(
            f'<tr><th scope="row">{_text(name)}</th><td class="hash">{_text(value)}</td></tr>'
            for name, value in rows
        )
        blocks.append(
            f"<details><summary>{_text(run.label)}: hashes (SHA-256) and versions</summary>"
            f'<div class="scroll"><table><tbody>\n{cells}\n</tbody></table></div></details>'
        )
    return "<section><h2>Provenance</h2>\n" + "\n".join(blocks) + "</section>"


def _legend(labels: Sequence[str]) -> str:
    # In HTML, since an SVG legend does not wrap on a narrow page.
    entries = "".join(
        f'<span class="swatch" style="background:{plots.colour(i)}"></span>{_text(label)}'
        for i, label in enumerate(labels)
    )
    return f"<div>{entries}</div>"


def _plain(value: Any) -> str:
    """A JSON value in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(found)}" for key, found in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return str(value)


def _row(cells: Sequence[str]) -> str:
    first, *rest = (_text(cell) for cell in cells)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{c}</td>" for c in rest)}</tr>'


def _text(value: Any) -> str:
    return html.escape(str(value))
