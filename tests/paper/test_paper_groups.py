import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax import paper
from llama_jax.errors import InputError

TABLE3 = paper.table("3")


@pytest.mark.parametrize("known", paper.CONTRADICTIONS, ids=lambda c: f"{c.table}-{c.row}")
def test_every_contradiction_is_printed_so_and_listed_with_its_table(known):
    table = paper.table(known.table)
    assert table.rows[known.row][known.column] == known.printed != known.implied
    assert (known.row, known.column) in {(c.row, c.column) for c in table.contested}


def test_tables_3_19_and_20_print_the_same_mmlu():
    assert paper.published("3", "MMLU") == paper.published("19", "Average")
    assert paper.published("3", "MMLU") == paper.published("20", "MMLU")
    assert paper.published("3", "AGI Eval") == paper.published("24", "Avg")


def test_the_item_counts_add_up():
    assert sum(paper.MMLU_ITEMS.values()) == sum(paper.MMLU_ITEMS_LLAMA1.values()) == 14042
    assert sum(paper.AGIEVAL_ITEMS.values()) == 2546


@pytest.mark.shared
def test_mmlu_of_llama_1_weights_questions_not_subjects(shared):
    extra = json.loads((shared / "paper" / "tables.json").read_text())["extra"]
    subjects = extra["llama1_paper_table16_mmlu_per_subject"]["rows"]
    items = {name: row[5] for name, row in subjects.items()}
    for i, size in enumerate(("7B", "13B", "33B", "65B"), start=1):
        scores = {name: row[i] for name, row in subjects.items()}
        printed = paper.published("19", "Average")[f"Llama 1 {size}"]
        assert paper.item_weighted_mean(scores, items) == pytest.approx(printed, abs=0.0501)
        assert abs(paper.mean(list(scores.values())) - printed) > 0.0501


def test_group_mean_needs_every_part():
    code = paper.GROUPS[0]
    human_eval, mbpp = ("21", "HumanEval pass@1"), ("21", "MBPP pass@1")
    assert paper.group_mean(code, {}) == paper.GroupMean(None, 0, 2)
    assert paper.group_mean(code, {human_eval: 12.8}) == paper.GroupMean(None, 1, 2)
    full = {human_eval: 12.8, mbpp: 20.8, ("21", "MBPP pass@80"): 62.8}
    assert paper.group_mean(code, full) == paper.GroupMean((12.8 + 20.8) / 2, 2, 2)


def test_group_mean_knows_the_columns_that_print_one_score():
    mmlu = paper.GROUPS[5]
    assert paper.group_mean(mmlu, {("19", "Average"): 45.3}).value == 45.3
    with pytest.raises(InputError, match="MMLU: MMLU is given twice"):
        paper.group_mean(mmlu, {("19", "Average"): 45.3, ("20", "MMLU"): 45.3})


def test_every_cell_of_a_group_is_a_column_of_the_paper():
    assert tuple(group.name for group in paper.GROUPS) == TABLE3.columns
    for group in paper.GROUPS:
        for part in group.parts:
            columns = [paper.published(*cell) for cell in part.cells]
            assert all(column == columns[0] for column in columns)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=8))
def test_item_weighted_mean_is_the_share_of_right_answers(parts):
    scores = {str(i): min(right, n) / n for i, (right, n) in enumerate(parts)}
    items = {str(i): n for i, (_, n) in enumerate(parts)}
    right = sum(min(right, n) for right, n in parts)
    assert paper.item_weighted_mean(scores, items) == pytest.approx(right / sum(items.values()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paper.mean([]), "mean of no scores"),
        (
            lambda: paper.item_weighted_mean({"b": 1.0}, {"a": 1}),
            r"scores missing \['a'\], unknown \['b'\]",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(InputError, match=message):
        call()
