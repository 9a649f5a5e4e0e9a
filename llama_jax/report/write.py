"""Write a report: report.md and index.html, both whole or neither."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llama_jax.report.paper_tables import paper_tables
from llama_jax.report.runs import RunFiles
from llama_jax.report.tables import REFERENCE, benchmark_table, to_markdown


def markdown(runs: Sequence[RunFiles], reference: str = REFERENCE) -> str:
    """All tables as Markdown, which is also what a terminal shows."""
    return "\n".join(map(to_markdown, (*paper_tables(runs), benchmark_table(runs, reference))))


def write_report(
    runs: Sequence[RunFiles],
    out_dir: str | Path,
    training_log: Sequence[Mapping[str, Any]] | None = None,
    *,
    reference: str = REFERENCE,
) -> Path:
    """Write report.md and index.html into `out_dir`, and give the path of the page.

    Args:
        runs: evaluated models, each with its own label.
        out_dir: folder, made if absent.
        training_log: {"step", "loss", other "..._loss" in nats per token} per line, for the curve.
        reference: the paper's row to compare with.

    Raises:
        InputError: the runs, the log or the reference cannot be reported; nothing is written.
    """
    # Here, not above: Matplotlib takes half a second that a terminal table should not wait for.
    from llama_jax.report.page import page

    text = markdown(runs, reference)
    html = page(runs, training_log, reference)
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.md").write_text(text, encoding="utf-8")
    path = out / "index.html"
    path.write_text(html, encoding="utf-8")
    return path
