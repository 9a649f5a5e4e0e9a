"""Every printed cell of the paper's benchmark tables against the cells that it follows from.

A printed value with d decimals stands for every number that rounds to it: from half a unit of its
last decimal below to half a unit above, both ends included. A rule says that a cell is a weighted
sum of other printed cells; since each of those is rounded too, the rule gives an interval. "Equal
at the printed precision" means that the two intervals meet:

    |printed - sum(w * cell)|  <=  unit / 2 + sum(|w| * unit of the cell / 2)

All of it in exact fractions. JSON drops trailing zeros (23.00 of Table 11 is stored as 23.0), so a
cell has the decimals that most cells of its column have, or its own where those are more; columns
without decimals are counts, and exact. `rounds` says whether the rule holds even without the second
term, with the printed cells taken as they are.

Cells that the paper leaves empty are no cells; every other one is reported, none is left out.
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from llama_jax.errors import InputError
from llama_jax.paper.contradictions import CONTRADICTIONS
from llama_jax.paper.data import table
from llama_jax.paper.rules import Rule, rules, why_none

Status = Literal["equal", "contradiction", "not recomputable"]

TABLES = (
    *("2", "3", "4", "6", "11", "14", "19", "20", "21", "22", "23", "24", "25", "26"),
    *("44", "45", "46", "47", "48", "49", "50"),
)
"""The tables that are checked cell by cell."""


@dataclass(frozen=True)
class Check:
    """One printed cell.

    Attributes:
        table: the paper's number of the table.
        row: of the cell.
        column: of the cell.
        printed: the value as printed.
        recomputed: what its rule gives from the printed cells; None without a rule.
        slack: how far the two may be apart by rounding; None without a rule.
        rounds: whether the recomputed value itself rounds to the printed one; None without a rule.
        status: "equal", "contradiction" or "not recomputable".
        reason: what the cell follows from, why it contradicts that, or why it cannot be recomputed.
    """

    table: str
    row: str
    column: str
    printed: float
    recomputed: float | None
    slack: float | None
    rounds: bool | None
    status: Status
    reason: str


def recompute(numbers: Sequence[str] = TABLES) -> list[Check]:
    """Checks every printed cell of these tables, in the paper's order.

    Raises:
        InputError: a table that is not checked.
    """
    unknown = [number for number in numbers if number not in TABLES]
    if unknown:
        raise InputError(
            f"table {unknown[0]!r} of the paper: not checked; there are {', '.join(TABLES)}"
        )
    return [check for number in numbers for check in _table(number)]


@functools.cache
def decimals(number: str) -> Mapping[str, int]:
    """Column -> decimals that most of its cells are printed with."""
    found = table(number)
    usual = {}
    for column in found.columns:
        counts = Counter(
            _own_decimals(cells[column])
            for cells in found.rows.values()
            if isinstance(cells[column], int | float)
        )
        # Of equally frequent numbers the larger: zeros are dropped, digits are not invented.
        usual[column] = max(counts, key=lambda d: (counts[d], d), default=0)
    return MappingProxyType(usual)


def _table(number: str) -> list[Check]:
    known = rules(number)
    checks = []
    for row, cells in table(number).rows.items():
        for column, printed in cells.items():
            if isinstance(printed, int | float):
                checks.append(_check(number, row, column, printed, known.get((row, column))))
    return checks


def _check(number: str, row: str, column: str, printed: float, rule: Rule | None) -> Check:
    if rule is None:
        reason = why_none(number, column)
        return Check(number, row, column, printed, None, None, None, "not recomputable", reason)
    value = sum(weight * _exact(*cell) for weight, cell in rule.terms)
    own = _half_unit(number, row, column)
    slack = own + sum(abs(weight) * _half_unit(*cell) for weight, cell in rule.terms)
    apart = abs(value - _exact(number, row, column))
    equal = apart <= slack
    return Check(
        *(number, row, column, printed, float(value), float(slack), apart <= own),
        status="equal" if equal else "contradiction",
        reason=rule.why if equal else _contradiction(number, row, column, rule),
    )


def _contradiction(number: str, row: str, column: str, rule: Rule) -> str:
    for known in CONTRADICTIONS:
        if (known.table, known.row, known.column) == (number, row, column):
            return known.why
    return f"no reason is known; {rule.why}"


def _exact(number: str, row: str, column: str) -> Fraction:
    return Fraction(repr(table(number).rows[row][column]))


def _half_unit(number: str, row: str, column: str) -> Fraction:
    own = _own_decimals(table(number).rows[row][column])
    places = max(own, decimals(number)[column])
    return Fraction(1, 2 * 10**places) if places else Fraction(0)


def _own_decimals(value: float) -> int:
    text = repr(value)
    return len(text.partition(".")[2].rstrip("0")) if "." in text else 0
