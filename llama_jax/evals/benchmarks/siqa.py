r"""SIQA (Social IQa): what people do, want and feel, with three answers.

Paper     Sap et al. 2019, "Social IQa: Commonsense Reasoning about Social Interactions"
Raw files dev.jsonl, 1954 rows (validation; the test labels are not public), with the labels 1 to 3
          in dev-labels.lst, one a line. A few rows print the same answer twice.
Fills     Llama 2, Table 20, column SIQA, 0-shot.

Both protocols ask for " " + answer after "Q: {context} {question}\nA:". No template of Meta's is
known, and GPT-3 has no SIQA, so the prompt of `paper` is a guess: lm-evaluation-harness's. It
decides by likelihood per character (Llama 1, section 3). Known gap: Llama 2 7B printed 48.3,
lm-evaluation-harness acc 41.4 and acc_norm 45.2.
"""

from collections.abc import Sequence
from dataclasses import replace

from llama_jax.data.rows import labelled_rows
from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.evals.choices import ACC, ACC_NORM, choice_score
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

ANSWERS = ("answerA", "answerB", "answerC")
LABELS = ("1", "2", "3")
SCHEMA = Record(
    {name: Text() for name in ("context", "question", *ANSWERS)} | {"label": OneOf(LABELS)}
)
METRICS = (ACC_NORM, ACC)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for each answer after the situation and the question."""
    row = example.row
    context = f"Q: {row['context']} {row['question']}\nA:"
    return shared_context(context, [row[name] for name in ANSWERS])


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the pick of each metric against the label."""
    return choice_score(LABELS.index(example.row["label"]), response, METRICS)


def harness_score(example: Example, response: ChosenFrom) -> Score:
    """Scores the most likely answer."""
    return choice_score(LABELS.index(example.row["label"]), response, (ACC,))


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
        Rule("context `Q: {context} {question}\\nA:`", "not stated", guess=True),
        Rule("validation split, 1954 rows", "the test labels are not public"),
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    score=harness_score,
    metrics=(ACC,),
    primary="acc",
    rules=(Rule("prompt, split and metric", "lm-evaluation-harness, tasks/siqa (social_iqa)"),),
)

BENCHMARK = Benchmark(
    name="siqa",
    title="SIQA",
    citation='Sap et al. 2019, "Social IQa: Commonsense Reasoning about Social Interactions"',
    examples=Source(SCHEMA, read, labelled_rows),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("20", "SIQA", "acc_norm"),
    chance=1 / 3,
)
