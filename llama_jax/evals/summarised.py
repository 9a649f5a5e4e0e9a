"""Summaries: files of references, one a line, and the score of a text against its line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llama_jax.data.lines import text_lines
from llama_jax.data.schema import Record, Text
from llama_jax.evals.metrics import mean
from llama_jax.evals.protocol import AnswerFormat, Metric
from llama_jax.evals.rouge import rouge
from llama_jax.evals.types import Example, Generated, Score

SCHEMA = Record({"reference": Text()})
METRICS = (
    Metric("rouge1", "F-measure of words, stemmed (rouge_score)."),
    Metric("rouge2", "F-measure of pairs of words, stemmed (rouge_score)."),
    Metric("rougeL", "F-measure of the longest common subsequence of stemmed words."),
    Metric("rougeLsum", 'The same sentence by sentence; sentences end with " . ".'),
)


def reference_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row)."""
    for number, line in enumerate(text_lines(path), start=1):
        yield number, {"reference": line}


def score(example: Example, response: Generated) -> Score:
    """Returns the mean ROUGE over the outputs; texts are taken as they are."""
    gold = example.row["reference"]
    values = tuple(rouge(output.text, gold) for output in response.outputs)
    means = {name: mean([value[name] for value in values]) for name in values[0]}
    return Score(means, gold, tuple(output.text for output in response.outputs), values)


VERBATIM = AnswerFormat(
    "verbatim",
    "The whole output is the summary; F-measures of rouge_score with its stemmer.",
    score,
    METRICS,
)
