"""Results beside the paper: Markdown for the terminal, one self-contained HTML page, and its plots.

    OUT/results.json, run.json, samples/ --RunFiles.read--> RunFiles --paper_tables,
        benchmark_table--> Table --to_markdown, to_html--> text

Everything up to the file write is pure: the same inputs give the same bytes. Matplotlib is loaded
only when a page is drawn.
"""

from llama_jax.report.paper_tables import paper_table, paper_tables, table3
from llama_jax.report.results import Metric, PaperEntry, TaskResult
from llama_jax.report.runs import RunFiles
from llama_jax.report.tables import Table, benchmark_table, to_html, to_markdown
from llama_jax.report.write import markdown, write_report

__all__ = [
    "Metric",
    "PaperEntry",
    "RunFiles",
    "Table",
    "TaskResult",
    "benchmark_table",
    "markdown",
    "paper_table",
    "paper_tables",
    "table3",
    "to_html",
    "to_markdown",
    "write_report",
]
