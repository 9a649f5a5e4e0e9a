r"""AGIEval, English: questions of admission tests (LSAT, SAT, civil service) with lettered answers.

Paper     Zhong et al. 2023, "AGIEval: A Human-Centric Benchmark for Evaluating Foundation Models"
Raw files v1/TASK.jsonl of the eight English multiple-choice tasks, 2546 rows (not gaokao-english,
          not math, which has no letters). The shots are the columns of few_shot_prompts.csv: five
          for aqua-rat and sat-math, three for the others; sat-en-without-passage has sat-en's.
Fills     Llama 2, Table 24, column Avg, 3- to 5-shot.

`paper` generates after the authors' prompt without explanations and reads the answer as their
parser does; `lm-eval` compares the likelihoods of the answers' texts, 0-shot. Every question weighs
the same: so the paper's average follows from its columns.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_jax.data.rows import Row, csv_records, jsonl_rows
from llama_jax.data.schema import ListOf, OneOf, Record, Text
from llama_jax.errors import InputError
from llama_jax.evals.choices import ACC, ACC_NORM, choice_score
from llama_jax.evals.generated import EXTRACTED
from llama_jax.evals.letter_formats import ACCURACY, letter_formats, letter_score
from llama_jax.evals.protocol import (
    AnswerFormat,
    Benchmark,
    PaperColumn,
    Protocol,
    Rule,
    Source,
)
from llama_jax.evals.types import (
    Choices,
    ChosenFrom,
    Example,
    Generate,
    Generated,
    Score,
    shared_context,
)

LETTERS = ("A", "B", "C", "D", "E")
TASKS = (
    *("aqua-rat", "logiqa-en", "lsat-ar", "lsat-lr", "lsat-rc"),
    *("sat-en", "sat-en-without-passage", "sat-math"),
)
QUESTION = {
    "passage": Text(blank=True),
    "question": Text(),
    "options": ListOf(Text(), 4, 5),  # "(A)no", in some rows of logiqa-en "A no" or "no"
    "label": OneOf(LETTERS),
}
SCHEMA = Record(QUESTION)
SHOT_SCHEMA = Record(
    {**QUESTION, "task": OneOf(TASKS)},
    optional={"explanation": Text()},
)


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row); no passage is an empty one."""
    for line, row in jsonl_rows(path):
        yield line, {**row, "passage": row.get("passage") or ""}


def parse_shots(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row) of the English columns: a sample, written in Python, and its reasons."""
    records = list(csv_records(path))
    if not records or not set(TASKS) & set(records[0][1]):
        raise InputError(f"{path}:1: the header names none of {', '.join(TASKS)}")
    header = records[0][1]
    pairs = list(zip(records[1::2], records[2::2], strict=False))
    for task in (name for name in TASKS if name in header):
        column = header.index(task)
        for (line, samples), (_, reasons) in pairs:
            if len(samples) != len(header) or len(reasons) != len(header):
                raise InputError(f"{path}:{line}: the record has not {len(header)} fields")
            if samples[column]:
                yield line, _shot(f"{path}:{line}", task, samples[column], reasons[column])


def _shot(where: str, task: str, sample: str, reasons: str) -> dict[str, Any]:
    try:
        row = dict(ast.literal_eval(sample))
    except (ValueError, SyntaxError, TypeError):
        raise InputError(f"{where}: the sample of {task} is not a Python dict") from None
    return {**row, "passage": row.get("passage") or "", "task": task, "explanation": reasons}


def read(row: Row) -> Example:
    """Names the example agieval/TASK:ROW; a sample's file has a task's name and "_sample"."""
    task = Path(row.file).stem.removesuffix("_sample")
    return Example(f"agieval/{task}:{row.index}", row.fields, task)


def read_shot(row: Row) -> Example:
    """Takes the shot as it is; its column is its subtask."""
    return Example(str(row.index), row.fields, row.fields["task"])


def pick_shots(example: Example, pool: Sequence[Example], count: int) -> tuple[Example, ...]:
    """The first shots of the example's task, of which there are three or five."""
    task = example.subtask.removesuffix("-without-passage")
    return tuple(shot for shot in pool if shot.subtask == task)[:count]


