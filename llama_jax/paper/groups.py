"""How Table 3 of the paper follows from its detail tables.

Commonsense Reasoning, World Knowledge, Reading Comprehension, Math and Code are plain means of
benchmark scores; MMLU and AGI Eval weight every question equally; BBH has no detail table. Source:
the paper's section 2.3 and appendix A.2.2; for MMLU and AGI Eval, which it does not explain, the
weights that reproduce the printed cells. Scores may be in percent or fractions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_jax.errors import InputError

Cell = tuple[str, str]
"""(table number, column)."""


@dataclass(frozen=True)
class Part:
    """One benchmark of a group, and every column of the paper that prints that same score."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """A column of Table 3: the plain mean of its parts."""

    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class GroupMean:
    """A group's score; value is None unless every part was measured."""

    value: float | None
    measured: int
    of: int


def _group(name: str, number: str, *columns: str) -> Group:
    return Group(name, tuple(Part(c, ((number, c),)) for c in columns))


GROUPS: tuple[Group, ...] = (
    _group("Code", "21", "HumanEval pass@1", "MBPP pass@1"),
    # BoolQ stands in Table 20 beside these eight, but counts as reading comprehension.
    _group(
        "Commonsense Reasoning",
        "20",
        *("PIQA", "SIQA", "HellaSwag", "WinoGrande", "ARC-e", "ARC-c", "OBQA", "CSQA"),
    ),
    _group("World Knowledge", "22", "NQ 5-shot", "TriviaQA 5-shot"),
    Group(
        "Reading Comprehension",
        (
            Part("SQuAD 0-shot", (("23", "SQuAD 0-shot"),)),
            Part("QuAC 0-shot", (("23", "QuAC 0-shot"),)),
            Part("BoolQ", (("20", "BoolQ"),)),
        ),
    ),
    _group("Math", "25", "GSM8K", "MATH"),
    Group("MMLU", (Part("MMLU", (("20", "MMLU"), ("19", "Average"), ("3", "MMLU"))),)),
    Group("BBH", (Part("BBH", (("3", "BBH"),)),)),
    Group("AGI Eval", (Part("AGIEval", (("24", "Avg"), ("3", "AGI Eval"))),)),
)
"""The columns of Table 3, in its order."""

MMLU_ITEMS: Mapping[str, int] = {
    "Humanities": 4705,
    "STEM": 3153,
    "Social Sciences": 3077,
    "Other": 3107,
}
"""Questions of each MMLU category, with anatomy (135) in STEM: the Llama 2, MPT and Falcon rows."""

MMLU_ITEMS_LLAMA1: Mapping[str, int] = {**MMLU_ITEMS, "STEM": 3018, "Other": 3242}
"""The same with anatomy in Other, as its authors group it: the Llama 1 rows."""

AGIEVAL_ITEMS: Mapping[str, int] = {
    "AQuA-RAT": 254,
    "LogiQA": 651,
    "LSAT-AR": 230,
    "LSAT-LR": 510,
    "LSAT-RC": 269,
    "SAT-en": 206,
    "SAT-en (w/o Psg.)": 206,
    "SAT-math": 220,
}
"""Questions of each English multiple-choice task of AGIEval."""


def mean(values: Sequence[float]) -> float:
    """The plain mean of at least one score."""
    if not values:
        raise InputError("mean of no scores: pass at least one")
    return sum(values) / len(values)


def item_weighted_mean(scores: Mapping[str, float], items: Mapping[str, int]) -> float:
    """The mean score of all questions, given each part's score and number of questions.

    Raises:
        InputError: a part of `items` has no score, or a score belongs to no part.
    """
    if set(scores) != set(items):
        missing = sorted(set(items) - set(scores))
        unknown = sorted(set(scores) - set(items))
        raise InputError(f"item-weighted mean: scores missing {missing}, unknown {unknown}")
    return sum(scores[part] * n for part, n in items.items()) / sum(items.values())


def group_mean(group: Group, scores: Mapping[Cell, float]) -> GroupMean:
    """A group's mean over scores given by the paper's cell; a part without a score leaves it empty.

    Raises:
        InputError: two of `scores` are the same part of the group.
    """
    found = []
    for part in group.parts:
        cells = [cell for cell in part.cells if cell in scores]
        if len(cells) > 1:
            raise InputError(f"{group.name}: {part.name} is given twice, as {cells}; give one")
        found += [scores[cell] for cell in cells]
    complete = len(found) == len(group.parts)
    return GroupMean(mean(found) if complete else None, len(found), len(group.parts))
