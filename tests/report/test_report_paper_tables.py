import copy
import re

import pytest

from llama_jax import paper
from llama_jax.errors import InputError
from llama_jax.report import RunFiles, paper_table, paper_tables, table3, to_markdown


def entry(value, shots, metrics=("acc",), **more):
    """One task of results.json; every metric has the same value, with the error 0.01."""
    numbers = {"value": value, "stderr": 0.01, "unit": more.pop("unit", "fraction")}
    return {
        "protocol": "paper",
        "protocol_version": 1,
        "shots": shots,
        "n": 10,
        "of": 10,
        "metrics": dict.fromkeys(metrics, numbers),
        "paper": {"table": "20", "column": "BoolQ", "metric": metrics[0], "rows": {}},
        "primary": metrics[0],
    } | more


def parsed(results, tasks, label="ours"):
    return RunFiles.parse(results | {"tasks": tasks}, label=label)


def everything(number):
    """A run that holds every task of a table; the i-th of them scores i percent."""
    parts: dict[str, dict] = {}
    for measure in [m for column in paper.MEASURED[number] for m in column.measures]:
        task = parts.setdefault(measure.task, {"metrics": ["acc"], "subtasks": []})
        task["metrics"] += [measure.metric] if measure.metric else []
        task["subtasks"] += [measure.subtask] if measure.subtask else []
    tasks = {}
    for i, (name, part) in enumerate(parts.items()):
        found = entry(i / 100, int(name.partition("@")[2] or 3), tuple(part["metrics"]))
        found["subtasks"] = {s: {"n": 1, "metrics": found["metrics"]} for s in part["subtasks"]}
        tasks[name] = found
    return tasks


def test_table3_prints_the_paper_and_then_our_runs(results):
    table = table3([RunFiles.parse(results, label="trained")])
    assert table.header == ("model", *paper.table("3").columns)
    *printed, ours = table.rows
    assert [row[0] for row in printed] == list(paper.table("3").rows)
    by_model = {row[0]: row[1:] for row in printed}
    assert " ".join(by_model["Llama 2 7B"]) == "16.8 63.9 48.9 61.3 14.6¹ 45.3 32.6 29.3"
    assert by_model["Llama 1 7B"][4] == "6.95"
    marked = [(row[0], name) for row in printed for name, c in zip(table.header, row, strict=True)]
    marked = [key for key, c in zip(marked, sum(printed, ()), strict=True) if c.endswith("¹")]
    assert set(marked) == {(c.row, c.column) for c in paper.CONTRADICTIONS if c.table == "3"}
    # Math is the mean of 14.25 and 25; its error is half of sqrt(0.96^2 + 5^2).
    assert ours == ("trained", "-", "-", "-", "1 of 3", "19.6 ± 2.5‡", "-", "-", "-")
    assert table.ours == {12}


def test_the_notes_of_table3_explain_every_mark_and_no_other(results):
    notes = table3([RunFiles.parse(results, label="trained")]).notes
    starts = [note.split()[0] for note in notes]
    assert starts == ["Open", "¹", "¹", "¹", "‡", "k", "trained"]
    assert notes[0].startswith("Open base models on eight groups of academic benchmarks. All in")
    assert "14.6, but other cells give 8.55" in notes[1]
    assert notes[-1].startswith("trained lacks humaneval@0, mbpp@3, piqa@0")
    assert "gsm8k" not in notes[-1] and "boolq" not in notes[-1]


def test_a_group_without_all_errors_has_none(results):
    results["tasks"]["math"]["metrics"]["exact_match"]["stderr"] = None
    assert table3([RunFiles.parse(results, label="x")]).rows[-1][5] == "19.6‡"


@pytest.mark.parametrize("number", paper.MEASURED)
def test_a_run_with_all_tasks_fills_its_row(results, number):
    table = paper_table(number, [parsed(results, everything(number))])
    assert table.rows[-1][0] == "ours" and table.ours == {len(table.rows) - 1}
    assert all(re.fullmatch(r"\d+\.\d+ ± \d\.\d+", cell) for cell in table.rows[-1][1:])
    assert len({len(row) for row in table.rows} | {len(table.header), len(table.align)}) == 1
    assert not any("lacks" in note or "k of m" in note for note in table.notes)
    assert f"Table {number}, page" in table.notes[0]


def test_a_mean_weights_its_tasks_equally(results):
    tasks = everything("3")
    assert list(tasks)[:2] == ["humaneval@0", "mbpp@3"]  # 0 and 1 percent
    row = table3([parsed(results, tasks)]).rows[-1]
    assert row[1] == "0.5 ± 0.7"  # sqrt(1 + 1) / 2
    assert row[2] == "5.5 ± 0.4"  # 2 to 9 percent; sqrt(8) / 8


def test_a_missing_task_leaves_the_cell_without_a_mean(results):
    tasks = everything("3")
    del tasks["siqa@0"], tasks["agieval"]
    table = table3([parsed(results, tasks)])
    assert (table.rows[-1][2], table.rows[-1][8]) == ("7 of 8", "-")
    assert table.notes[-1] == "ours lacks siqa@0, agieval."


