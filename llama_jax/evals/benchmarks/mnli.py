r"""MNLI: does a hypothesis follow from a premise, contradict it, or neither.

Paper     Williams et al. 2018, "A Broad-Coverage Challenge Corpus for Sentence Understanding
          through Inference"
Raw files mnli_matched_1000.txt and mnli_mismatched_1000.txt, 1000 rows each of the development sets
          (9815 and 9832): label, premise and hypothesis between tabs, without header, tokenised by
          the authors of TextFooler (" ." and "ca n't"), so that prompts differ from GLUE's text.
Fills     no table of the Llama 2 paper.

The subtasks are `matched` and `mismatched`. `standard` is GPT-3's prompt for inference with three
answers (ANLI, appendix G), `lm-eval` the harness's: it sees to a full stop after the hypothesis.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_jax.data.rows import Row, tsv_records
from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.evals.choices import ACC
from llama_jax.evals.classified import ECE, F1_MACRO, MCC, classification_score
from llama_jax.evals.protocol import Benchmark, Protocol, Rule, Source
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

COLUMNS = ["label", "premise", "hypothesis"]
LABELS = ("entailment", "neutral", "contradiction")
ANSWERS = ("True", "Neither", "False")
SCHEMA = Record({"label": OneOf(LABELS), "premise": Text(), "hypothesis": Text()})


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row)."""
    yield from tsv_records(path, COLUMNS, headed=False)


def read(row: Row) -> Example:
    """Names the example SUBTASK:ROW; the file's name says which subtask."""
    subtask = "mismatched" if "mismatched" in row.file else "matched"
    return Example(f"{subtask}:{row.index}", row.fields, subtask)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """GPT-3's prompt for ANLI."""
    row = example.row
    context = f"{row['premise']}\nQuestion: {row['hypothesis']} True, False, or Neither?\nAnswer:"
    return shared_context(context, ANSWERS)


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """lm-evaluation-harness, tasks/glue/mnli: a full stop is added where there is none."""
    hypothesis = example.row["hypothesis"].strip()
    hypothesis += "" if hypothesis.endswith(".") else "."
    premise = example.row["premise"]
    context = f"{premise}\nQuestion: {hypothesis} True, False or Neither?\nAnswer:"
    return shared_context(context, ANSWERS)


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the most likely answer."""
    return classification_score(LABELS.index(example.row["label"]), response)


STANDARD = Protocol(
    name="standard",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(ACC, F1_MACRO, MCC, ECE),
    primary="acc",
    rules=(
        Rule("prompt of ANLI, the most likely of True, Neither, False", "GPT-3, appendix G"),
        Rule("0-shot", "the training split is not among the known files"),
        Rule("both development sets, each row weighs the same", "ours; the subtasks tell"),
    ),
)

LM_EVAL = replace(
    STANDARD,
    name="lm-eval",
    prompt=harness_prompt,
    metrics=(ACC,),
    rules=(Rule("prompt, answers and metric", "lm-evaluation-harness, tasks/glue/mnli"),),
)

BENCHMARK = Benchmark(
    name="mnli",
    title="MNLI",
    citation='Williams et al. 2018, "A Broad-Coverage Challenge Corpus for Sentence Understanding '
    'through Inference"',
    examples=Source(SCHEMA, read, parse),
    protocols=(STANDARD, LM_EVAL),
    chance=1 / 3,
)
