"""Every query of Spider's development set is read as the authors' own parse, beside it, has it."""

import json

import pytest

from llama_jax.evals.benchmarks import spider
from llama_jax.evals.sql.parse import parse
from llama_jax.evals.sql.query import Column, Condition, Conditions, Query, Unit

AGGREGATES = (None, "max", "min", "count", "sum", "avg")
OPERATORS = (None, "-", "+", "*", "/")
TESTS = ("not", "between", "=", ">", "<", ">=", "<=", "!=", "in", "like", "is", "exists")


def official(sql):
    """A Query of the authors' own parse, the field `sql` of a row."""
    after = [(word, official(sql[word])) for word in ("intersect", "union", "except") if sql[word]]
    order = sql["orderBy"] or [None, []]
    kinds = {"sql": official, "table_unit": int}
    return Query(
        distinct=sql["select"][0],
        select=tuple((AGGREGATES[number], unit(one)) for number, one in sql["select"][1]),
        tables=tuple(kinds[kind](value) for kind, value in sql["from"]["table_units"]),
        joins=conditions(sql["from"]["conds"]),
        where=conditions(sql["where"]),
        group=tuple(map(column, sql["groupBy"])),
        having=conditions(sql["having"]),
        order=tuple(map(unit, order[1])),
        direction=order[0],
        limit=sql["limit"],
        combined=after[0] if after else None,
    )


def column(one):
    return None if one is None else Column(AGGREGATES[one[0]], one[1], one[2])


def unit(one):
    return Unit(OPERATORS[one[0]], column(one[1]), column(one[2]))


def value(one):
    if isinstance(one, dict):
        return official(one)
    return column(one) if isinstance(one, list) else one


def conditions(items):
    tests = [
        Condition(negated, TESTS[number], unit(left), value(first), value(second))
        for negated, number, left, first, second in items[::2]
    ]
    return Conditions(tuple(tests), tuple(items[1::2]))


@pytest.mark.shared
def test_every_row_is_read_as_the_authors_read_it(shared):
    path = shared / "benchmarks" / "spider" / "dev.json"
    entries = json.loads(path.read_text())
    agreeing = sum(
        parse(row["query"], spider.schema_of(row)) == official(entry["sql"])
        for entry, (_, row) in zip(entries, spider.parse(path), strict=True)
    )
    assert agreeing == len(entries) == 1034
