"""How one measures a table of the paper: for every column the tasks whose scores it shows.

A task is written "benchmark@shots" with the paper's number of shots, or "benchmark" where that is
part of the task. A column of several measures is their plain mean. Metrics are those of the
`paper` protocols; "" stands for the one that a benchmark sets beside the paper. A subtask is named
as in the results.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from llama_jax.errors import InputError
from llama_jax.paper.groups import GROUPS
from llama_jax.paper.subtasks import AGIEVAL, BOLD, TOXIGEN

PREFIX = "table"


@dataclass(frozen=True)
class Measure:
    """One number of an evaluation: a metric of a task, or of one of its subtasks."""

    task: str
    metric: str = ""
    subtask: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table: the plain mean of its measures."""

    name: str
    measures: tuple[Measure, ...]


def _parts(task: str, metric: str, names: Mapping[str, str]) -> tuple[Column, ...]:
    """One column for each subtask."""
    return tuple(Column(c, (Measure(task, metric, part),)) for c, part in names.items())


def _tasks(names: Mapping[str, str | tuple[str, str]]) -> tuple[Column, ...]:
    """One column for each task, or for each (task, metric)."""
    pairs = {c: (n, "") if isinstance(n, str) else n for c, n in names.items()}
    return tuple(Column(c, (Measure(task, metric),)) for c, (task, metric) in pairs.items())


_DETAIL: dict[str, tuple[Column, ...]] = {
    "19": _tasks(
        {
            "Humanities": ("mmlu@5", "acc_humanities"),
            "STEM": ("mmlu@5", "acc_stem"),
            "Social Sciences": ("mmlu@5", "acc_social_sciences"),
            "Other": ("mmlu@5", "acc_other"),
            "Average": "mmlu@5",
        }
    ),
    "20": _tasks(
        {
            "BoolQ": "boolq@0",
            "PIQA": "piqa@0",
            "SIQA": "siqa@0",
            "HellaSwag": "hellaswag@0",
            "WinoGrande": "winogrande@0",
            "ARC-e": "arc_easy@0",
            "ARC-c": "arc_challenge@0",
            "OBQA": "openbookqa@0",
            "CSQA": "commonsense_qa@7",
            "MMLU": "mmlu@5",
        }
    ),
    "21": _tasks(
        {
            "HumanEval pass@1": ("humaneval@0", "pass@1"),
            "HumanEval pass@100": ("humaneval@0", "pass@100"),
            "MBPP pass@1": ("mbpp@3", "pass@1"),
            "MBPP pass@80": ("mbpp@3", "pass@80"),
        }
    ),
    "22": _tasks(
        {f"NQ {n}-shot": f"nq_open@{n}" for n in (0, 1, 5, 64)}
        | {f"TriviaQA {n}-shot": f"triviaqa@{n}" for n in (0, 1, 5, 64)}
    ),
    "23": _tasks(
        {f"SQuAD {n}-shot": f"squad_v2@{n}" for n in (0, 1, 4, 5)}
        | {f"QuAC {n}-shot": f"quac@{n}" for n in (0, 1)}
    ),
    # The shots differ from task to task: 3 or 5.
    "24": (
        *_tasks({"Avg": "agieval"}),
        *_parts("agieval", "", AGIEVAL),
    ),
    "25": _tasks({"GSM8K": "gsm8k@8", "MATH": "math@4"}),
    "44": _tasks(
        {
            "true+info": ("truthfulqa@6", "true_info"),
            "true": ("truthfulqa@6", "true"),
            "info": ("truthfulqa@6", "info"),
        }
    ),
    "45": _parts("toxigen", "toxicity", TOXIGEN),
    **{number: _parts("bold", "sentiment", groups) for number, groups in BOLD.items()},
}
# Printed in Table 3 only.
_BBH = Measure("bbh@3")


def _measures(number: str, column: str) -> tuple[Measure, ...]:
    if (number, column) == ("3", "BBH"):
        return (_BBH,)
    return next(c.measures for c in _DETAIL[number] if c.name == column)


def _table3() -> tuple[Column, ...]:
    found = []
    for group in GROUPS:
        measures = [m for part in group.parts for m in _measures(*part.cells[0])]
        found.append(Column(group.name, tuple(measures)))
    return tuple(found)


_TABLE4 = _tasks(
    {
        "MMLU (5-shot)": "mmlu@5",
        "TriviaQA (1-shot)": "triviaqa@1",
        "Natural Questions (1-shot)": "nq_open@1",
        "GSM8K (8-shot)": "gsm8k@8",
        "HumanEval (0-shot)": ("humaneval@0", "pass@1"),
        "BIG-Bench Hard (3-shot)": "bbh@3",
    }
)
_SAFETY = (
    Column("TruthfulQA", _measures("44", "true+info")),
    Column("ToxiGen", tuple(m for column in _DETAIL["45"] for m in column.measures)),
)

MEASURED: Mapping[str, tuple[Column, ...]] = {
    "3": _table3(),
    "4": _TABLE4,
    "11": _SAFETY,
    "14": _SAFETY,
    **_DETAIL,
}
"""Table number -> its columns, in the paper's order; of Table 4, which has models as columns, the
rows."""


def tasks_of(name: str) -> tuple[str, ...]:
    """The tasks that a table needs, by a name such as "table22", in the order of its columns.

    Raises:
        InputError: no such table of benchmarks.
    """
    number = name.removeprefix(PREFIX)
    if number not in MEASURED:
        names = ", ".join(PREFIX + known for known in MEASURED)
        raise InputError(f"no table {name!r}; there are: {names}")
    measures = (measure for column in MEASURED[number] for measure in column.measures)
    return tuple(dict.fromkeys(measure.task for measure in measures))


def column_of(number: str, task: str, metric: str) -> str | None:
    """The column of a table that shows a metric of this task alone, "benchmark@shots"."""
    for column in MEASURED.get(number, ()):
        (first, *more) = column.measures
        if not more and first in (Measure(task), Measure(task, metric)):
            return column.name
    return None
