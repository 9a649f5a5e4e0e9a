"""Results beside the paper: Markdown for the terminal, one self-contained HTML page, and its plots.

    OUT/results.json, run.json, samples/ --RunFiles.read--> RunFiles --table3, benchmark_table-->
        Table --to_markdown, to_html--> text

Everything up to the file write is pure: the same inputs give the same bytes. Matplotlib is loaded
only when a page is drawn.
"""

from llama_jax.report.results import Metric, PaperEntry, TaskResult
from llama_jax.report.runs import RunFiles
from llama_jax.report.tables import Table, benchmark_table, table3, to_html, to_markdown
from llama_jax.report.write import markdown, write_report

__all__ = [
    "Metric",
    "PaperEntry",
    "RunFiles",
    "Table",
    "TaskResult",
    "benchmark_table",
    "markdown",
    "table3",
    "to_html",
    "to_markdown",
    "write_report",
]
