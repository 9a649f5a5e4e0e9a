r"""BoolQ: yes-or-no questions about a passage.

Paper     Clark et al. 2019, "BoolQ: Exploring the Surprising Difficulty of Natural Yes/No
          Questions"
Raw file  val.jsonl of SuperGLUE's packaging, 3270 rows (validation). Every passage begins with its
          title and " -- "; no question ends with a question mark; labels are true and false, in
          some copies as text.
Fills     Llama 2, Table 20, column BoolQ, 0-shot.

`paper`: GPT-3's prompt (appendix G, Figure G.29), and the answer that gains most over its
probability after "Answer:" (Llama 1, section 3). `lm-eval`: the more likely of " no" and " yes".
"""

from collections.abc import Sequence
from typing import Any

from llama_jax.data.parquet import Hub
from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.evals.choices import ACC, ACC_UNCONDITIONAL, choice_score
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

ANSWERS = ("no", "yes")
# The text "false" is a true value of Python: labels are looked up, never converted.
LABELS = {"false": 0, "true": 1, False: 0, True: 1}
SCHEMA = Record({"question": Text(), "passage": Text(), "label": OneOf(tuple(LABELS))})


def from_hub(row: dict[str, Any]) -> dict[str, Any]:
    """The hub has the labels 0 and 1 (aps/super_glue)."""
    return {**row, "label": {0: "false", 1: "true"}[row["label"]]}


HUB = Hub("boolq/validation-*.parquet", "validation", ("question", "passage", "label"), from_hub)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """GPT-3's prompt; the passage brings its title."""
    row = example.row
    context = f"{row['passage']}\nquestion: {row['question']}?\nanswer:"
    return shared_context(context, ANSWERS, unconditional="Answer:")


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """lm-evaluation-harness, tasks/super_glue/boolq."""
    row = example.row
    return shared_context(f"{row['passage']}\nQuestion: {row['question']}?\nAnswer:", ANSWERS)


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores both rules."""
    return choice_score(LABELS[example.row["label"]], response, (ACC_UNCONDITIONAL, ACC))


def harness_score(example: Example, response: ChosenFrom) -> Score:
    """Scores the more likely answer."""
    return choice_score(LABELS[example.row["label"]], response, (ACC,))


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(ACC_UNCONDITIONAL, ACC),
    primary="acc_unconditional",
    rules=(
        Rule("0-shot", "Llama 1, section 3"),
        Rule('p(answer | context) / p(answer | "Answer:") decides', "Llama 1, section 3"),
        Rule(
            "prompt `{title} -- {passage}`, `question: {question}?`, `answer:`",
            "GPT-3, appendix G, Figure G.29; its use: a Meta author in meta-llama/llama#591",
        ),
        Rule("validation split, 3270 rows", "the test labels are not public"),
    ),
)

LM_EVAL = Protocol(
    name="lm-eval",
    version=1,
    prompt=harness_prompt,
    score=harness_score,
    metrics=(ACC,),
    primary="acc",
    rules=(Rule("prompt, answers and metric", "lm-evaluation-harness, tasks/super_glue/boolq"),),
)

BENCHMARK = Benchmark(
    name="boolq",
    title="BoolQ",
    citation='Clark et al. 2019, "BoolQ: Exploring the Surprising Difficulty of Natural Yes/No '
    'Questions"',
    examples=Source(SCHEMA, read, hub=HUB),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("20", "BoolQ", "acc_unconditional"),
    chance=0.5,
)
