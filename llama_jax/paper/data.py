"""Read `tables.json`: the paper's tables, cell by cell, as printed."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from llama_jax.errors import InputError

Value = float | str | None


@dataclass(frozen=True)
class Contested:
    """A cell that disagrees with another printed value, or that copies of the paper print apart."""

    row: str
    column: str
    why: str


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper.

    Attributes:
        number: the paper's number, such as "3" or "9a".
        page: page of the paper.
        caption: what the table holds, in our words.
        units: column -> unit ("percent", "tokens", ...).
        rows: row -> column -> value as printed; None where the paper prints none.
        notes: what one must know to use the table.
        contested: cells to be careful with.
        single_reading: (row, column) of cells that were read in one copy of the paper only.
    """

    number: str
    page: int
    caption: str
    units: Mapping[str, str]
    rows: Mapping[str, Mapping[str, Value]]
    notes: tuple[str, ...]
    contested: tuple[Contested, ...]
    single_reading: frozenset[tuple[str, str]]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, in the paper's order."""
        return tuple(self.units)

    @property
    def source(self) -> str:
        """Where the table stands."""
        return f"Llama 2 paper, Table {self.number}, page {self.page}"


def numbers() -> tuple[str, ...]:
    """The numbers of the tables held here, in the paper's order."""
    return tuple(_tables())


def table(number: str) -> PaperTable:
    """One table of the paper, by its number.

    Raises:
        InputError: no such table here.
    """
    tables = _tables()
    if number not in tables:
        raise InputError(
            f"table {number!r} of the paper: not held here; there are {', '.join(tables)}"
        )
    return tables[number]


def published(number: str, column: str) -> dict[str, float | None]:
    """One column of a table: row -> value as printed (so 77.2 for 77.2 percent), None if not given.

    Raises:
        InputError: no such table or column, or the column holds text.
    """
    found = table(number)
    if column not in found.units:
        raise InputError(
            f"table {number} of the paper: no column {column!r}; "
            f"it has {', '.join(map(repr, found.columns))}"
        )
    values: dict[str, float | None] = {}
    for row, cells in found.rows.items():
        value = cells[column]
        if isinstance(value, str):
            raise InputError(
                f"table {number} of the paper: column {column!r} holds text ({row}: {value!r}); "
                "read it with paper.table"
            )
        values[row] = value
    return values


@functools.cache
def _tables() -> Mapping[str, PaperTable]:
    raw = json.loads((Path(__file__).parent / "tables.json").read_text(encoding="utf-8"))
    return MappingProxyType({n: _parse(n, entry) for n, entry in raw["tables"].items()})


def _parse(number: str, entry: dict) -> PaperTable:
    columns = entry["columns"]
    unit = entry["unit"]
    units = {c: unit if isinstance(unit, str) else unit[c] for c in columns}
    rows = {
        row: MappingProxyType(dict(zip(columns, values, strict=True)))
        for row, values in entry["rows"].items()
    }
    single = entry.get("single_reading", [])
    pairs = [(r, c) for r in rows for c in columns] if single is True else map(tuple, single)
    return PaperTable(
        number=number,
        page=entry["page"],
        caption=entry["caption"],
        units=MappingProxyType(units),
        rows=MappingProxyType(rows),
        notes=tuple(entry.get("notes", ())),
        contested=tuple(Contested(*cell) for cell in entry.get("contested", ())),
        single_reading=frozenset(pairs),
    )
