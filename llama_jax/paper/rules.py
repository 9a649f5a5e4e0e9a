"""From which printed cells a printed cell follows: weighted sums, and the reasons where none does.

Means have weights 1 / n, means over questions the shares of the questions, totals and repeated
cells weights of 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from llama_jax.paper.data import table
from llama_jax.paper.groups import AGIEVAL_ITEMS, GROUPS, MMLU_ITEMS, MMLU_ITEMS_LLAMA1

Place = tuple[str, str, str]
"""(table number, row, column)."""


@dataclass(frozen=True)
class Rule:
    """A cell as a weighted sum of other cells, and how one would say it."""

    terms: tuple[tuple[Fraction, Place], ...]
    why: str


TABLE4: Mapping[str, tuple[str, str]] = {
    "MMLU (5-shot)": ("3", "MMLU"),
    "TriviaQA (1-shot)": ("22", "TriviaQA 1-shot"),
    "Natural Questions (1-shot)": ("22", "NQ 1-shot"),
    "GSM8K (8-shot)": ("25", "GSM8K"),
    "HumanEval (0-shot)": ("21", "HumanEval pass@1"),
    "BIG-Bench Hard (3-shot)": ("3", "BBH"),
}
"""Rows of Table 4 and the columns that print the same score of Llama 2."""

_TABLE51 = {
    ("19", "Llama 2 7B", "Humanities"): "MMLU-Humanities L=50 7B",
    ("19", "Llama 2 70B", "Humanities"): "MMLU-Humanities L=50 70B",
    ("20", "Llama 2 7B", "HellaSwag"): "HellaSwag L=40 7B",
    ("20", "Llama 2 70B", "HellaSwag"): "HellaSwag L=40 70B",
}
# Tables whose total sums a column of counts or of emissions; their other totals are averages.
_TOTALS = {"2": ("gpu_hours", "tCO2eq"), "6": ("comparisons",), "26": ("comparisons",)}


def rules(number: str) -> Mapping[tuple[str, str], Rule]:
    """(row, column) -> rule, for the cells of a table that follow from other printed cells."""
    found: dict[tuple[str, str], Rule] = {}
    for row in table(number).rows:
        found |= {(row, column): rule for column, rule in _row(number, row).items()}
    found |= _totals(number)
    for (of, row, column), name in _TABLE51.items():
        if of == number:
            found[row, column] = _halves(name)
    return found


def why_none(number: str, column: str) -> str:
    """Why a cell without a rule cannot be recomputed."""
    if number == "2" and column == "tCO2eq":
        return "the product of its row with constants of the Llama 1 paper, cut to two decimals"
    if number in ("2", "6", "26"):
        return "a count or an average that is printed here only"
    if number == "3":
        return "printed here and in Table 4 only; its tasks have no table"
    if number == "4":
        return "another model's own report"
    return "a measurement; the paper prints nothing finer"


def _row(number: str, row: str) -> dict[str, Rule]:
    match number:
        case "3":
            return _table3(row)
        case "4":
            place = TABLE4[row]
            return {"Llama 2 70B": _same(place[0], "Llama 2 70B", place[1])}
        case "6" if row.startswith("Meta"):
            return {column: _same("26", "Total", column) for column in table("26").columns}
        case "11" | "14":
            groups = table("45").columns
            return {
                "TruthfulQA": _same("44", row, "true+info"),
                "ToxiGen": _mean([("45", row, group) for group in groups], "Table 45's 13 groups"),
            }
        case "19":
            return {"Average": _mmlu(row)}
        case "20":
            return {"MMLU": _same("19", row, "Average")}
        case "24":
            return {"Avg": _agieval(row)}
    return {}


def _table3(row: str) -> dict[str, Rule]:
    found = {"MMLU": _mmlu(row), "AGI Eval": _agieval(row)}
    for group in GROUPS:
        places = [(part.cells[0][0], row, part.cells[0][1]) for part in group.parts]
        if len(places) > 1:
            tables = " and ".join(dict.fromkeys(f"Table {place[0]}" for place in places))
            names = ", ".join(part.name for part in group.parts)
            found[group.name] = _mean(places, f"{names} of {tables}")
    return found


def _mean(places: list[Place], what: str) -> Rule:
    weight = Fraction(1, len(places))
    return Rule(tuple((weight, place) for place in places), f"the plain mean of {what}")


def _weighted(parts: Mapping[Place, int], what: str) -> Rule:
    total = sum(parts.values())
    terms = tuple((Fraction(items, total), place) for place, items in parts.items())
    return Rule(terms, f"the mean over the {total:,} questions of {what}")


def _mmlu(row: str) -> Rule:
    items = MMLU_ITEMS_LLAMA1 if row.startswith("Llama 1") else MMLU_ITEMS
    anatomy = "Other" if items is MMLU_ITEMS_LLAMA1 else "STEM"
    places = {("19", row, category): n for category, n in items.items()}
    return _weighted(places, f"Table 19's categories, anatomy in {anatomy}")


def _agieval(row: str) -> Rule:
    return _weighted(
        {("24", row, task): n for task, n in AGIEVAL_ITEMS.items()}, "Table 24's tasks"
    )


def _halves(name: str) -> Rule:
    rows = [f"{name} {half}" for half in ("Clean", "Not Clean")]
    items = {("51", row, "X_mean"): int(table("51").rows[row]["n"]) for row in rows}
    return _weighted(items, f"Table 51's clean and other part, {name}")


def _same(number: str, row: str, column: str) -> Rule:
    return Rule(((Fraction(1), (number, row, column)),), f"{column} of Table {number}")


def _totals(number: str) -> dict[tuple[str, str], Rule]:
    parts = [row for row in table(number).rows if row != "Total"]
    return {
        ("Total", column): Rule(
            tuple((Fraction(1), (number, row, column)) for row in parts), "the rows' sum"
        )
        for column in _TOTALS.get(number, ())
    }
