"""How hard a query is: easy, medium, hard or extra, as Spider's official eval_hardness counts.

It is counted on the gold query as it was read, before foreign keys are replaced. Two oddities of
the official count are kept: a NOT in WHERE or HAVING counts as an aggregate, and so does an AND or
OR in HAVING, while the aggregates in both do not.
"""

from llama_jax.evals.sql.query import Query

LEVELS = ("easy", "medium", "hard", "extra")


def hardness(query: Query) -> str:
    """Returns one of LEVELS."""
    clauses, nested, others = _clauses(query), _nested(query), _others(query)
    if nested == 0:
        if clauses <= 1 and others == 0:
            return "easy"
        if (clauses <= 1 and others <= 2) or (clauses <= 2 and others < 2):
            return "medium"
        if (clauses <= 2 and others > 2) or (clauses == 3 and others <= 2):
            return "hard"
        return "extra"
    return "hard" if nested == 1 and clauses <= 1 and others == 0 else "extra"


def _clauses(query: Query) -> int:
    """WHERE, GROUP BY, ORDER BY, LIMIT; every JOIN, OR and LIKE."""
    there = (query.where.tests, query.group, query.direction, query.limit is not None)
    likes = sum(test.operator == "like" for test in query.tests())
    joins = max(len(query.tables) - 1, 0)
    return sum(map(bool, there)) + joins + query.connectors().count("or") + likes


def _nested(query: Query) -> int:
    """Subqueries in conditions, and the one after INTERSECT, UNION or EXCEPT."""
    return sum(len(list(t.queries())) for t in query.tests()) + (query.combined is not None)


def _others(query: Query) -> int:
    """More than one aggregate, selected column, condition of WHERE, column of GROUP BY."""
    ordered = [column for unit in query.order for column in (unit.left, unit.right) if column]
    aggregates = sum(aggregate is not None for aggregate, _ in query.select)
    aggregates += sum(column.aggregate is not None for column in (*query.group, *ordered))
    aggregates += sum(test.negated for test in (*query.where.tests, *query.having.tests))
    aggregates += len(query.having.connectors)
    several = (query.select, query.where.tests, query.group)
    return (aggregates > 1) + sum(len(one) > 1 for one in several)
