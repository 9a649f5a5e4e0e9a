import copy
from html.parser import HTMLParser

import pytest

from llama_jax.errors import InputError
from llama_jax.report import RunFiles, Table, benchmark_table, table3, to_html, to_markdown

GOLDEN = """\
## Benchmarks beside Llama 2 7B

| benchmark  | run     |       ours ± SE | chance | Llama 2 7B | ours - paper | status         |       n of N | metric      | protocol         |
| ---------- | ------- | --------------: | -----: | ---------: | -----------: | -------------- | -----------: | ----------- | ---------------- |
| gsm8k      | trained |    14.25 ± 0.96 |      - |       14.6 |        -0.35 | within 2 SE    | 1319 of 1319 | exact_match | paper v1, 8-shot |
| math       | trained |    25.00 ± 5.00 |      - |        2.5 |      +22.50‡ | partial        |  100 of 5000 | exact_match | paper v1, 4-shot |
| boolq      | trained |   50.00 ± 12.50 |   50.0 |       77.4 |      -27.40† | samples        |   16 of 3270 | acc         | paper v1, 0-shot |
| perplexity | trained | 12.50 per token |      - |          - |            - | no paper value |       1 of 1 | perplexity  | paper v1, 0-shot |

- Scores, errors and differences in percent unless a unit is named; SE is the standard error. Within 2 SE: the paper's value lies within two of our standard errors.
- † measured on the package's few samples, not on the benchmark: comparing it with the paper says nothing about the model.
- ‡ measured on a part of the benchmark.
"""  # noqa: E501 - the table as it is printed


def column(table, name):
    return [row[table.header.index(name)] for row in table.rows]


def test_benchmark_table_as_printed(results):
    assert to_markdown(benchmark_table([RunFiles.parse(results, label="trained")])) == GOLDEN


def test_rows_of_the_hub_are_compared_and_marked(results):
    results["tasks"]["gsm8k"]["data"] = "hub"
    table = benchmark_table([RunFiles.parse(results, label="x")])
    assert column(table, "status")[0] == "within 2 SE"
    assert column(table, "ours - paper")[0] == "-0.35¶"
    assert any(note.startswith("¶ read from the Hugging Face hub's files") for note in table.notes)
    results["tasks"]["gsm8k"]["n"] -= 1
    assert RunFiles.parse(results, label="x").tasks["gsm8k"].data == "partial"


def test_another_protocol_is_marked(results):
    for name in ("gsm8k", "math"):
        results["tasks"][name]["protocol"] = "lm-eval"
    run = RunFiles.parse(results, label="x")
    assert table3([run]).rows[-1][5] == "19.6 ± 2.5‡§"
    assert column(benchmark_table([run]), "ours - paper")[:2] == ["-0.35§", "+22.50‡§"]


def test_another_judge_is_marked(results):
    results["tasks"]["gsm8k"]["judge"] = "my:judge"
    run = RunFiles.parse(results, label="x")
    table = benchmark_table([run])
    assert column(table, "ours - paper")[0] == "-0.35§"
    assert any("another protocol, metric, judge or number of" in note for note in table.notes)


def test_runs_stand_side_by_side(results):
    other = copy.deepcopy(results)
    del other["tasks"]["math"]
    runs = [RunFiles.parse(results, label="a"), RunFiles.parse(other, label="b")]
    table = benchmark_table(runs)
    pairs = list(zip(column(table, "benchmark"), column(table, "run"), strict=True))
    assert pairs[:4] == [("gsm8k", "a"), ("gsm8k", "b"), ("math", "a"), ("boolq", "a")]
    assert [row[0] for row in table3(runs).rows[12:]] == ["a", "b"]


def test_the_reference_row_can_be_another(results):
    results["tasks"]["gsm8k"]["paper"]["rows"]["Llama 2 70B"] = 56.8
    table = benchmark_table([RunFiles.parse(results, label="a")], "Llama 2 70B")
    assert column(table, "Llama 2 70B") == ["56.8", "-", "-", "-"]
    assert column(table, "status")[0] == "differs"


@pytest.mark.parametrize(
    ("difference", "stderr", "status"),
    [(0.02, 0.01, "within 2 SE"), (0.0201, 0.01, "differs"), (0.0, None, "no error known")],
)
def test_status(results, difference, stderr, status):
    metric = results["tasks"]["gsm8k"]["metrics"]["exact_match"]
    results["tasks"]["gsm8k"]["paper"]["rows"]["Llama 2 7B"] = 0.0
    metric.update(value=difference, stderr=stderr)
    assert column(benchmark_table([RunFiles.parse(results, label="a")]), "status")[0] == status


def test_chance_belongs_to_the_primary_metric_alone(results):
    task = results["tasks"]["boolq"]
    task["metrics"]["acc_norm"] = {"value": 0.25, "stderr": None, "unit": "fraction"}
    task["primary"] = "acc_norm"
    table = benchmark_table([RunFiles.parse(results, label="a")])
    assert column(table, "metric")[2:4] == ["acc_norm", "acc"]
    assert column(table, "chance")[2:4] == ["50.0", "-"]
    assert column(table, "ours - paper")[2:4] == ["-", "-27.40†"]


def test_overflow_is_told(results):
    results["tasks"]["gsm8k"]["overflow"] = {"policy": "drop-shots", "examples": 31}
    results["tasks"]["math"]["overflow"] = {"policy": "error", "examples": 0}
    notes = benchmark_table([RunFiles.parse(results, label="a")]).notes
    told = [note for note in notes if "too long" in note]
    assert told == ["a, gsm8k: too long for the context: policy drop-shots, examples 31."]


def test_a_score_with_dropped_shots_is_not_the_papers(results):
    results["tasks"]["gsm8k"]["overflow"] = {"policy": "drop-shots", "examples": 1, "shots": 2}
    table = benchmark_table([RunFiles.parse(results, label="a")])
    assert column(table, "ours - paper")[0] == "-0.35§"
    assert "§ another protocol, metric, judge or number of shots than the paper's." in table.notes


@pytest.mark.parametrize("make", [table3, benchmark_table])
def test_runs_need_labels_of_their_own(results, make):
    run = RunFiles.parse(results, label="a")
    with pytest.raises(InputError, match="label 'a' names two runs"):
        make([run, run])
    with pytest.raises(InputError, match="report: no runs"):
        make([])


def test_an_unknown_reference_is_refused(results):
    with pytest.raises(InputError, match="'Llama 2 8B': not in the paper; for example MPT 7B"):
        benchmark_table([RunFiles.parse(results, label="a")], "Llama 2 8B")


SMALL = Table("T", ("a", "b"), (("x|y*<b>", "1"), ("z\nz", "-")), "lr", frozenset({1}), ("n <i>",))


def test_markdown_escapes_what_would_end_a_cell():
    assert to_markdown(SMALL).splitlines()[2:6] == [
        r"| a          |   b |",
        r"| ---------- | --: |",
        r"| x\|y\*\<b> |   1 |",
        r"| z z        |   - |",
    ]


def test_html_escapes_and_marks_our_rows():
    text = to_html(SMALL)
    assert "x|y*&lt;b&gt;" in text and "<i>" not in text
    assert text.count('<tr class="ours">') == 1
    rows = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: rows.append(tag) if tag in ("td", "th") else None
    parser.feed(text)
    assert rows == ["th", "th", "th", "td", "th", "td"]
