r"""WinoGrande: which of two names fills the blank.

Paper     Sakaguchi et al. 2020, "WinoGrande: An Adversarial Winograd Schema Challenge at Scale"
Raw file  dev.jsonl, 1267 rows (validation; the test labels are not public), each with one "_".
Fills     Llama 2, Table 20, column WinoGrande, 0-shot.

Both protocols compare the likelihood of what follows the blank, given the sentence up to it with
either name put in ("partial" scoring: one continuation, two contexts, nothing to normalise).
`paper` keeps the sentence as it is written; `lm-eval` strips the rest and puts one space before it.
"""

from collections.abc import Sequence
from dataclasses import replace

from llama_jax.data.parquet import Hub
from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.evals.choices import ACC, choice_score
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_continuation

SCHEMA = Record(
    {
        # one blank, and something behind it
        "sentence": Text(pattern=r"^[^_]*_[^_]*[^_\s][^_]*$"),
        "option1": Text(),
        "option2": Text(unlike=("option1",)),
        "answer": OneOf(("1", "2")),
    }
)


HUB = Hub(
    "winogrande_xl/validation-*.parquet",
    "validation",
    ("sentence", "option1", "option2", "answer"),
    dict,
)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for the text after the blank, with each option before it."""
    before, after = example.row["sentence"].split("_")
    return _fill(example, before, after)


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """lm-evaluation-harness, tasks/winogrande."""
    before, after = example.row["sentence"].split("_")
    return _fill(example, before, f" {after.strip()}")


def _fill(example: Example, before: str, after: str) -> Choices:
    options = [example.row["option1"], example.row["option2"]]
    return shared_continuation([before + option for option in options], after, options)


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the option that makes the rest more likely."""
    return choice_score(int(example.row["answer"]) - 1, response, (ACC,))


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(ACC,),
    primary="acc",
    rules=(
        Rule("0-shot", "Llama 1, section 3"),
        Rule(
            "the likelihood of the text after the blank decides",
            "GPT-3, appendix G, Figure G.14; Llama 3, eval_details.md",
        ),
        Rule("validation split, 1267 rows", "not stated", guess=True),
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    prompt=harness_prompt,
    rules=(Rule("prompt, split and metric", "lm-evaluation-harness, tasks/winogrande"),),
)

BENCHMARK = Benchmark(
    name="winogrande",
    title="WinoGrande",
    citation='Sakaguchi et al. 2020, "WinoGrande: An Adversarial Winograd Schema Challenge at '
    'Scale"',
    examples=Source(SCHEMA, read, hub=HUB),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("20", "WinoGrande", "acc"),
    chance=0.5,
)
