r"""OpenBookQA: elementary science that needs a known fact and one step more.

Paper     Mihaylov et al. 2018, "Can a Suit of Armor Conduct Electricity? A New Dataset for Open
          Book Question Answering"
Raw file  test.tsv of OpenBookQA-V1-Sep2018, Data/Main: a header, then 500 rows of id, stem, the
          four answers as "(A) .. (B) .. (C) .. (D) ..", both together, and the key.
Fills     Llama 2, Table 20, column OBQA, 0-shot.

Both protocols ask for " " + answer after the bare stem (GPT-3, appendix G, Figure G.8). `paper`
takes the answer that gains most over its probability after "Answer:" (Llama 1, section 3), which is
worth more than ten points: Llama 2 7B printed 58.6, lm-evaluation-harness acc_norm 44.2, acc 31.4.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from llama_jax.data.rows import Row, tsv_records
from llama_jax.data.schema import ListOf, OneOf, Record, Text
from llama_jax.errors import InputError
from llama_jax.evals.choices import ACC, ACC_NORM, ACC_UNCONDITIONAL, choice_score
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

HEADER = ["ID", "Question Stem", "Choices", "Complete Question", "Answer Key"]
LETTERS = ("A", "B", "C", "D")
SCHEMA = Record(
    {
        "id": Text(),
        "stem": Text(),
        "choices": ListOf(Text(), minimum=4, maximum=4),
        "answer": OneOf(LETTERS),
    }
)
METRICS = (ACC_UNCONDITIONAL, ACC, ACC_NORM)
HARNESS_METRICS = (ACC, ACC_NORM)
_CHOICES = re.compile(r"\(A\) (.+) \(B\) (.+) \(C\) (.+) \(D\) (.+)")


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row) with the answers apart."""
    for line, fields in tsv_records(path, HEADER):
        found = _CHOICES.fullmatch(fields["Choices"])
        if found is None:
            raise InputError(
                f"{path}:{line}: Choices: {fields['Choices']!r} is not of the form "
                "(A) .. (B) .. (C) .. (D) .."
            )
        yield (
            line,
            {
                "id": fields["ID"],
                "stem": fields["Question Stem"],
                "choices": list(found.groups()),
                "answer": fields["Answer Key"],
            },
        )


def read(row: Row) -> Example:
    """Takes the row as it is, under its own id."""
    return Example(row.fields["id"], row.fields)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for each answer after the stem, and after "Answer:" as the normaliser."""
    row = example.row
    return shared_context(row["stem"], row["choices"], unconditional="Answer:")


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """lm-evaluation-harness, tasks/openbookqa: no normaliser."""
    return shared_context(example.row["stem"], example.row["choices"])


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the pick of each metric against the key."""
    return choice_score(LETTERS.index(example.row["answer"]), response, METRICS)


def harness_score(example: Example, response: ChosenFrom) -> Score:
    """Scores without the normaliser."""
    return choice_score(LETTERS.index(example.row["answer"]), response, HARNESS_METRICS)


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="acc_unconditional",
    rules=(
        Rule("0-shot", "Llama 1, section 3"),
        Rule('p(answer | context) / p(answer | "Answer:") decides', "Llama 1, section 3"),
        Rule(
            "the context is the stem alone",
            "GPT-3, appendix G, Figure G.8; its use: a Meta author in meta-llama/llama#591",
        ),
        Rule("test split, 500 rows", "not stated", guess=True),
    ),
)

LM_EVAL = Protocol(
    name="lm-eval",
    version=1,
    prompt=harness_prompt,
    score=harness_score,
    metrics=HARNESS_METRICS,
    primary="acc_norm",
    rules=(Rule("prompt, split and metrics", "lm-evaluation-harness, tasks/openbookqa"),),
)

BENCHMARK = Benchmark(
    name="openbookqa",
    title="OpenBookQA",
    citation='Mihaylov et al. 2018, "Can a Suit of Armor Conduct Electricity? A New Dataset for '
    'Open Book Question Answering"',
    examples=Source(SCHEMA, read, parse),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("20", "OBQA", "acc_unconditional"),
    chance=0.25,
)
