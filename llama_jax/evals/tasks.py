"""From the names that a person gives to what is run: benchmark, protocol, number of shots.

"nq_open"      NQ-open with the protocol's own number of shots
"nq_open@64"   with 64; it is called so in the results unless 64 is the protocol's own number
"table22"      what Table 22 of the paper needs
"""

from collections.abc import Sequence
from dataclasses import dataclass

from llama_jax import paper
from llama_jax.errors import InputError
from llama_jax.evals import benchmarks
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol


def task_name(benchmark: Benchmark, protocol: Protocol, shots: int) -> str:
    """The task in results: with its shots where they are not the protocol's own number."""
    return benchmark.name if shots == protocol.shots[0] else f"{benchmark.name}@{shots}"


@dataclass(frozen=True)
class Chosen:
    """One task to run."""

    benchmark: Benchmark
    protocol: Protocol
    shots: int

    @property
    def name(self) -> str:
        """The task in results.json, samples/ and journal/."""
        return task_name(self.benchmark, self.protocol, self.shots)


def choose(
    tasks: Sequence[str | Benchmark], protocol: str | None = None, shots: int | None = None
) -> list[Chosen]:
    """Returns what is to be run, in the order given; what two tables share is run once.

    Args:
        tasks: benchmarks, or names as above.
        protocol: of all of them; None for the first that each benchmark has.
        shots: of all of them, where no name says its own; None for each protocol's own number.

    Raises:
        InputError: no task, an unknown one, one named twice, or two numbers of shots for one.
    """
    named: list[Chosen] = []
    found: dict[str, Chosen] = {}
    for task in tasks:
        if shots is not None and isinstance(task, str) and (_is_table(task) or "@" in task):
            raise InputError(f"shots {shots}: task {task} says its own; give only one of the two")
        if isinstance(task, str) and _is_table(task):
            ours = [_parsed(spec, protocol, shots) for spec in paper.tasks_of(task)]
        else:
            ours = [_parsed(task, protocol, shots)]
            named += ours
        for one in ours:
            found.setdefault(one.name, one)
    names = [one.name for one in named] + [t for t in tasks if isinstance(t, str) and _is_table(t)]
    if not names or len(set(names)) < len(names):
        raise InputError(f"tasks {', '.join(names) or '(none)'}: name at least one, none twice")
    return list(found.values())


def paper_column(benchmark: Benchmark, task: str) -> PaperColumn | None:
    """Returns where the paper prints a task of the results, which may have shots in its name.

    The benchmark's own column stands beside each protocol's own number of shots; another number
    has the column of the same table that prints it, or none.
    """
    own = benchmark.paper
    if own is None or "@" not in task:
        return own
    column = paper.column_of(own.table, task, own.metric)
    return None if column is None else PaperColumn(own.table, column, own.metric)


def _is_table(name: str) -> bool:
    return name.startswith(paper.PREFIX) and all(b.name != name for b in benchmarks.BENCHMARKS)


def benchmark_of(task: str) -> str:
    """The benchmark of a task as the results name it."""
    return task.partition("@")[0]


def _parsed(task: str | Benchmark, protocol: str | None, shots: int | None) -> Chosen:
    if isinstance(task, str) and "@" in task:
        name, _, number = task.partition("@")
        if not (number.isascii() and number.isdigit()):
            raise InputError(f"task {task!r}: after @ a number of shots is expected")
        task, shots = name, int(number)
    benchmark = benchmarks.benchmark(task) if isinstance(task, str) else task
    way = benchmarks.protocol(benchmark, protocol)
    return Chosen(benchmark, way, way.shots[0] if shots is None else shots)
