r"""PIQA: which of two ways reaches a goal.

Paper     Bisk et al. 2020, "PIQA: Reasoning about Physical Commonsense in Natural Language"
Raw files valid.jsonl, 1838 rows (validation; the test labels are not public), with the labels in
          valid-labels.lst, one a line.
Fills     Llama 2, Table 20, column PIQA, 0-shot.

`paper` asks for " " + solution after the goal alone (GPT-3, appendix G, Figure G.4) and decides by
likelihood per character (Llama 1, section 3). `lm-eval` writes "Question: {goal}\nAnswer:".
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llama_jax.data.parquet import Hub
from llama_jax.data.rows import labelled_rows
from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.evals.choices import ACC, ACC_NORM, choice_score
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

SCHEMA = Record(
    {
        "goal": Text(),
        "sol1": Text(),
        "sol2": Text(unlike=("sol1",)),
        "label": OneOf(("0", "1")),
    }
)
METRICS = (ACC, ACC_NORM)


def from_hub(row: dict[str, Any]) -> dict[str, Any]:
    """The hub has the labels 0 and 1."""
    return {**row, "label": str(row["label"])}


HUB = Hub("**/validation-*.parquet", "validation", ("goal", "sol1", "sol2", "label"), from_hub)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for each solution after the goal."""
    return shared_context(example.row["goal"], _solutions(example))


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """lm-evaluation-harness, tasks/piqa."""
    return shared_context(f"Question: {example.row['goal']}\nAnswer:", _solutions(example))


def _solutions(example: Example) -> tuple[str, str]:
    return example.row["sol1"], example.row["sol2"]


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the pick of each metric against the label."""
    return choice_score(int(example.row["label"]), response, METRICS)


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="acc_norm",
    rules=(
        Rule("0-shot", "Llama 1, section 3"),
        Rule("likelihood per character decides", "Llama 1, section 3"),
        Rule(
            "the context is the goal alone",
            "GPT-3, appendix G, Figure G.4; its use: a Meta author in meta-llama/llama#591",
        ),
        Rule("validation split, 1838 rows", "the test labels are not public"),
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    prompt=harness_prompt,
    rules=(Rule("prompt, split and metrics", "lm-evaluation-harness, tasks/piqa"),),
)

BENCHMARK = Benchmark(
    name="piqa",
    title="PIQA",
    citation='Bisk et al. 2020, "PIQA: Reasoning about Physical Commonsense in Natural Language"',
    examples=Source(SCHEMA, read, labelled_rows, HUB),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("20", "PIQA", "acc_norm"),
    chance=0.5,
)
