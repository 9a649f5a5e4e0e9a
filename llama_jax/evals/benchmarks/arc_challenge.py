r"""ARC-Challenge: grade-school science questions that retrieval gets wrong.

Paper     Clark et al. 2018, "Think you have Solved Question Answering? Try ARC, the AI2 Reasoning
          Challenge"
Raw file  ARC-Challenge-Test.jsonl, 1172 rows (test). Some questions have 3 or 5 answers, some label
          them 1-4 instead of A-D.
Fills     Llama 2, Table 20, column ARC-c, 0-shot.

Both protocols ask for " " + answer after "Question: {stem}\nAnswer:"; the labels are not shown.
`paper` decides by likelihood per character (Llama 1, section 3). A guess: GPT-3, whose templates
Meta followed, divides by p(answer | "Answer:") on ARC instead, and Llama names that rule for BoolQ
and OpenBookQA only. Known gap: Llama 1 7B printed 47.6, lm-evaluation-harness acc_norm 44.7.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llama_jax.data.parquet import Hub
from llama_jax.data.rows import Row
from llama_jax.data.schema import ListOf, MemberOf, Record, Text
from llama_jax.evals.choices import ACC, ACC_NORM, choice_score
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

CHOICE = Record({"text": Text(), "label": Text()})
SCHEMA = Record(
    {
        "id": Text(),
        "question": Record(
            {
                "stem": Text(),
                "choices": ListOf(CHOICE, minimum=2, distinct="label"),
            }
        ),
        "answerKey": MemberOf("question.choices.label"),
    }
)
METRICS = (ACC, ACC_NORM)


def read(row: Row) -> Example:
    """Takes the row as it is, under its own id."""
    return Example(row.fields["id"], row.fields)


def from_hub(row: dict[str, Any]) -> dict[str, Any]:
    """The hub has one list of texts and one of labels."""
    pairs = zip(row["choices"]["text"], row["choices"]["label"], strict=True)
    choices = [{"text": text, "label": label} for text, label in pairs]
    question = {"stem": row["question"], "choices": choices}
    return {"id": row["id"], "question": question, "answerKey": row["answerKey"]}


HUB = Hub(
    "ARC-Challenge/test-*.parquet", "test", ("id", "question", "choices", "answerKey"), from_hub
)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for the text of every answer after the question."""
    question = example.row["question"]
    texts = [choice["text"] for choice in question["choices"]]
    return shared_context(f"Question: {question['stem']}\nAnswer:", texts)


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the pick of each metric against the answer key's place among the labels."""
    labels = [choice["label"] for choice in example.row["question"]["choices"]]
    return choice_score(labels.index(example.row["answerKey"]), response, METRICS)


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="acc_norm",
    rules=(
        Rule("0-shot", "Llama 1, section 3"),
        Rule(
            "likelihood per character decides",
            "Llama 1, section 3; GPT-3, section 2.4, has an unconditional normaliser on ARC",
            guess=True,
        ),
        Rule(
            "context `Question: {stem}\\nAnswer:`",
            "GPT-3, appendix G, Figure G.11; its use: a Meta author in meta-llama/llama#591",
        ),
        Rule("test split, 1172 rows", "not stated", guess=True),
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    rules=(Rule("prompt, split and metrics", "lm-evaluation-harness, tasks/arc"),),
)

BENCHMARK = Benchmark(
    name="arc_challenge",
    title="ARC-Challenge",
    citation='Clark et al. 2018, "Think you have Solved Question Answering? Try ARC"',
    examples=Source(SCHEMA, read, hub=HUB),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("20", "ARC-c", "acc_norm"),
    chance=0.2502,  # the mean of 1 / answers over the test split
)
