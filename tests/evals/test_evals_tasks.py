import json

import pytest

from llama_jax import paper
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import BENCHMARKS
from llama_jax.evals.run import evaluate
from llama_jax.evals.tasks import benchmark_of, choose, paper_column

HERE = {benchmark.name: benchmark for benchmark in BENCHMARKS}
TABLES = [f"table{number}" for number in paper.MEASURED]


def metrics_of(benchmark):
    """Names of the metrics of its first protocol, those of judges and of outcomes among them."""
    protocol = benchmark.protocols[0]
    rules = (protocol, getattr(protocol, "judged", None), getattr(benchmark, "outcomes", None))
    return {metric.name for rule in rules if rule is not None for metric in rule.metrics}


def names(*tasks, **more):
    return [one.name for one in choose(tasks, **more)]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_stands_for_its_tasks(table):
    needed = list(dict.fromkeys(map(benchmark_of, paper.tasks_of(table))))
    chosen = choose([table])
    assert list(dict.fromkeys(one.benchmark.name for one in chosen)) == needed
    assert len(chosen) == len(paper.tasks_of(table))


@pytest.mark.parametrize("table", TABLES)
def test_what_a_table_needs_of_the_benchmarks_here_is_defined(table):
    for column in paper.MEASURED[table.removeprefix("table")]:
        for measure in column.measures:
            name, _, shots = measure.task.partition("@")
            protocol = HERE[name].protocols[0]
            assert protocol.name == "paper"
            assert not shots or int(shots) in protocol.shots
            if measure.metric:
                assert measure.metric in metrics_of(HERE[name])
            else:
                assert HERE[name].paper is not None


def test_a_column_of_one_task_is_the_one_that_the_benchmark_names():
    for benchmark in BENCHMARKS:
        if benchmark.paper is not None:
            own = benchmark.paper
            shots = benchmark.protocols[0].shots[0]
            specs = (f"{benchmark.name}@{shots}", benchmark.name)
            assert own.column in [paper.column_of(own.table, s, own.metric) for s in specs]


def test_shots_are_in_the_name_unless_they_are_the_protocols_own():
    assert names("nq_open@64", "nq_open@5", "nq_open@0") == ["nq_open@64", "nq_open", "nq_open@0"]
    assert names("gsm8k", "mmlu", shots=4) == ["gsm8k@4", "mmlu@4"]
    assert [one.shots for one in choose(["gsm8k", "mmlu@0"])] == [8, 0]
    assert names("nq_open@1", protocol="lm-eval") == ["nq_open@1"]


def test_what_a_table_shares_with_others_is_run_once():
    assert names("table19") == ["mmlu"]
    assert names("nq_open@1", "table19", "mmlu") == ["nq_open@1", "mmlu"]


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([], r"tasks \(none\): name at least one"),
        (["mmlu", "mmlu@5"], "tasks mmlu, mmlu: name at least one, none twice"),
        (["table19", "table19"], "tasks table19, table19: name at least one, none twice"),
        (["table5"], "no table 'table5'; there are: table3, table4"),
        (["table"], "no table 'table'"),
        (["nq_open@"], "task 'nq_open@': after @ a number of shots is expected"),
        (["nq_open@-1"], "task 'nq_open@-1': after @"),
        (["nq_open@5@5"], "task 'nq_open@5@5': after @"),
        (["nothing@5"], "no benchmark 'nothing'"),
    ],
)
def test_a_wrong_name_is_refused(tasks, message):
    with pytest.raises(InputError, match=message):
        choose(tasks)


@pytest.mark.parametrize("task", ["nq_open@64", "table19", "table3"])
def test_two_numbers_of_shots_for_one_task_are_refused(task):
    with pytest.raises(InputError, match=f"shots 5: task {task} says its own; give only one"):
        choose(["mmlu", task], shots=5)


def test_the_papers_column_follows_the_shots():
    nq = HERE["nq_open"]
    assert paper_column(nq, "nq_open").column == "NQ 5-shot"
    assert paper_column(nq, "nq_open@64").column == "NQ 64-shot"
    assert paper_column(nq, "nq_open@7") is None
    assert paper_column(HERE["mmlu"], "mmlu@0") is None


@pytest.fixture
def run(tokenizer, model_info, engine_class, tmp_path):
    """Evaluates on the samples inside the package, into tmp_path/out."""

    def go(*tasks, engine=None, **more):
        engine = engine or engine_class()
        info = model_info.__class__(**vars(model_info) | {"context": 4096})
        out = tmp_path / "out"
        return evaluate(engine, tokenizer, tasks, model_info=info, out_dir=out, **more), engine

    return go


def test_several_numbers_of_shots_stand_side_by_side(run, tmp_path):
    results, _ = run("nq_open@0", "nq_open", "nq_open@1", limit=2)
    document = json.loads((tmp_path / "out" / "results.json").read_text())
    tasks = document["tasks"]
    assert {name: task["shots"] for name, task in tasks.items()} == {
        "nq_open": 5,
        "nq_open@0": 0,
        "nq_open@1": 1,
    }
    assert [task["paper"]["column"] for task in tasks.values()] == [
        "NQ 5-shot",
        "NQ 0-shot",
        "NQ 1-shot",
    ]
    assert len({task["hashes"]["prompts"] for task in tasks.values()}) == 3
    samples = {path.stem for path in (tmp_path / "out" / "samples").iterdir()}
    assert samples == set(results.samples) == set(results.run["tasks"]) == set(tasks)
    again, idle = run("nq_open@1", "nq_open@0", limit=2)
    assert (idle.calls, again.summary) == (0, results.summary)


def test_an_interrupted_run_over_shots_is_finished(run, engine_class, crash):
    specs = ("nq_open@0", "nq_open@1")
    with pytest.raises(crash):
        run(*specs, engine=engine_class(crash_after=3), limit=2)
    _, engine = run(*specs, limit=2)
    assert engine.counts["generated"] == 4 - 3


def test_a_number_of_shots_that_a_protocol_lacks_is_refused(run, tmp_path):
    with pytest.raises(InputError, match="nq_open: 7 shots; protocol paper is defined for 5, 0"):
        run("nq_open@7")
    assert not (tmp_path / "out").exists()