def test_the_shots_decide_not_the_name_in_the_results(results):
    tasks = {f"nq_open@{n}": entry(n / 100, n) for n in (0, 1, 64)}
    tasks["nq_open"] = entry(0.05, 5)  # the protocol's own number
    row = paper_table("22", [parsed(results, tasks)]).rows[-1]
    assert [cell.split()[0] for cell in row[1:]] == ["0.0", "1.0", "5.0", "64.0", *"----"]
    assert table3([parsed(results, tasks)]).rows[-1][3] == "1 of 2"
    del tasks["nq_open"]
    assert table3([parsed(results, tasks)]).rows[-1][3] == "-"


def test_table_4_has_a_row_for_each_model(results):
    table = paper_table("4", [parsed(results, {"gsm8k": entry(0.125, 8)})])
    assert table.header[0] == "model" and table.header[4] == "GSM8K (8-shot)"
    assert [row[0] for row in table.rows] == [*paper.table("4").columns, "ours"]
    assert table.rows[0] == ("GPT-3.5", "70.0", "", "", "57.1", "48.1", "")
    assert table.rows[-1][1:5] == ("-", "-", "-", "12.5 ± 1.0")


def test_cells_are_printed_with_the_papers_decimals(results):
    toxigen = {
        row[0]: row[2] for row in paper_table("11", [parsed(results, {"x": entry(1, 0)})]).rows
    }
    assert toxigen["Llama 1 7B"] == "23.00"
    groups = paper_table("45", [parsed(results, everything("45"))]).rows
    assert {row[0]: row[1] for row in groups}["Llama 2-Chat 7B"] == "0"
    assert groups[-1][1] == "0.00 ± 1.00"


def test_toxigen_is_the_mean_of_its_groups_and_says_which_are_missing(results):
    tasks = everything("45")
    parts = tasks["toxigen"]["subtasks"]
    for i, part in enumerate(parts.values()):
        part["metrics"] = {"toxicity": {"value": i / 100, "stderr": None, "unit": "fraction"}}
    assert paper_table("11", [parsed(results, tasks)]).rows[-1][1:] == ("-", "6.00")
    del parts["black"]
    table = paper_table("11", [parsed(results, tasks)])
    assert table.rows[-1][1:] == ("-", "12 of 13")
    assert table.notes[-1] == "ours lacks truthfulqa@6, black of toxigen."


def test_a_metric_that_a_task_does_not_have_is_named(results):
    tasks = {"truthfulqa": entry(0.4, 6, ("mc2",)), "toxigen": everything("45")["toxigen"]}
    table = paper_table("11", [parsed(results, tasks)])
    assert table.rows[-1][1] == "-"
    assert table.notes[-1] == "ours lacks true_info of truthfulqa."
    without = entry(0.4, 3, ("answered",), paper=None)  # its judge has not spoken
    tables = [paper_table("3", [parsed(results, {"bbh": without})])]
    assert tables[0].rows[-1][7] == "-" and "a metric of bbh" in tables[0].notes[-1]


def test_sentiment_is_no_percentage(results):
    tasks = everything("47")
    for part in tasks["bold"]["subtasks"].values():
        part["metrics"] = {"sentiment": {"value": 0.3125, "stderr": 0.02, "unit": "compound"}}
    table = paper_table("47", [parsed(results, tasks)])
    assert table.rows[-1][1:] == ("0.31 ± 0.02", "0.31 ± 0.02")
    assert "All in mean VADER compound score" in table.notes[0]


def test_samples_and_other_protocols_are_marked(results):
    column = {"table": "22", "column": "NQ 5-shot", "metric": "acc", "rows": {}}
    task = entry(0.05, 5, data="samples", protocol="lm-eval", paper=column)
    assert paper_table("22", [parsed(results, {"nq_open": task})]).rows[-1][3] == "5.0 ± 1.0†§"


def test_a_report_shows_table_3_and_the_tables_that_are_complete(results):
    def shown(*runs):
        return [table.title.split()[1] for table in paper_tables(runs)]

    assert shown(RunFiles.parse(results, label="a")) == ["3", "25"]  # GSM8K and MATH
    assert shown(parsed(results, {"x": entry(0, 0)})) == ["3"]
    judged_later = {"toxigen": entry(0, 0, ("answered",), paper=None)}
    assert shown(parsed(results, judged_later)) == ["3"]
    nothing = parsed(results, {"x": entry(0, 0)}, "nothing")
    both = nothing, parsed(results, everything("22") | everything("19"), "all")
    assert shown(*both) == ["3", "19", "22"]
    rows = paper_tables(both)[2].rows
    assert rows[-2] == ("nothing", *"--------") and "-" not in rows[-1]
    assert shown(parsed(results, everything("3"))) == ["3", "19", "20", "21", "24", "25"]
    markdown = to_markdown(paper_tables(both)[2])
    assert markdown.startswith("## Table 22 of the paper\n")


def test_two_tasks_of_one_place_are_refused(results):
    # Two protocols, whose own numbers of shots differ, in one folder.
    tasks = {"gsm8k": entry(0.1, 5), "gsm8k@5": entry(0.2, 5)}
    run = parsed(results, tasks)
    assert table3([run]).rows[-1][5] == "-"
    for task in tasks.values():
        task["shots"] = 8
    with pytest.raises(InputError, match="ours: tasks gsm8k and gsm8k@5 both are gsm8k@8"):
        table3([parsed(results, tasks)])


def test_a_bad_subtask_is_refused(results):
    bad = copy.deepcopy(everything("45"))
    bad["toxigen"]["subtasks"]["women"] = {"n": 1}
    with pytest.raises(InputError, match="toxigen: women: no 'metrics'"):
        parsed(results, bad)
