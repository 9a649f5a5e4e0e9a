"""SQL read and compared by Spider's rules: hand-worked queries."""

import pytest

from llama_jax.evals.sql.components import comparable, compare, exact_set_match, keywords
from llama_jax.evals.sql.hardness import hardness
from llama_jax.evals.sql.parse import parse
from llama_jax.evals.sql.query import Column, Condition, Conditions, Query, Schema, Unit
from llama_jax.evals.sql.tokens import normalise_sql, tokenize

SINGERS = Schema(
    tables=("Singer", "Song"),
    columns=(
        *((-1, "*"), (0, "ID"), (0, "Name"), (0, "Age")),
        *((1, "ID"), (1, "Title"), (1, "Singer_ID"), (1, "Year")),
    ),
    foreign_keys=((6, 1),),
)


def wrong(predicted, gold):
    """Whether the set matches, and the components that differ."""
    query, right = (comparable(parse(text, SINGERS), SINGERS) for text in (predicted, gold))
    parts = compare(query, right, SINGERS)
    return exact_set_match(query, right, parts), {n for n, part in parts.items() if not part.right}


def test_tokens():
    text = "SELECT T1.Name,count(*) FROM a WHERE b! =\n'It is'  AND c>=-1;"
    assert " ".join(tokenize(text)) == (
        'select t1.name , count ( * ) from a where b != "It is" and c >= -1 ;'
    )
    assert normalise_sql("Select A  from b\nwhere c = 'X y';;") == 'select a from b where c = "X y"'
    with pytest.raises(ValueError, match="a quote is never closed"):
        tokenize("SELECT a FROM b WHERE c = 'it''s")


def test_aliases_and_columns_are_resolved():
    query = parse(
        "SELECT T1.name, count(DISTINCT title) FROM singer AS T1 JOIN song AS T2 "
        "ON T1.id = T2.singer_id WHERE T1.age BETWEEN 20 AND 30 GROUP BY T1.name "
        "HAVING count(*) > 2 ORDER BY max(year) - age DESC LIMIT 3",
        SINGERS,
    )
    name, age = Column(None, 2), Column(None, 3)
    join = Condition(False, "=", Unit(None, Column(None, 1)), Column(None, 6))
    where = Condition(False, "between", Unit(None, age), 20.0, 30.0)
    having = Condition(False, ">", Unit(None, Column("count", 0)), 2.0)
    assert query == Query(
        select=((None, Unit(None, name)), ("count", Unit(None, Column(None, 5, True)))),
        tables=(0, 1),
        joins=Conditions((join,)),
        where=Conditions((where,)),
        group=(name,),
        having=Conditions((having,)),
        order=(Unit("-", Column("max", 7), age),),
        direction="desc",
        limit=3,
    )
    assert keywords(query) == {"where", "group", "having", "order", "desc", "limit"}


