"""Spider and GeoQuery: files, prompts word for word, scores."""

import json
import re
from collections import Counter

import pytest

from llama_jax.data.rows import Row, checked_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import geoquery, spider
from llama_jax.evals.self_check import self_check
from llama_jax.evals.types import Generated, Output
from llama_jax.tokenizer import load_tokenizer

TABLES = {
    "db_id": "music",
    "table_names_original": ["Singer", "Song"],
    "column_names_original": [[-1, "*"], [0, "ID"], [0, "Name"], [1, "Title"], [1, "Singer_ID"]],
    "foreign_keys": [[4, 1]],
}
QUESTION = {"db_id": "music", "question": "Who sings?", "query": "SELECT Name FROM Singer"}


def said(*texts):
    return Generated(tuple(Output(text, "stop") for text in texts))


@pytest.fixture
def files(tmp_path):
    """Writes questions and tables of Spider; returns the questions' path."""

    def write(questions, tables=(TABLES,)):
        (tmp_path / "tables.json").write_text(json.dumps(tables))
        (tmp_path / "dev.json").write_text(json.dumps(questions))
        return tmp_path / "dev.json"

    return write


def spider_examples(path):
    rows = checked_rows(path, spider.parse, spider.SCHEMA)
    return [spider.read(Row("dev.json", index, row)) for index, row in enumerate(rows)]


def test_spider_prompt(files):
    (example,) = spider_examples(files([QUESTION]))
    request = spider.prompt(example)
    assert request.prompt == (
        "Write one SQLite query that answers the question. The tables with their columns, and the "
        "foreign keys, are:\n\nSinger(ID, Name)\nSong(Title, Singer_ID)\n"
        "Song.Singer_ID = Singer.ID\n\nQuestion: Who sings?\nSQL:"
    )
    assert (request.max_new_tokens, request.stop, request.temperature) == (256, ("\n\n", ";"), 0)


def test_spider_scores(files):
    joined = "SELECT T1.Name, T2.Title FROM Singer AS T1 JOIN Song AS T2 WHERE T2.Title != 'x'"
    examples = spider_examples(files([QUESTION, {**QUESTION, "query": joined}]))
    assert [example.row["hardness"] for example in examples] == ["easy", "medium"]
    texts = [" select name from singer", " SELECT Name FROM Singer LEFT JOIN Song"]
    scores = [spider.score(e, said(t)) for e, t in zip(examples, texts, strict=True)]
    assert [score.extracted for score in scores] == [("select name from singer",), (None,)]
    found = {metric.name: metric.of(examples, scores) for metric in spider.METRICS}
    values = {name: one and one.value for name, one in found.items()}
    # One of one prediction, one of two gold queries: 2 * 1 * 0.5 / 1.5. The query that cannot be
    # read is an empty one, and has no WHERE in common with the gold query.
    assert values == {
        "exact_set_match": 0.5,
        "exact_set_match_easy": 1,
        "exact_set_match_medium": 0,
        "exact_set_match_hard": None,
        "exact_set_match_extra": None,
        "f1_select": pytest.approx(2 / 3),
        "f1_select_no_agg": pytest.approx(2 / 3),
        "f1_where": 0,
        "f1_where_no_op": 0,
        "f1_group_no_having": None,
        "f1_group": None,
        "f1_order": None,
        "f1_and_or": 1,
        "f1_iuen": None,
        "f1_keywords": 0,
        "exact_match": 0.5,
        "extracted": 0.5,
    }
    both = spider.score(examples[0], said("SELECT name FROM singer", "SELECT title FROM song"))
    assert (both.values["exact_set_match"], both.values["extracted"]) == (0.5, 1)


@pytest.mark.parametrize(
    ("question", "tables", "wrong"),
    [
        ({**QUESTION, "db_id": "x"}, TABLES, "entry 1: db_id: 'x' is no database of tables.json"),
        ({**QUESTION, "query": " "}, TABLES, "dev.json:1: query: the text is empty"),
        ({"db_id": "music", "question": "?"}, TABLES, "dev.json:1: query: the field is missing"),
        ({**QUESTION, "query": "SELECT"}, TABLES, "row 0: the gold query 'SELECT' cannot be read"),
        (QUESTION, {**TABLES, "foreign_keys": [[4, 9]]}, "row 0: database music: a column or a"),
        (QUESTION, {"db_id": "music"}, "not a list of databases with their tables"),
    ],
)
def test_malformed_spider_is_named(files, question, tables, wrong):
    with pytest.raises(InputError, match=re.escape(wrong)):
        spider_examples(files([question], [tables]))


ENTRY = {
    "sql": ['SELECT A FROM B WHERE C = "name0" ;', 'SELECT A FROM B WHERE "name0" = C ;'],
    "variables": [{"name": "name0"}],
    "sentences": [
        {"question-split": "test", "text": "is name0 far", "variables": {"name0": "oslo"}},
        {"question-split": "train", "text": "is name0 near", "variables": {"name0": "rome"}},
        {"question-split": "train", "text": "name0", "variables": {"name0": "nome"}},
    ],
}
CSV = (
    ", ".join(geoquery.HEADER)
    + "\nB, A, y, n, int\nB, C, n, n, int\n-, -, -, -, -\nD, E, n, n, x\n"
)


