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
passes: whatever follows the end of the query, a clause that the end of the text cuts off, and what
follows a column on the right of an operator up to a comma, a bracket, AND or a clause. An alias has
one meaning in the whole text, the last one given. Unlike there two tests need AND or OR between
them.
"""

from collections.abc import Sequence

from llama_jax.evals.sql.cursor import Cursor
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
    if tokens[-1:] == ["as"]:
        raise ValueError("nothing follows AS")
    for place, token in enumerate(tokens):
        if token == "as":
            found[tokens[place + 1]] = tokens[place - 1]
    tables = [name.lower() for name in schema.tables]
    if taken := set(tables) & set(found):
        raise ValueError(f"the alias {min(taken)} is the name of a table")
    return {**found, **{name: name for name in tables}}


class _Parser(Cursor):
    """Every method reads one thing at this place and moves behind it."""

    def __init__(self, tokens: Sequence[str], schema: Schema, aliases: dict[str, str]) -> None:
        super().__init__(tokens)
        self._schema = schema
        self._aliases = aliases

    def query(self) -> Query:
        bracket = self.take("(")
        begin = self.at
        # The tables come first: they say which columns a bare name may mean.
        while self.here() != "from":
            if not self.here():
                raise ValueError("there is no FROM")
            self.at += 1
        self.at += 1
        tables, joins = self._from()
        behind, self.at = self.at, begin
        known = [table for table in tables if isinstance(table, int)]
        distinct, select = self._select(known)
        self.at = behind
        where = self._tests(known) if self.take("where") else Conditions()
        group = self._group(known)
        having = self._tests(known) if self.take("having") else Conditions()
        order, direction = self._order(known)
        limit = int(self.any()) if self.take("limit") else None
        self.take_all(";")
        if bracket:
            self.expect(")")
        self.take_all(";")
        word = self.take(*COMBINED)
        combined = (word, self.query()) if word else None
        rest = (tables, joins, where, group, having, order, direction, limit, combined)
        return Query(distinct, select, *rest)

    def _from(self) -> tuple[tuple[int | Query, ...], Conditions]:
        tables: list[int | Query] = []
        tests: list[Condition] = []
        connectors: list[str] = []
        while self.here() and (not tables or self.here() not in _ENDS):
            bracket = self.take("(")
            if self.here() == "select":
                tables.append(self.query())
            else:
                self.take("join")
                tables.append(self._table())
            if self.take("on"):
                known = [table for table in tables if isinstance(table, int)]
                found = self._tests(known)
                connectors += (["and"] if tests else []) + list(found.connectors)
                tests += found.tests
            if bracket:
                self.expect(")")
        return tuple(tables), Conditions(tuple(tests), tuple(connectors))

    def _table(self) -> int:
        name = self.here()
        table = self._schema.table(self._aliases.get(name, ""))
        if table is None:
            raise ValueError(f"there is no table {name!r}")
        self.at += 1
        if self.take("as"):
            self.at += 1
        return table

    def _select(self, known: Sequence[int]) -> tuple[bool, tuple[tuple[str | None, Unit], ...]]:
        self.expect("select")
        distinct = bool(self.take("distinct"))
        items = []
        while self.here() not in CLAUSES:
            aggregate = self.take(*AGGREGATES) or None
            items.append((aggregate, self._unit(known)))
            self.take(",")
        return distinct, tuple(items)

    def _unit(self, known: Sequence[int]) -> Unit:
        bracket = self.take("(")
        left = self._column(known)
        operator = self.take(*OPERATORS) or None
        right = self._column(known) if operator else None
        if bracket:
            self.expect(")")
        return Unit(operator, left, right)

    def _column(self, known: Sequence[int]) -> Column:
        bracket = self.take("(")
        if aggregate := self.take(*AGGREGATES):
            # An aggregate has brackets of its own and leaves one before it open, as officially.
            self.expect("(")
            distinct = bool(self.take("distinct"))
            found = Column(aggregate, self._name(known), distinct)
            self.expect(")")
            return found
        distinct = bool(self.take("distinct"))
        found = Column(None, self._name(known), distinct)
        if bracket:
            self.expect(")")
        return found

    def _name(self, known: Sequence[int]) -> int:
        name = self.any()
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
        tests, connectors = [], []
        while self.here():
            tests.append(self._test(known))
            if self.here() in ("", *_ENDS, *_JOINS):
                break
            if not (connector := self.take("and", "or")):
                raise ValueError(f"expected AND, OR or a clause, got {self.here()!r}")
            connectors.append(connector)
        return Conditions(tuple(tests), tuple(connectors))

    def _test(self, known: Sequence[int]) -> Condition:
        unit = self._unit(known)
        negated = bool(self.take("not"))
        operator = self.take(*TESTS)
        if not operator:
            raise ValueError(f"expected a comparison, got {self.here() or 'the end'!r}")
        value, upper = self._value(known), None
        if operator == "between":
            self.expect("and")
            upper = self._value(known)
        return Condition(negated, operator, unit, value, upper)

    def _value(self, known: Sequence[int]) -> Query | Column | float | str:
        begin = self.at
        bracket = self.take("(")
        token = self.here()
        if token == "select":
            value = self.query()
        elif token.startswith('"'):
            self.at += 1
            value = token
        else:
            try:
                value = float(token)
                self.at += 1
            except ValueError:
                self.at = begin
                value = self._column(known)
                if value.aggregate is not None:  # as officially, where its bracket ends the value
                    raise ValueError("an aggregate stands where a value is expected") from None
                while self.here() not in ("", ",", ")", "and", *CLAUSES, *_JOINS):
                    self.at += 1
        if bracket:
            self.expect(")")
        return value

    def _group(self, known: Sequence[int]) -> tuple[Column, ...]:
        if not self.take("group"):
            return ()
        self.expect("by")
        found = []
        while self.here() not in ("", *_ENDS):
            found.append(self._column(known))
            if not self.take(","):
                break
        return tuple(found)

    def _order(self, known: Sequence[int]) -> tuple[tuple[Unit, ...], str | None]:
        """The units and the direction, which is that of the last unit that has one."""
        if not self.take("order"):
            return (), None
        self.expect("by")
        units, direction = [], "asc"
        while self.here() not in ("", *_ENDS):
            units.append(self._unit(known))
            direction = self.take("asc", "desc") or direction
            if not self.take(","):
                break
        return tuple(units), direction
