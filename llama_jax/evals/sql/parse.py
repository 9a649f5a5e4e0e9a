"""Tokens to a Query, by the grammar of Spider's official process_sql.py and no more.

    query      = [(] SELECT [DISTINCT] items FROM tables [WHERE tests] [GROUP BY columns]
                 [HAVING tests] [ORDER BY units [ASC|DESC]] [LIMIT n] {;} [)] {;}
                 [INTERSECT|UNION|EXCEPT query]
    tables     = name [AS alias] | (query), joined by JOIN, each with an ON tests or without
    test       = unit [NOT] operator value [AND value]
    unit       = column, or column (+|-|*|/) column; with an aggregate and brackets where wanted
    value      = (query), string, number, or column

What the official parser refuses is refused: LEFT JOIN, a comma between tables, an alias without AS,
an alias of a column or of a subquery, lists of values, IS NULL, EXISTS, "T1.*". What it lets pass
passes: whatever follows the end of the query, and what follows a column on the right of an operator
up to a comma, a bracket, AND or a clause. An alias has one meaning in the whole text, the last one
given, also in subqueries (official: one table of aliases).
"""

from collections.abc import Sequence

from llama_jax.evals.sql.query import Column, Condition, Conditions, Query, Schema, Unit
from llama_jax.evals.sql.tokens import tokenize

AGGREGATES = ("max", "min", "count", "sum", "avg")
OPERATORS = ("-", "+", "*", "/")
TESTS = ("between", "=", ">", "<", ">=", "<=", "!=", "in", "like", "is", "exists")
COMBINED = ("intersect", "union", "except")
CLAUSES = ("select", "from", "where", "group", "order", "limit", *COMBINED)
_JOINS = ("join", "on", "as")
_ENDS = (*CLAUSES, ")", ";")


def parse(text: str, schema: Schema) -> Query:
    """Returns the query that a text holds.

    Raises:
        ValueError: it holds none of this grammar, or names what the schema does not have.
    """
    tokens = tokenize(text)
    try:
        return _Parser(tokens, schema, _aliases(tokens, schema)).query()
    except RecursionError:
        raise ValueError("the queries are nested too deeply") from None


def _aliases(tokens: Sequence[str], schema: Schema) -> dict[str, str]:
    """The name that each AS renames, whatever it is; tables stand for themselves."""
    found = {}
    for place in range(1, len(tokens) - 1):
        if tokens[place] == "as":
            found[tokens[place + 1]] = tokens[place - 1]
    tables = [name.lower() for name in schema.tables]
    if taken := set(tables) & set(found):
        raise ValueError(f"the alias {min(taken)} is the name of a table")
    return {**found, **{name: name for name in tables}}


