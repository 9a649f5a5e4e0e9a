"""The benchmarks, one file each, in an explicit list."""

from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import (
    agieval,
    arc_challenge,
    bbh,
    boolq,
    commonsense_qa,
    gsm8k,
    hellaswag,
    mmlu,
    nq_open,
    piqa,
    winogrande,
)
from llama_jax.evals.protocol import Benchmark, Protocol

BENCHMARKS: tuple[Benchmark, ...] = (
    hellaswag.BENCHMARK,
    arc_challenge.BENCHMARK,
    piqa.BENCHMARK,
    winogrande.BENCHMARK,
    boolq.BENCHMARK,
    mmlu.BENCHMARK,
    gsm8k.BENCHMARK,
    nq_open.BENCHMARK,
    commonsense_qa.BENCHMARK,
    bbh.BENCHMARK,
    agieval.BENCHMARK,
)


def benchmark(name: str) -> Benchmark:
    """Returns a benchmark by name; an unknown one is an InputError that lists those there are."""
    for known in BENCHMARKS:
        if known.name == name:
            return known
    names = ", ".join(sorted(known.name for known in BENCHMARKS))
    raise InputError(f"no benchmark {name!r}; there are: {names}")


def protocol(task: Benchmark, name: str | None = None) -> Protocol:
    """Returns a benchmark's protocol by name, its first without one; an unknown one is refused."""
    if name is None:
        return task.protocols[0]
    for known in task.protocols:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in task.protocols)
    raise InputError(f"{task.name} has no protocol {name!r}; it has: {names}")
