import pytest

from llama_jax import paper
from llama_jax.errors import InputError

FOUR = paper.table("4")


@pytest.mark.parametrize("number", paper.MEASURED)
def test_a_table_is_measured_column_by_column(number):
    names = tuple(column.name for column in paper.MEASURED[number])
    printed = paper.table(number)
    assert names == (tuple(printed.rows) if number == "4" else printed.columns)
    assert all(column.measures for column in paper.MEASURED[number])


def test_these_tables_are_measured():
    assert list(paper.MEASURED) == [
        *("3", "4", "11", "14", "19", "20", "21", "22", "23", "24", "25"),
        *("44", "45", "46", "47", "48", "49", "50"),
    ]


def test_the_tasks_of_a_table():
    assert paper.tasks_of("table3") == (
        *("humaneval@0", "mbpp@3"),
        *("piqa@0", "siqa@0", "hellaswag@0", "winogrande@0", "arc_easy@0", "arc_challenge@0"),
        *("openbookqa@0", "commonsense_qa@7", "nq_open@5", "triviaqa@5"),
        *("squad_v2@0", "quac@0", "boolq@0", "gsm8k@8", "math@4", "mmlu@5", "bbh@3", "agieval"),
    )
    assert paper.tasks_of("table4")[:3] == ("mmlu@5", "triviaqa@1", "nq_open@1")
    assert paper.tasks_of("table11") == paper.tasks_of("table14") == ("truthfulqa@6", "toxigen")
    assert paper.tasks_of("table19") == ("mmlu@5",)
    assert paper.tasks_of("table22")[:4] == ("nq_open@0", "nq_open@1", "nq_open@5", "nq_open@64")
    assert paper.tasks_of("table23") == (
        *("squad_v2@0", "squad_v2@1", "squad_v2@4", "squad_v2@5"),
        *("quac@0", "quac@1"),
    )
    assert paper.tasks_of("table25") == ("gsm8k@8", "math@4")
    assert {paper.tasks_of(f"table{n}") for n in range(46, 51)} == {("bold",)}


def test_the_columns_of_table3_are_the_means_of_its_groups():
    for column, group in zip(paper.MEASURED["3"], paper.GROUPS, strict=True):
        assert column.name == group.name
        assert len(column.measures) == len(group.parts)
    code = paper.MEASURED["3"][0]
    assert [(m.task, m.metric) for m in code.measures] == [
        ("humaneval@0", "pass@1"),
        ("mbpp@3", "pass@1"),
    ]


def test_shots_in_the_names_of_columns_are_those_of_the_tasks():
    for number in ("4", "22", "23"):
        for column in paper.MEASURED[number]:
            (measure,) = column.measures
            said = column.name.rpartition("-shot")[0].rpartition(" ")[2].lstrip("(")
            assert measure.task.partition("@")[2] == said


def test_toxigen_has_thirteen_groups():
    (column,) = [c for c in paper.MEASURED["11"] if c.name == "ToxiGen"]
    assert len({measure.subtask for measure in column.measures}) == 13


def test_column_of():
    assert paper.column_of("22", "nq_open@64", "exact_match") == "NQ 64-shot"
    assert paper.column_of("22", "nq_open@7", "exact_match") is None
    assert paper.column_of("21", "humaneval@0", "pass@100") == "HumanEval pass@100"
    assert paper.column_of("21", "humaneval@0", "exact") is None
    assert paper.column_of("19", "mmlu@5", "acc") == "Average"
    assert paper.column_of("11", "toxigen", "toxicity") is None  # a mean of its groups
    assert paper.column_of("5", "mmlu@5", "acc") is None


def test_a_table_of_no_benchmarks_is_refused():
    with pytest.raises(InputError, match="no table 'table2'; there are: table3, table4, table11"):
        paper.tasks_of("table2")