def letters(example: Example) -> tuple[str, ...]:
    """The letters of an example's answers."""
    return LETTERS[: len(example.row["options"])]


def gold(example: Example) -> str:
    """The letter of the right answer."""
    return example.row["label"]


def problem(example: Example, number: int, passage: bool = True) -> str:
    """The authors' few-shot problem."""
    row = example.row
    text = f"{row['passage'] if passage else ''} {row['question']}"
    options = " ".join(row["options"])
    return f"Problem {number}.   {text}\nChoose from the following options:    {options}\n"


def prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """AGIEval's few-shot prompt without explanations; the answer's line may have 10 tokens."""
    passage = not example.subtask.endswith("-without-passage")
    parts = ["Here are the answers for the problems in the exam.\n"]
    for number, shot in enumerate(shots, start=1):
        answer = f"The answer is therefore {gold(shot)}\n\n"
        parts.append(problem(shot, number, passage) + answer)
    return Generate("".join(parts) + problem(example, len(shots) + 1), 10, stop=("\n",))


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """lm-evaluation-harness, tasks/agieval: the authors' 0-shot prompt and the answers' texts."""
    row = example.row
    context = (
        f"{row['passage']}Q: {row['question']} Answer Choices: {' '.join(row['options'])}\n"
        f"A: Among A through {letters(example)[-1]}, the answer is"
    )
    return shared_context(context, row["options"])


def answer_letter(text: str, known: Sequence[str] = ()) -> str | None:
    """AGIEval's few-shot parser: the first A to G behind "answer is ", else the first A to F."""
    del known  # the parser knows nothing of the question
    found = re.search("answer is .*?([A-G])", text) or re.search("([A-F])", text)
    return None if found is None else found[1]


def score(example: Example, response: Generated) -> Score:
    """Scores the letter that the authors' parser finds."""
    return letter_score(example, response, answer_letter, letters, gold)


def harness_score(example: Example, response: ChosenFrom) -> Score:
    """Scores the most likely answer."""
    return choice_score(LETTERS.index(gold(example)), response, (ACC, ACC_NORM))


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(ACCURACY, EXTRACTED),
    primary="accuracy",
    shots=(5, 3, 1),
    pick_shots=pick_shots,
    fewer_shots=True,
    gold_texts=lambda example: [f"The answer is therefore {gold(example)}", f" {gold(example)}"],
    rules=(
        Rule("3- to 5-shot, English tasks", "Llama 2, section 2.3"),
        Rule("the eight tasks, every question weighs the same", "reproduces Llama 2, Table 24"),
        Rule("prompt, shots and parser", "ruixiangcui/AGIEval, src"),
        Rule("10 new tokens", "Llama 3.1, eval_details.md"),
        Rule("all shots of the file, without explanations", "not stated", guess=True),
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    prompt=harness_prompt,
    score=harness_score,
    metrics=(ACC, ACC_NORM),
    primary="acc",
    shots=(0,),
    fewer_shots=False,
    gold_texts=None,
    rules=(
        Rule("acc and acc_norm of the answers, 0-shot", "lm-evaluation-harness, tasks/agieval"),
        Rule("prompt as the authors' zero-shot setting", "the harness reads it from a data set"),
        Rule("agieval_en without gaokao-english and math", "Llama 2, Table 24", guess=True),
    ),
)

BENCHMARK = Benchmark(
    name="agieval",
    title="AGIEval (English)",
    citation='Zhong et al. 2023, "AGIEval: A Human-Centric Benchmark for Evaluating Foundation '
    'Models"',
    examples=Source(SCHEMA, read, parse),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("24", "Avg", "accuracy"),
    chance=(1263 * 0.2 + 1283 * 0.25) / 2546,  # five answers, or four
    shots=Source(SHOT_SCHEMA, read_shot, parse_shots),
    answer_formats=(
        AnswerFormat(
            "answer-is",
            'The first letter A to G behind "answer is ", else the first A to F (AGIEval, src).',
            score,
            (ACCURACY, EXTRACTED),
        ),
        *letter_formats(gold),
    ),
)
