import dataclasses
from collections import Counter

import pytest

from llama_jax import paper
from llama_jax.errors import InputError
from llama_jax.paper.recompute import TABLES
from llama_jax.paper.rules import rules

CHECKS = paper.recompute()
FOLLOWS = {
    ("2", "gpu_hours"): 1,
    ("2", "tCO2eq"): 1,
    ("3", "Code"): 12,
    ("3", "Commonsense Reasoning"): 12,
    ("3", "World Knowledge"): 12,
    ("3", "Reading Comprehension"): 12,
    ("3", "Math"): 12,
    ("3", "MMLU"): 12,
    ("3", "AGI Eval"): 12,
    ("4", "Llama 2 70B"): 6,
    ("6", "comparisons"): 2,
    ("6", "turns_per_dialogue"): 1,
    ("6", "tokens_per_example"): 1,
    ("6", "tokens_in_prompt"): 1,
    ("6", "tokens_in_response"): 1,
    ("11", "TruthfulQA"): 12,
    ("11", "ToxiGen"): 12,
    ("14", "TruthfulQA"): 7,
    ("14", "ToxiGen"): 7,
    ("19", "Humanities"): 2,
    ("19", "Average"): 12,
    ("20", "HellaSwag"): 2,
    ("20", "MMLU"): 12,
    ("24", "Avg"): 12,
    ("26", "comparisons"): 1,
}
"""How many cells of a column follow from other printed cells; of no other column any does."""


def place(found):
    return (found.table, found.row, found.column)


def test_every_printed_cell_is_reported_once_and_none_is_left_out():
    printed = [
        (number, row, column)
        for number in TABLES
        for row, cells in paper.table(number).rows.items()
        for column, value in cells.items()
        if value is not None
    ]
    assert [place(check) for check in CHECKS] == printed
    assert len(printed) == 1894
    assert all(check.printed == paper.table(check.table).rows[check.row][check.column]
               for check in CHECKS)  # fmt: skip


def test_all_cells_are_equal_apart_from_the_named_contradictions():
    apart = {place(check) for check in CHECKS if check.status == "contradiction"}
    assert apart == {place(known) for known in paper.CONTRADICTIONS}
    assert apart == {
        ("3", "Llama 2 7B", "Math"),
        ("3", "Llama 2 13B", "Math"),
        ("3", "Falcon 40B", "AGI Eval"),
        ("6", "Total", "comparisons"),
        ("19", "Llama 2 70B", "Humanities"),
        ("20", "Llama 2 7B", "HellaSwag"),
        ("20", "Llama 2 70B", "HellaSwag"),
        ("24", "Falcon 40B", "Avg"),
    }
    with_rule = [c for c in CHECKS if c.status != "not recomputable"]
    assert Counter((c.table, c.column) for c in with_rule) == FOLLOWS
    assert Counter(c.status for c in CHECKS) == {
        "equal": 169,
        "contradiction": 8,
        "not recomputable": 1717,
    }


def test_all_but_three_equal_cells_round_to_the_printed_one_as_they_are():
    helped = {place(c) for c in CHECKS if c.status == "equal" and not c.rounds}
    assert helped == {
        ("2", "Total", "tCO2eq"),
        ("3", "Falcon 7B", "AGI Eval"),
        ("24", "Falcon 7B", "Avg"),
    }


@pytest.mark.parametrize("known", paper.CONTRADICTIONS, ids=lambda c: "-".join(place(c)))
def test_a_contradiction_has_its_value_and_its_reason(known):
    (check,) = [c for c in CHECKS if place(c) == place(known)]
    assert check.reason == known.why
    assert abs(check.recomputed - check.printed) > check.slack
    # `implied` is given as the paper would print it.
    assert check.recomputed == pytest.approx(known.implied, abs=check.slack)


def test_the_columns_without_rules_say_why():
    for check in CHECKS:
        if check.status == "not recomputable":
            assert check.reason and check.recomputed is check.slack is check.rounds is None
    (bbh,) = {c.reason for c in CHECKS if (c.table, c.column) == ("3", "BBH")}
    assert bbh == "printed here and in Table 4 only; its tasks have no table"
    others = {c.reason for c in CHECKS if c.table == "4" and c.column != "Llama 2 70B"}
    assert others == {"another model's own report"}


def test_every_column_that_table3_uses_is_checked_too():
    used = {cell for group in paper.GROUPS for part in group.parts for cell in part.cells}
    reported = {(check.table, check.column) for check in CHECKS}
    assert used <= reported
    for group in paper.GROUPS:
        for part in group.parts:
            columns = [paper.published(*cell) for cell in part.cells]
            assert all(column == columns[0] for column in columns)


def test_the_weights_of_a_mean_sum_to_one():
    for number in TABLES:
        for (row, column), rule in rules(number).items():
            if row != "Total":
                assert sum(weight for weight, _ in rule.terms) == 1, (number, row, column)


def test_slack_is_half_a_unit_here_and_half_a_unit_there():
    checks = {place(check): check for check in CHECKS}
    assert checks["3", "Llama 2 7B", "Code"].slack == 0.1
    assert checks["3", "Llama 1 7B", "Math"].slack == pytest.approx(0.005 + 0.05)  # 6.95
    assert checks["11", "Llama 1 7B", "ToxiGen"].slack == 0.01  # printed 23.00
    assert checks["26", "Total", "comparisons"].slack == 0  # a count
    assert checks["2", "Total", "tCO2eq"].slack == pytest.approx(0.005 + 4 * 0.005)


def test_one_changed_cell_is_noticed(monkeypatch):
    tables = dict(paper.data._tables())
    changed = {row: dict(cells) for row, cells in tables["22"].rows.items()}
    changed["MPT 7B"]["NQ 5-shot"] += 0.4
    tables["22"] = dataclasses.replace(tables["22"], rows=changed)
    monkeypatch.setattr(paper.data, "_tables", lambda: tables)
    (check,) = [c for c in paper.recompute(["3"]) if c.status == "contradiction" and
                c.row == "MPT 7B"]  # fmt: skip
    assert (check.column, check.recomputed) == ("World Knowledge", 41.2)
    assert check.reason.startswith("no reason is known; the plain mean of NQ 5-shot, TriviaQA")


def test_a_table_that_is_not_checked_is_refused():
    with pytest.raises(InputError, match="table '5' of the paper: not checked; there are 2, 3, 4"):
        paper.recompute(["3", "5"])