@pytest.fixture
def geography(tmp_path):
    """Writes entries and schema of GeoQuery; returns the entries' path."""

    def write(entries, schema=CSV):
        (tmp_path / "geo-schema.csv").write_text(schema)
        (tmp_path / "geo.json").write_text(json.dumps(entries))
        return tmp_path / "geo.json"

    return write


def geo_examples(path, parse=geoquery.parse):
    rows = checked_rows(path, parse, geoquery.SCHEMA)
    return [geoquery.read(Row("geo.json", index, row)) for index, row in enumerate(rows)]


def test_geoquery_prompt_and_shots(geography):
    path = geography([ENTRY, ENTRY])
    example = geo_examples(path)[0]
    pool = geo_examples(path, geoquery.parse_shots)
    assert (example.id, [shot.id for shot in pool]) == ("0.0", ["0.1", "0.2", "1.1", "1.2"])
    assert [s.id for s in geoquery.one_of_each_query(example, pool, 2)] == ["0.1", "1.1"]
    assert len(geoquery.one_of_each_query(example, pool, 5)) == 2  # the plan refuses too few
    request = geoquery.prompt(example, pool[:1])
    assert request.prompt == (
        "Write one SQL query that answers the question. The tables with their columns are:\n\n"
        "B(A, C)\nD(E)\n\n"
        'Question: is rome near\nSQL: SELECT A FROM B WHERE C = "rome" ;\n\n'
        "Question: is oslo far\nSQL:"
    )
    assert (request.max_new_tokens, request.stop) == (512, ("\n\n", ";"))


def test_geoquery_scores(geography):
    (example,) = geo_examples(geography([ENTRY]))
    texts = [" select a FROM b\nwhere c='oslo'", 'SELECT A FROM B WHERE "oslo" = C']
    texts += ['SELECT A FROM B WHERE C = "Oslo"', "SELECT A FROM B WHERE C = 'oslo", " "]
    found = geoquery.score(example, said(*texts))
    assert [value["exact_match"] for value in found.output_values] == [1, 1, 0, 0, 0]
    assert [value["extracted"] for value in found.output_values] == [1, 1, 1, 0, 0]
    assert found.extracted[0] == 'select a from b where c = "oslo"'


@pytest.mark.parametrize(
    ("entry", "schema", "wrong"),
    [
        ({**ENTRY, "sql": []}, CSV, "entry 1: sql: 0 entries; expected 1 or more"),
        (
            {**ENTRY, "variables": [{"name": "name1"}]},
            CSV,
            "entry 1: sentences[0].variables: {'name0': 'oslo'} does not give a text for each",
        ),
        (ENTRY, "Table\nB\n", "geo-schema.csv:1: header"),
        (ENTRY, f"{CSV}B, A\n", "geo-schema.csv:6: 2 fields; expected 5"),
    ],
)
def test_malformed_geoquery_is_named(geography, entry, schema, wrong):
    with pytest.raises(InputError, match=re.escape(wrong)):
        geo_examples(geography([entry], schema))


# The whole path for as many rows as are quick; every row is scored below.
@pytest.mark.shared
@pytest.mark.parametrize("module", [spider, geoquery], ids=["spider", "geoquery"])
def test_gold_answers_on_the_authors_files(shared, module):
    tokenizer = load_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model")
    found = self_check(module.BENCHMARK, module.STANDARD, tokenizer, shared / "benchmarks", 60)
    assert (found.n, found.gold, found.wrong, found.unreachable) == (60, 1, 0, ())


@pytest.mark.shared
def test_every_gold_query_of_geoquery_is_right(shared):
    path = shared / "benchmarks" / "geoquery" / "geography.json"
    examples = geo_examples(path)
    assert (len(examples), len(geo_examples(path, geoquery.parse_shots))) == (279, 549)
    for example in examples:
        for text in geoquery.gold_texts(example):
            assert ";" not in text.removesuffix(";")  # nothing is lost at the stop
            assert geoquery.score(example, said(text)).values["exact_match"] == 1


# Foreign keys make SourceAirport and DestAirport of flight_2 one column, and values do not count.
@pytest.mark.shared
def test_two_keys_to_one_column_are_one(shared):
    examples = spider_examples(shared / "benchmarks" / "spider" / "dev.json")
    flights = [example for example in examples if example.row["db_id"] == "flight_2"]
    text = 'SELECT FlightNo FROM FLIGHTS WHERE SourceAirport = "APG"'
    asked = [e for e in flights if e.row["query"].split() == text.split()]
    other = said(text.replace("SourceAirport", "DestAirport"))
    assert [spider.score(e, other).values["exact_set_match"] for e in asked] == [1, 1]


@pytest.mark.shared
def test_every_component_of_spiders_gold_is_right(shared):
    """The numbers of questions at each level are those that the authors' script prints."""
    examples = spider_examples(shared / "benchmarks" / "spider" / "dev.json")
    levels = Counter(example.row["hardness"] for example in examples)
    assert levels == {"easy": 248, "medium": 446, "hard": 174, "extra": 166}
    scores = [spider.score(example, said(example.row["query"])) for example in examples]
    assert {metric.of(examples, scores).value for metric in spider.METRICS} == {1}