class _Parser:
    """A place in the tokens; every method reads one thing there and moves behind it."""

    def __init__(self, tokens: Sequence[str], schema: Schema, aliases: dict[str, str]) -> None:
        self._tokens = tokens
        self._schema = schema
        self._aliases = aliases
        self._at = 0

    def _here(self) -> str:
        """The token at this place; "" behind the last one."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        """Moves over one of these tokens if it is here, and returns it, else ""."""
        token = self._here()
        if token not in wanted:
            return ""
        self._at += 1
        return token

    def _take_all(self, token: str) -> None:
        while self._take(token):
            pass

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise ValueError(f"expected {token!r}, got {self._here() or 'the end'!r}")

    def query(self) -> Query:
        bracket = self._take("(")
        begin = self._at
        # The tables come first: they say which columns a bare name may mean.
        while self._here() != "from":
            if not self._here():
                raise ValueError("there is no FROM")
            self._at += 1
        self._at += 1
        tables, joins = self._from()
        behind, self._at = self._at, begin
        known = [table for table in tables if isinstance(table, int)]
        distinct, select = self._select(known)
        self._at = behind
        where = self._tests(known) if self._take("where") else Conditions()
        group = self._group(known)
        having = self._tests(known) if self._take("having") else Conditions()
        order, direction = self._order(known)
        limit = self._integer() if self._take("limit") else None
        self._take_all(";")
        if bracket:
            self._expect(")")
        self._take_all(";")
        word = self._take(*COMBINED)
        combined = (word, self.query()) if word else None
        rest = (tables, joins, where, group, having, order, direction, limit, combined)
        return Query(distinct, select, *rest)

    def _from(self) -> tuple[tuple[int | Query, ...], Conditions]:
        tables: list[int | Query] = []
        tests: list[Condition] = []
        connectors: list[str] = []
        while self._here() and (not tables or self._here() not in _ENDS):
            bracket = self._take("(")
            if self._here() == "select":
                tables.append(self.query())
            else:
                self._take("join")
                tables.append(self._table())
            if self._take("on"):
                known = [table for table in tables if isinstance(table, int)]
                found = self._tests(known)
                connectors += (["and"] if tests else []) + list(found.connectors)
                tests += found.tests
            if bracket:
                self._expect(")")
        return tuple(tables), Conditions(tuple(tests), tuple(connectors))

    def _table(self) -> int:
        name = self._here()
        table = self._schema.table(self._aliases.get(name, ""))
        if table is None:
            raise ValueError(f"there is no table {name!r}")
        self._at += 1
        if self._take("as"):
            self._at += 1
        return table

    def _select(self, known: Sequence[int]) -> tuple[bool, tuple[tuple[str | None, Unit], ...]]:
        self._expect("select")
        distinct = bool(self._take("distinct"))
        items = []
        while self._here() not in CLAUSES:
            aggregate = self._take(*AGGREGATES) or None
            items.append((aggregate, self._unit(known)))
            self._take(",")
        return distinct, tuple(items)

    def _unit(self, known: Sequence[int]) -> Unit:
        bracket = self._take("(")
        left = self._column(known)
        operator = self._take(*OPERATORS) or None
        right = self._column(known) if operator else None
        if bracket:
            self._expect(")")
        return Unit(operator, left, right)

    def _column(self, known: Sequence[int]) -> Column:
        bracket = self._take("(")
        if aggregate := self._take(*AGGREGATES):
            # An aggregate has brackets of its own and leaves one before it open, as officially.
            self._expect("(")
            distinct = bool(self._take("distinct"))
            found = Column(aggregate, self._name(known), distinct)
            self._expect(")")
            return found
        distinct = bool(self._take("distinct"))
        found = Column(None, self._name(known), distinct)
        if bracket:
            self._expect(")")
        return found

    def _name(self, known: Sequence[int]) -> int:
        name = self._here()
        self._at += 1
        if name == "*":
            return 0
        owner, dot, bare = name.partition(".")
        tables: Sequence[int | None] = known
        if dot:
            tables = [self._schema.table(self._aliases.get(owner, ""))]
        for table in tables:
            found = None if table is None else self._schema.column(table, bare if dot else name)
            if found is not None:
                return found
        raise ValueError(f"there is no column {name!r}")

    def _tests(self, known: Sequence[int]) -> Conditions:
        tests, connectors = [self._test(known)], []
        while self._here() and self._here() not in (*_ENDS, *_JOINS):
            if not (connector := self._take("and", "or")):
                raise ValueError(f"expected AND, OR or a clause, got {self._here()!r}")
            connectors.append(connector)
            tests.append(self._test(known))
        return Conditions(tuple(tests), tuple(connectors))

    def _test(self, known: Sequence[int]) -> Condition:
        unit = self._unit(known)
        negated = bool(self._take("not"))
        operator = self._take(*TESTS)
        if not operator:
            raise ValueError(f"expected a comparison, got {self._here() or 'the end'!r}")
        value, upper = self._value(known), None
        if operator == "between":
            self._expect("and")
            upper = self._value(known)
        return Condition(negated, operator, unit, value, upper)

    def _value(self, known: Sequence[int]) -> Query | Column | float | str:
        begin = self._at
        bracket = self._take("(")
        token = self._here()
        if token == "select":
            value = self.query()
        elif token.startswith('"'):
            self._at += 1
            value = token
        else:
            try:
                value = float(token)
                self._at += 1
            except ValueError:
                self._at = begin
                value = self._column(known)
                while self._here() not in ("", ",", ")", "and", *CLAUSES, *_JOINS):
                    self._at += 1
        if bracket:
            self._expect(")")
        return value

    def _group(self, known: Sequence[int]) -> tuple[Column, ...]:
        if not self._take("group"):
            return ()
        self._expect("by")
        found = [self._column(known)]
        while self._take(","):
            found.append(self._column(known))
        return tuple(found)

    def _order(self, known: Sequence[int]) -> tuple[tuple[Unit, ...], str | None]:
        """The units and the direction, which is that of the last unit that has one."""
        if not self._take("order"):
            return (), None
        self._expect("by")
        units, direction = [], "asc"
        while True:
            units.append(self._unit(known))
            direction = self._take("asc", "desc") or direction
            if not self._take(","):
                return tuple(units), direction

    def _integer(self) -> int:
        number = self._here()
        self._at += 1
        return int(number)
