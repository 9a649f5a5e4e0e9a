"""What a parsed query is: values that are equal where the queries say the same.

    SELECT max(T1.age) FROM singer AS T1 WHERE T1.name LIKE "A%"
    select  (("max", Unit(None, Column(None, 4, False))),)
    tables  (1,)
    where   Conditions((Condition(False, "like", Unit(...), '"A%"'),), ())

Tables and columns are positions in the schema; column 0 is "*".
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column, its aggregate ("max" or None), and whether DISTINCT precedes it."""

    aggregate: str | None
    column: int
    distinct: bool | None = False


@dataclass(frozen=True)
class Unit:
    """A column, or two with an operator between them."""

    operator: str | None
    left: Column
    right: Column | None = None


@dataclass(frozen=True)
class Condition:
    """One test: a unit, an operator and a value; BETWEEN has a second one."""

    negated: bool
    operator: str
    unit: Unit
    value: "Query | Column | float | str | None" = None
    upper: "Query | Column | float | str | None" = None

    def queries(self) -> Iterator["Query"]:
        """The subqueries among its values."""
        return (value for value in (self.value, self.upper) if isinstance(value, Query))


@dataclass(frozen=True)
class Conditions:
    """Tests with "and" or "or" between them."""

    tests: tuple[Condition, ...] = ()
    connectors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """A query; `combined` is what follows INTERSECT, UNION or EXCEPT, with that word.

    `direction` is None where there is no ORDER BY.
    """

    distinct: bool | None = False
    select: tuple[tuple[str | None, Unit], ...] = ()
    tables: tuple["int | Query", ...] = ()
    joins: Conditions = Conditions()
    where: Conditions = Conditions()
    group: tuple[Column, ...] = ()
    having: Conditions = Conditions()
    order: tuple[Unit, ...] = ()
    direction: str | None = None
    limit: int | None = None
    combined: "tuple[str, Query] | None" = None

    def tests(self) -> tuple[Condition, ...]:
        """The conditions of joins, WHERE and HAVING."""
        return self.joins.tests + self.where.tests + self.having.tests

    def connectors(self) -> tuple[str, ...]:
        """What stands between them."""
        return self.joins.connectors + self.where.connectors + self.having.connectors


@dataclass(frozen=True)
class Schema:
    """A database's tables and columns, in the order of Spider's tables.json.

    Attributes:
        tables: their names, as they are in the database.
        columns: table and name of each; the first is (-1, "*").
        foreign_keys: pairs of columns that hold the same values.
    """

    tables: tuple[str, ...]
    columns: tuple[tuple[int, str], ...]
    foreign_keys: tuple[tuple[int, int], ...] = ()

    def table(self, name: str) -> int | None:
        """The table of that name, case ignored."""
        names = [table.lower() for table in self.tables]
        return names.index(name) if name in names else None

    def column(self, table: int, name: str) -> int | None:
        """The table's column of that name, case ignored."""
        for place, (owner, known) in enumerate(self.columns):
            if owner == table and known.lower() == name:
                return place
        return None

    def representatives(self) -> dict[int, int]:
        """The column that stands for all those that foreign keys tie together: the first of them.

        As in the official script a pair joins the first set that holds either of its columns; two
        sets that a later pair would tie together stay two, and a column of both goes with the later
        one.
        """
        sets: list[set[int]] = []
        for pair in self.foreign_keys:
            chosen = next((known for known in sets if not known.isdisjoint(pair)), None)
            if chosen is None:
                sets.append(chosen := set())
            chosen.update(pair)
        return {column: min(known) for known in sets for column in known}
