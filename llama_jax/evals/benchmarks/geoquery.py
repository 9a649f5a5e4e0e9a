r"""GeoQuery: questions about the geography of the United States, answered by a query in SQL.

Paper     Zelle and Mooney 1996, "Learning to Parse Database Queries Using Inductive Logic
          Programming"; in SQL and with these splits, Finegan-Dollak et al. 2018, "Improving
          Text-to-SQL Evaluation Methodology"
Raw files geography.json, 246 queries with 877 questions, and geography-schema.csv beside it. The
          279 questions of the question split's test part are asked; its 549 training questions are
          the pool of shots.
Fills     nothing in Llama 2.

`standard` shows the tables and one training question of each of the first five queries, and scores
the exact match of the text with any gold query of the question. Case outside strings, blanks, the
kind of quote and a closing semicolon do not count (evals/sql/tokens.py); aliases do, which the
shots show ("CITYalias0").
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from llama_jax.data.rows import Row, csv_records, json_list_rows
from llama_jax.data.schema import ListOf, OneOf, Record, Text, problem
from llama_jax.errors import InputError
from llama_jax.evals.generated import EXTRACTED
from llama_jax.evals.protocol import AnswerFormat, Benchmark, Protocol, Rule, Source
from llama_jax.evals.sql_scores import EXACT_TEXT, text_score
from llama_jax.evals.types import Example, Generate, Generated, Score

HEADER = ["Table Name", "Field Name", "Is Primary Key", "Is Foreign Key", "Type"]
_SENTENCE = Record({"question-split": OneOf(("train", "dev", "test")), "text": Text()})
ENTRY = Record(
    {
        "sql": ListOf(Text(), minimum=1),
        "sentences": ListOf(_SENTENCE, minimum=1),
        "variables": ListOf(Record({"name": Text()})),
    }
)
SCHEMA = Record(
    {
        "id": Text(),
        "question": Text(),
        "queries": ListOf(Text(), minimum=1),
        "tables": ListOf(
            Record({"name": Text(), "columns": ListOf(Text(), minimum=1)}), 1, distinct="name"
        ),
    }
)
STOP = ("\n\n", ";")


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (entry, row) of the test questions."""
    return _questions(path, "test")


def parse_shots(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (entry, row) of the training questions."""
    return _questions(path, "train")


def _questions(path: Path, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The questions of a split, each with its own values in the places of the variables."""
    tables = _tables(path.with_name(f"{path.stem}-schema.csv"))
    for number, entry in json_list_rows(path):
        if found := problem(ENTRY, entry):
            raise InputError(f"{path}: entry {number}: {found}")
        names = [variable["name"] for variable in entry["variables"]]
        for place, sentence in enumerate(entry["sentences"]):
            if sentence["question-split"] != split:
                continue
            values = sentence.get("variables")
            if not isinstance(values, dict) or not all(
                isinstance(values.get(name), str) for name in names
            ):
                raise InputError(
                    f"{path}: entry {number}: sentences[{place}].variables: {values!r} does not "
                    f"give a text for each of {names}"
                )
            texts = [sentence["text"], *entry["sql"]]
            for name in names:
                texts = [text.replace(name, values[name]) for text in texts]
            row = {"id": f"{number - 1}.{place}", "question": texts[0], "queries": texts[1:]}
            yield number, {**row, "tables": tables}


def _tables(path: Path) -> list[dict[str, Any]]:
    """The tables of the schema file, in its order; a line of dashes stands between them."""
    if not path.is_file():
        raise InputError(f"{path}: the tables are missing; put the file there")
    records = [(line, [field.strip() for field in fields]) for line, fields in csv_records(path)]
    if not records or records[0][1] != HEADER:
        raise InputError(f"{path}:1: header {records[:1]}; expected {', '.join(HEADER)}")
    columns: dict[str, list[str]] = {}
    for line, fields in records[1:]:
        if len(fields) != len(HEADER):
            raise InputError(f"{path}:{line}: {len(fields)} fields; expected {len(HEADER)}")
        if fields[0] != "-":
            columns.setdefault(fields[0], []).append(fields[1])
    return [{"name": name, "columns": known} for name, known in columns.items()]


def read(row: Row) -> Example:
    """Takes the row as it is; its id says which query and which of its questions it is."""
    return Example(row.fields["id"], row.fields)


def one_of_each_query(example: Example, pool: Sequence[Example], count: int) -> tuple[Example, ...]:
    """The first question of each of the first `count` queries: the file groups them by query."""
    first: dict[str, Example] = {}
    for shot in pool:
        first.setdefault(shot.id.partition(".")[0], shot)
    return tuple(first.values())[:count]


def prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """Asks for the query below the tables and the answered shots."""
    tables = [f"{t['name']}({', '.join(t['columns'])})\n" for t in example.row["tables"]]
    answered = [f"{_asked(shot)} {shot.row['queries'][0]}\n\n" for shot in shots]
    head = "Write one SQL query that answers the question. The tables with their columns are:\n\n"
    return Generate(f"{head}{''.join(tables)}\n{''.join(answered)}{_asked(example)}", 512, STOP)


def _asked(example: Example) -> str:
    return f"Question: {example.row['question']}\nSQL:"


def score(example: Example, response: Generated) -> Score:
    """Exact match of texts."""
    return text_score(example.row["queries"], response)


def gold_texts(example: Example) -> list[str]:
    """The gold queries, after the space that follows "SQL:"."""
    return [f" {query}" for query in example.row["queries"]]


METRICS = (EXACT_TEXT, EXTRACTED)

STANDARD = Protocol(
    name="standard",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="exact_match",
    shots=(5, 0, 1, 10),
    pick_shots=one_of_each_query,
    gold_texts=gold_texts,
    rules=(
        Rule("question split: test asked, train for shots", "Finegan-Dollak et al. 2018"),
        Rule("prompt with the tables, 5-shot, greedy", "no published one", guess=True),
        Rule("the first question of each of the first queries", "no published one", guess=True),
        Rule("any of a question's gold queries is right", "not stated", guess=True),
        Rule("512 new tokens, until a semicolon or a blank line", "not stated", guess=True),
    ),
)

BENCHMARK = Benchmark(
    name="geoquery",
    title="GeoQuery",
    citation='Zelle and Mooney 1996, "Learning to Parse Database Queries Using Inductive Logic '
    'Programming"; Finegan-Dollak et al. 2018, "Improving Text-to-SQL Evaluation Methodology"',
    examples=Source(SCHEMA, read, parse),
    protocols=(STANDARD,),
    shots=Source(SCHEMA, read, parse_shots),
    answer_formats=(
        AnswerFormat(
            "verbatim",
            "The whole output is the query; case, blanks and the kind of quote do not count.",
            score,
            METRICS,
        ),
    ),
)
