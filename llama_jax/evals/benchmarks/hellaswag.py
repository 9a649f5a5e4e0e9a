r"""HellaSwag: which of four endings continues the scene.

Paper     Zellers et al. 2019, "HellaSwag: Can a Machine Really Finish Your Sentence?"
Raw file  hellaswag_val.jsonl, 10042 rows (validation; the test labels are not public). `ind` is not
          unique (its two sources count separately), so an example's id is its row.
Fills     Llama 2, Table 20, column HellaSwag, 0-shot.

Both protocols ask for " " + ending after "{activity_label}: {ctx_a} {Ctx_b}", cleaned of WikiHow's
marks. `paper` follows Llama 1, section 3 (0-shot, likelihood per character); Llama 2 restates
nothing. That the marks are cleaned, and how, is a guess: Llama does not say.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llama_jax.data.parquet import Hub
from llama_jax.data.schema import Index, ListOf, Record, Text
from llama_jax.evals.choices import ACC, ACC_NORM, choice_score
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

SCHEMA = Record(
    {
        "activity_label": Text(),
        "ctx_a": Text(),
        "ctx_b": Text(blank=True),  # WikiHow rows have no begun sentence
        "endings": ListOf(Text(), minimum=4, maximum=4),  # two endings may read the same
        "label": Index(of="endings"),
    }
)
METRICS = (ACC, ACC_NORM)


def from_hub(row: dict[str, Any]) -> dict[str, Any]:
    """The hub has the labels "0" to "3"."""
    return {**row, "label": int(row["label"])}


HUB = Hub(
    "data/validation-*.parquet",
    "validation",
    ("ind", "activity_label", "ctx_a", "ctx_b", "endings", "label"),
    from_hub,
)


def clean(text: str) -> str:
    """Removes WikiHow's marks: " [title]" ends a sentence, other brackets vanish.

    lm-evaluation-harness, tasks/hellaswag/utils.py, `preprocess`, step by step: what it leaves (a
    trailing space where a mark ended the text) is left here too.
    """
    text = text.strip().replace(" [title]", ". ")
    text = re.sub(r"\[.*?\]", "", text)
    return text.replace("  ", " ")


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for each of the four endings after the scene."""
    row = example.row
    context = f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}"
    return shared_context(clean(context), [clean(ending) for ending in row["endings"]])


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the pick of each metric against the label."""
    return choice_score(example.row["label"], response, METRICS)


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
            "context `{activity_label}: {ctx}`, the begun sentence with a capital",
            "GPT-3, appendix G, Figure G.9; its use: a Meta author in meta-llama/llama#591",
        ),
        Rule("WikiHow's marks cleaned as in lm-evaluation-harness", "not stated", guess=True),
        Rule("validation split, 10042 rows", "Llama 2, Table 51 (7391 + 2651)"),
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    rules=(Rule("prompt, split and metrics", "lm-evaluation-harness, tasks/hellaswag"),),
)

BENCHMARK = Benchmark(
    name="hellaswag",
    title="HellaSwag",
    citation='Zellers et al. 2019, "HellaSwag: Can a Machine Really Finish Your Sentence?"',
    examples=Source(SCHEMA, read, hub=HUB),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("20", "HellaSwag", "acc_norm"),
    chance=0.25,
)
