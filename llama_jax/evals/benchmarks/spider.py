r"""Spider: questions to databases of many domains, answered by a query in SQL.

Paper     Yu et al. 2018, "Spider: A Large-Scale Human-Labeled Dataset for Complex and Cross-Domain
          Semantic Parsing and Text-to-SQL Task"
Raw files dev.json, 1034 questions with query and database, and tables.json beside it, tables,
          columns and foreign keys of every database. The official parse in dev.json is not read.
Fills     nothing in Llama 2.

`standard` shows the database's tables, columns and foreign keys and asks for the query, 0-shot. It
is scored by exact set match (evals/sql/components.py says by which rules), by level of hardness and
by component, and as text. Execution accuracy needs the databases, which are not part of the files.
By the official rules two columns that refer to the same one are the same column: who confuses
SourceAirport with DestAirport of the database flight_2 is right.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from llama_jax.data.rows import Row, json_list_rows
from llama_jax.data.schema import Integer, ListOf, Record, Text
from llama_jax.errors import InputError
from llama_jax.evals.protocol import AnswerFormat, Benchmark, Protocol, Rule, Source
from llama_jax.evals.sql.hardness import hardness
from llama_jax.evals.sql.parse import parse as parse_sql
from llama_jax.evals.sql.query import Schema
from llama_jax.evals.sql_scores import set_metrics, set_score
from llama_jax.evals.types import Example, Generate, Generated, Score

_COLUMN = Record({"table": Integer(minimum=-1), "name": Text()})
_KEY = Record({"column": Integer(minimum=1), "other": Integer(minimum=1)})
SCHEMA = Record(
    {
        "db_id": Text(),
        "question": Text(),
        "query": Text(),
        "tables": ListOf(Text(), minimum=1),
        "columns": ListOf(_COLUMN, minimum=2),
        "foreign_keys": ListOf(_KEY),
    }
)
STOP = ("\n\n", ";")


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (entry, row) of the questions with the database that the file beside has for them."""
    beside = path.with_name(path.name.replace("dev", "tables"))
    databases = _databases(beside)
    for number, entry in json_list_rows(path):
        name = entry.get("db_id")
        if not isinstance(name, str) or name not in databases:
            raise InputError(
                f"{path}: entry {number}: db_id: {name!r} is no database of {beside.name}, which "
                f"has {len(databases)}; put the tables of the same release there"
            )
        row = {field: entry[field] for field in ("db_id", "question", "query") if field in entry}
        yield number, {**row, **databases[name]}


def _databases(path: Path) -> dict[str, dict[str, Any]]:
    """Tables, columns and foreign keys of each database, under the names that queries use."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {
            entry["db_id"]: {
                "tables": entry["table_names_original"],
                "columns": [
                    {"table": table, "name": name} for table, name in entry["column_names_original"]
                ],
                "foreign_keys": [
                    {"column": column, "other": other} for column, other in entry["foreign_keys"]
                ],
            }
            for entry in entries
        }
    except OSError as error:
        raise InputError(f"{path}: the databases are missing; put the file there") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a list of databases with their tables: {error}") from error


def read(row: Row) -> Example:
    """Adds the level of hardness; a gold query that the grammar does not cover is refused."""
    fields = row.fields
    places = [c["table"] for c in fields["columns"][1:]]
    keys = [place for key in fields["foreign_keys"] for place in (key["column"], key["other"])]
    if max(places) >= len(fields["tables"]) or max(keys, default=0) > len(places):
        raise InputError(
            f"spider: {row.file} row {row.index}: database {fields['db_id']}: a column or a "
            "foreign key refers to what tables.json does not list; put the authors' unchanged file "
            "there"
        )
    try:
        level = hardness(parse_sql(fields["query"], schema_of(fields)))
    except ValueError as error:
        raise InputError(
            f"spider: {row.file} row {row.index}: the gold query {fields['query']!r} cannot be "
            f"read: {error}; put the authors' unchanged file there"
        ) from None
    return Example(str(row.index), {**fields, "hardness": level})


def schema_of(row: Mapping[str, Any]) -> Schema:
    """The row's database as queries are read against it."""
    return Schema(
        tuple(row["tables"]),
        tuple((column["table"], column["name"]) for column in row["columns"]),
        tuple((key["column"], key["other"]) for key in row["foreign_keys"]),
    )


def shown(row: Mapping[str, Any]) -> str:
    """A line for each table with its columns, and one for each foreign key."""
    tables, columns = row["tables"], row["columns"]
    lines = []
    for place, table in enumerate(tables):
        names = [column["name"] for column in columns if column["table"] == place]
        lines.append(f"{table}({', '.join(names)})")
    for key in row["foreign_keys"]:
        ends = [columns[key["column"]], columns[key["other"]]]
        lines.append(" = ".join(f"{tables[end['table']]}.{end['name']}" for end in ends))
    return "\n".join(lines)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """Asks for the query below the database."""
    text = (
        "Write one SQLite query that answers the question. The tables with their columns, and the "
        f"foreign keys, are:\n\n{shown(example.row)}\n\nQuestion: {example.row['question']}\nSQL:"
    )
    return Generate(text, 256, STOP)


def score(example: Example, response: Generated) -> Score:
    """Spider's exact set match and its components; exact match of texts."""
    return set_score(example.row["query"], schema_of(example.row), response)


def gold_texts(example: Example) -> list[str]:
    """The gold query, after the space that follows "SQL:"."""
    return [f" {example.row['query']}"]


METRICS = set_metrics(lambda example: example.row["hardness"])

STANDARD = Protocol(
    name="standard",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="exact_set_match",
    gold_texts=gold_texts,
    rules=(
        Rule("exact set match, levels, components", "taoyds/spider, evaluation.py at b7b5b8c"),
        Rule("prompt with the database, 0-shot, greedy", "no published one", guess=True),
        Rule("256 new tokens, until a semicolon or a blank line", "not stated", guess=True),
    ),
)

BENCHMARK = Benchmark(
    name="spider",
    title="Spider",
    citation='Yu et al. 2018, "Spider: A Large-Scale Human-Labeled Dataset for Complex and '
    'Cross-Domain Semantic Parsing and Text-to-SQL Task"',
    examples=Source(SCHEMA, read, parse),
    protocols=(STANDARD,),
    answer_formats=(
        AnswerFormat(
            "verbatim",
            "The whole output is the query, compared as Spider's script does.",
            score,
            METRICS,
        ),
    ),
)