@pytest.mark.parametrize(
    ("predicted", "gold", "differing"),
    [
        ("SELECT age, name FROM singer", "SELECT Name, Age FROM Singer", set()),  # column order
        (
            "SELECT name FROM singer WHERE age > 3 AND id = 1",
            "SELECT name FROM singer WHERE id = 7 AND age > 9",  # reordered, other values
            set(),
        ),
        (
            "SELECT name FROM singer WHERE age > 3",
            "SELECT name FROM singer WHERE age > 3 AND id = 1",
            {"where", "where_no_op", "and_or"},
        ),
        (
            "SELECT name FROM singer WHERE age > 3",
            "SELECT name FROM singer WHERE age < 3",
            {"where"},
        ),
        (
            "SELECT name FROM singer WHERE age = 3 OR id = 1",
            "SELECT name FROM singer WHERE age = 3 AND id = 1",
            {"and_or", "keywords"},
        ),
        ("SELECT max(age) FROM singer", "SELECT min(age) FROM singer", {"select"}),
        ("SELECT DISTINCT name FROM singer", "SELECT name FROM singer", set()),
        (
            "SELECT a.name FROM singer AS a JOIN song AS b ON a.id = b.singer_id",  # alias names
            "SELECT T2.name FROM song AS T1 JOIN singer AS T2",  # and conditions of joins
            set(),
        ),
        (
            "SELECT T1.id FROM singer AS T1 JOIN song AS T2",
            "SELECT T2.singer_id FROM singer AS T1 JOIN song AS T2",  # one foreign key
            set(),
        ),
        ("SELECT singer_id FROM song", "SELECT id FROM song", {"select", "select_no_agg"}),
        (
            "SELECT name FROM singer ORDER BY age DESC",
            "SELECT name FROM singer ORDER BY age",
            {"order", "keywords"},
        ),
        (
            "SELECT name FROM singer ORDER BY age LIMIT 5",
            "SELECT name FROM singer ORDER BY age LIMIT 1",
            set(),
        ),
        (
            "SELECT name FROM singer ORDER BY age LIMIT 5",
            "SELECT name FROM singer ORDER BY age",
            {"order", "keywords"},
        ),
        (
            "SELECT name FROM singer ORDER BY age, id",
            "SELECT name FROM singer ORDER BY id, age",
            {"order"},
        ),
        (
            "SELECT year FROM song GROUP BY year HAVING count(*) > 1",
            "SELECT year FROM song GROUP BY year HAVING count(*) > 9",
            set(),
        ),
        (
            "SELECT year FROM song GROUP BY year",
            "SELECT year FROM song GROUP BY year HAVING count(*) > 9",
            {"group", "keywords"},
        ),
        ("SELECT count(*) FROM singer", "SELECT count(*) FROM song", set()),  # tables, no component
        (
            "SELECT name FROM singer WHERE id IN (SELECT singer_id FROM song WHERE year = 1)",
            "SELECT name FROM singer WHERE id IN (SELECT singer_id FROM song WHERE year = 2)",
            set(),
        ),
        (
            "SELECT name FROM singer WHERE id IN (SELECT singer_id FROM song WHERE year > 1)",
            "SELECT name FROM singer WHERE id IN (SELECT singer_id FROM song WHERE year = 2)",
            {"where"},
        ),
        (
            "SELECT name FROM singer UNION SELECT title FROM song",
            "SELECT name FROM singer INTERSECT SELECT title FROM song",
            {"iuen", "keywords"},
        ),
        (
            "SELECT id FROM singer EXCEPT SELECT singer_id FROM song WHERE year = 1",
            "SELECT id FROM singer EXCEPT SELECT singer_id FROM song WHERE year = 2",
            set(),
        ),
        (
            "SELECT id FROM singer EXCEPT SELECT singer_id FROM song WHERE title = 1",
            "SELECT id FROM singer EXCEPT SELECT singer_id FROM song WHERE year = 2",
            {"iuen"},
        ),
    ],
)
def test_components(predicted, gold, differing):
    same, found = wrong(predicted, gold)
    assert found == differing
    assert same == (not differing and "count(*) FROM song" not in gold)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The answer is 3.",
        "SELECT name",
        "SELECT colour FROM singer",
        "SELECT title FROM singer",
        "SELECT name FROM dancer",
        "SELECT name FROM singer AS song",
        "SELECT name FROM singer AS",
        "SELECT name FROM singer s",
        "SELECT name FROM singer, song",
        "SELECT name FROM singer LEFT JOIN song ON singer.id = song.singer_id",
        "SELECT name AS n FROM singer",
        "SELECT T1.* FROM singer AS T1",
        "SELECT name FROM singer WHERE age IN (1, 2)",
        "SELECT name FROM singer WHERE age IS NULL",
        "SELECT name FROM singer WHERE age <> 3",
        "SELECT name FROM singer WHERE (age = 3 OR age = 4)",
        "SELECT name FROM singer WHERE age = 3 id = 4",
        "SELECT name FROM singer WHERE name = 'Ann",
        "SELECT name FROM singer LIMIT x",
        "SELECT name FROM singer UNION ALL SELECT title FROM song",
        "SELECT name FROM (" * 5000,
        "SELECT name FROM singer WHERE age > avg(age)",
    ],
)
def test_what_the_official_parser_refuses(text):
    with pytest.raises(ValueError):
        parse(text, SINGERS)


def test_foreign_keys_join_the_first_set_that_they_meet():
    keys = Schema(("a",), ((-1, "*"),), ((2, 1), (5, 4), (1, 5), (7, 8))).representatives()
    assert keys == {1: 1, 2: 1, 5: 4, 4: 4, 7: 7, 8: 7}


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("SELECT name FROM singer", "easy"),
        ("SELECT name FROM singer WHERE age > 3", "easy"),
        ("SELECT name, age FROM singer WHERE age > 3", "medium"),
        ("SELECT name FROM singer ORDER BY age LIMIT 1", "medium"),
        ("SELECT name FROM singer WHERE age > 1 ORDER BY age LIMIT 1", "hard"),
        ("SELECT name FROM singer WHERE id NOT IN (SELECT singer_id FROM song)", "hard"),
        ("SELECT name, age FROM singer WHERE id NOT IN (SELECT singer_id FROM song)", "extra"),
        (
            "SELECT name FROM singer JOIN song WHERE title LIKE 'a' ORDER BY year LIMIT 1",
            "extra",
        ),
    ],
)
def test_hardness(text, level):
    assert hardness(parse(text, SINGERS)) == level
