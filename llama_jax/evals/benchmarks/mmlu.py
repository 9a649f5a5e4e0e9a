r"""MMLU: four-answer questions of 57 subjects.

Paper     Hendrycks et al. 2021, "Measuring Massive Multitask Language Understanding"
Raw files test/SUBJECT_test.csv, 14042 rows of question, A, B, C, D, answer; no header. The shots of
          a subject are the 5 rows of dev/SUBJECT_dev.csv, in order. A few questions print the same
          answer twice; the letters differ.
Fills     Llama 2, Table 19, column Average, 5-shot.

Both protocols ask for the likelihood of " A" to " D" after the lettered answers and "Answer:".
`paper` has Hendrycks's header, in which `format_subject` leaves two spaces after "about"; `lm-eval`
has one. `acc` weights every question equally; the categories put anatomy in STEM, which is the
grouping that reproduces the paper's Llama 2 rows (its Llama 1 rows put it in Other).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_jax.data.parquet import Hub
from llama_jax.data.rows import Row, csv_records
from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.errors import InputError
from llama_jax.evals.choices import ACC, choice_score
from llama_jax.evals.metrics import mean, standard_error
from llama_jax.evals.mmlu_subjects import CATEGORIES
from llama_jax.evals.protocol import Benchmark, Metric, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, Value, shared_context

LETTERS = ("A", "B", "C", "D")
COLUMNS = ("question", *LETTERS, "answer")
SCHEMA = Record({name: Text() for name in COLUMNS[:-1]} | {"answer": OneOf(LETTERS)})


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row) of one subject's file."""
    for line, fields in csv_records(path):
        if len(fields) != len(COLUMNS):
            raise InputError(
                f"{path}:{line}: {len(fields)} columns; expected {len(COLUMNS)}: "
                f"{', '.join(COLUMNS)}"
            )
        yield line, dict(zip(COLUMNS, fields, strict=True))


def from_hub(row: dict[str, Any]) -> dict[str, Any]:
    """The hub has one list of answers and the index of the right one."""
    answers = dict(zip(LETTERS, row["choices"], strict=True))
    answer = {"answer": dict(enumerate(LETTERS))[row["answer"]]}
    return {"question": row["question"], **answers, **answer, "subject": row["subject"]}


def _hub(split: str) -> Hub:
    columns = ("question", "subject", "choices", "answer")
    file = f"{split}/{{}}_{split}.csv"
    return Hub(
        f"all/{split}-*.parquet", split, columns, from_hub, lambda row: file.format(row["subject"])
    )


def read(row: Row) -> Example:
    """Names the example SUBJECT:ROW."""
    subject = Path(row.file).stem.removesuffix("_test").removesuffix("_dev")
    return Example(f"mmlu/{subject}:{row.index}", row.fields, subject)


def question(example: Example, strip: bool = False) -> str:
    """The question and its lettered answers, up to "Answer:"."""
    row = example.row
    lines = [row["question"].strip() if strip else row["question"]]
    return "\n".join([*lines, *(f"{letter}. {row[letter]}" for letter in LETTERS), "Answer:"])


def prompt(example: Example, shots: Sequence[Example], strip: bool = False) -> Choices:
    """Hendrycks's prompt: header, answered questions, the question."""
    subject = example.subtask.replace("_", " ")
    about = subject if strip else f" {subject}"
    context = f"The following are multiple choice questions (with answers) about {about}.\n\n"
    for shot in shots:
        context += f"{question(shot, strip)} {shot.row['answer']}\n\n"
    return shared_context(context + question(example, strip), LETTERS)


def harness_prompt(example: Example, shots: Sequence[Example]) -> Choices:
    """lm-evaluation-harness: one space in the header, questions stripped."""
    return prompt(example, shots, strip=True)


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the most likely letter."""
    return choice_score(LETTERS.index(example.row["answer"]), response, (ACC,))


def _over(category: str) -> Callable[[Sequence[Example], Sequence[Score]], Value | None]:
    """The accuracy over the questions of a category; None without any."""

    def aggregate(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
        pairs = zip(examples, scores, strict=True)
        values = [s.values["acc"] for e, s in pairs if CATEGORIES.get(e.subtask) == category]
        return Value(mean(values), standard_error(values)) if values else None

    return aggregate


def _by_subject(examples: Sequence[Example], scores: Sequence[Score]) -> Value:
    """The plain mean of the subjects' accuracies; its error from those of the subjects."""
    subjects: dict[str, list[float]] = {}
    for example, one in zip(examples, scores, strict=True):
        subjects.setdefault(example.subtask, []).append(one.values["acc"])
    errors = [standard_error(values) for values in subjects.values()]
    value = mean([mean(values) for values in subjects.values()])
    if None in errors:
        return Value(value, None)
    return Value(value, sum(error**2 for error in errors) ** 0.5 / len(errors))


METRICS = (
    ACC,
    *(
        Metric(f"acc_{name}", f"acc over the questions of {title}.", aggregate=_over(name))
        for name, title in (
            ("humanities", "Humanities"),
            ("stem", "STEM (anatomy among them)"),
            ("social_sciences", "Social Sciences"),
            ("other", "Other"),
        )
    ),
    Metric("acc_by_subject", "The plain mean of the subjects' acc.", aggregate=_by_subject),
)

PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="acc",
    shots=(5, 0, 1, 2, 3, 4),
    rules=(
        Rule("5-shot", "Llama 2, section 2.3"),
        Rule("header, letters and shots", "hendrycks/test, evaluate.py"),
        Rule("the likelihoods of the letters are compared", "Llama 3.1, eval_details.md"),
        Rule("every question weighs the same", "reproduces Llama 1, Table 16, and Llama 2's rows"),
        Rule("anatomy belongs to STEM", "reproduces Llama 2, Table 19", guess=True),
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    prompt=harness_prompt,
    rules=(Rule("prompt, shots and metric", "lm-evaluation-harness, tasks/mmlu, 5-shot"),),
)

BENCHMARK = Benchmark(
    name="mmlu",
    title="MMLU",
    citation='Hendrycks et al. 2021, "Measuring Massive Multitask Language Understanding"',
    examples=Source(SCHEMA, read, parse, _hub("test")),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("19", "Average", "acc"),
    chance=0.25,
    shots=Source(SCHEMA, read, parse, _hub("dev")),
)
