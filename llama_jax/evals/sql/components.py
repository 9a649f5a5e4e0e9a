"""Two queries compared component by component, by the rules of Spider's official evaluation.py.

Followed, as of taoyds/spider b7b5b8c:
- values do not count, nor DISTINCT, nor the number behind LIMIT (only that there is one);
- columns that foreign keys tie together are one, where their table stands in the query's FROM;
- the order of selected columns, of conditions and of tables does not count; that of ORDER BY does,
  and that of GROUP BY does once HAVING is looked at;
- the conditions of joins do not count, but for the words OR, NOT, IN and LIKE in them;
- a subquery among the values of a condition must be the same letter for letter, order and DISTINCT
  included, though without values; one in FROM must be the same with its values;
- a query after INTERSECT, UNION or EXCEPT is compared as the whole is, with the tables of the outer
  query for its foreign keys;
- a query that cannot be read counts as an empty one;
- where AND and OR differ, the official totals of "and_or" are exchanged.

Not followed: tables are compared as they are named in tables.json, not in an SQLite file. Execution
accuracy is another metric, for which the databases are needed.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from llama_jax.evals.sql.query import Column, Condition, Conditions, Query, Schema, Unit

COMPONENTS = {
    "select": "selected columns with aggregates",
    "select_no_agg": "selected columns without aggregates",
    "where": "conditions of WHERE",
    "where_no_op": "columns of WHERE without operators",
    "group_no_having": "columns of GROUP BY by name",
    "group": "GROUP BY with HAVING",
    "order": "ORDER BY with direction, and whether LIMIT follows",
    "and_or": "which of AND and OR stand in WHERE",
    "iuen": "query after INTERSECT, UNION or EXCEPT",
    "keywords": "keywords",
}


@dataclass(frozen=True)
class Part:
    """How many elements of a component gold and prediction have, and whether they are the same."""

    gold: int
    predicted: int
    right: bool


# ---- what counts of a query ----


def comparable(query: Query, schema: Schema) -> Query:
    """Returns a query without what does not count, foreign keys replaced by one column."""
    outer = {table for table in query.tables if isinstance(table, int)}
    same = {
        column: first
        for column, first in schema.representatives().items()
        if schema.columns[column][0] in outer
    }
    return _with_one_key(_without_values(query), same)


def _without_values(query: Query) -> Query:
    combined = query.combined
    return replace(
        query,
        joins=_valueless(query.joins),
        where=_valueless(query.where),
        having=_valueless(query.having),
        combined=None if combined is None else (combined[0], _without_values(combined[1])),
    )


def _valueless(conditions: Conditions) -> Conditions:
    tests = [
        replace(test, value=_only_query(test.value), upper=_only_query(test.upper))
        for test in conditions.tests
    ]
    return replace(conditions, tests=tuple(tests))


def _only_query(value: object) -> Query | None:
    return _without_values(value) if isinstance(value, Query) else None


def _with_one_key(query: Query, same: Mapping[int, int]) -> Query:
    def column(one: Column) -> Column:
        return Column(one.aggregate, same.get(one.column, one.column), None)

    def unit(one: Unit) -> Unit:
        return Unit(
            one.operator, column(one.left), None if one.right is None else column(one.right)
        )

    def conditions(these: Conditions) -> Conditions:
        return replace(these, tests=tuple(replace(t, unit=unit(t.unit)) for t in these.tests))

    combined = query.combined
    return replace(
        query,
        distinct=None,
        select=tuple((aggregate, unit(one)) for aggregate, one in query.select),
        joins=conditions(query.joins),
        where=conditions(query.where),
        group=tuple(map(column, query.group)),
        having=conditions(query.having),
        order=tuple(map(unit, query.order)),
        combined=None if combined is None else (combined[0], _with_one_key(combined[1], same)),
    )


# ---- the comparison ----


def compare(predicted: Query, gold: Query, schema: Schema) -> dict[str, Part]:
    """Returns the components of two `comparable` queries, by the names of COMPONENTS."""
    return {
        "select": _same(predicted.select, gold.select),
        "select_no_agg": _same([u for _, u in predicted.select], [u for _, u in gold.select]),
        "where": _same(predicted.where.tests, gold.where.tests),
        "where_no_op": _same(
            [test.unit for test in predicted.where.tests], [test.unit for test in gold.where.tests]
        ),
        "group_no_having": _same(_group_names(predicted, schema), _group_names(gold, schema)),
        "group": _whole(_group(predicted), _group(gold)),
        "order": _whole(_order(predicted), _order(gold)),
        "and_or": _and_or(set(predicted.where.connectors), set(gold.where.connectors)),
        "iuen": _combined(predicted, gold, schema),
        "keywords": _same(keywords(predicted), keywords(gold)),
    }


def exact_set_match(predicted: Query, gold: Query, parts: Mapping[str, Part]) -> bool:
    """Whether every component is the same and the tables are."""
    same_tables = Counter(predicted.tables) == Counter(gold.tables)
    return same_tables and all(part.right for part in parts.values())


def keywords(query: Query) -> set[str]:
    """Returns the keywords that the official script compares."""
    tests = query.tests()
    found = {
        "where": query.where.tests,
        "group": query.group,
        "having": query.having.tests,
        "order": query.direction,
        "limit": query.limit is not None,
        "or": "or" in query.connectors(),
        "not": any(test.negated for test in tests),
        "in": _uses(tests, "in"),
        "like": _uses(tests, "like"),
    }
    names = {name for name, there in found.items() if there}
    names |= {query.direction} if query.direction else set()
    return names | ({query.combined[0]} if query.combined else set())


def _uses(tests: Iterable[Condition], operator: str) -> bool:
    return any(test.operator == operator for test in tests)


def _same(predicted: Iterable[Hashable], gold: Iterable[Hashable]) -> Part:
    """Compares two collections whose order does not count."""
    ours, theirs = Counter(predicted), Counter(gold)
    return Part(theirs.total(), ours.total(), ours == theirs)


def _whole(predicted: object, gold: object) -> Part:
    """Compares two things that are there or, None, are not."""
    return Part(int(gold is not None), int(predicted is not None), predicted == gold)


def _group_names(query: Query, schema: Schema) -> list[str]:
    return [schema.columns[one.column][1].lower() for one in query.group]


def _group(query: Query) -> tuple | None:
    return ([one.column for one in query.group], query.having) if query.group else None


def _order(query: Query) -> tuple | None:
    return (query.direction, query.order, query.limit is None) if query.direction else None


def _and_or(predicted: set[str], gold: set[str]) -> Part:
    if predicted == gold:
        return Part(1, 1, True)
    return Part(len(predicted), len(gold), False)  # exchanged, as officially


def _combined(predicted: Query, gold: Query, schema: Schema) -> Part:
    ours, theirs = predicted.combined, gold.combined
    right = ours is None and theirs is None
    if ours is not None and theirs is not None and ours[0] == theirs[0]:
        parts = compare(ours[1], theirs[1], schema)
        right = exact_set_match(ours[1], theirs[1], parts)
    return Part(int(theirs is not None), int(ours is not None), right)
