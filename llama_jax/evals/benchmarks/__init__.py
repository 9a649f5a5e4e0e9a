"""The benchmarks, one file each, in an explicit list."""

from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import (
    ag_news,
    agieval,
    arc_challenge,
    arc_easy,
    bbh,
    bold,
    boolq,
    cnn_dailymail,
    commonsense_qa,
    geoquery,
    gsm8k,
    hellaswag,
    humaneval,
    imdb,
    math,
    mbpp,
    mmlu,
    mnli,
    ner,
    nq_open,
    openbookqa,
    piqa,
    quac,
    simlex999,
    siqa,
    spider,
    squad_v1,
    squad_v2,
    sst2,
    toxigen,
    triviaqa,
    truthfulqa,
    wic,
    winogrande,
    wmt17_en_de,
    wmt22_en_de,
    wordsim353,
    xsum,
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
    siqa.BENCHMARK,
    arc_easy.BENCHMARK,
    openbookqa.BENCHMARK,
    sst2.BENCHMARK,
    imdb.BENCHMARK,
    ag_news.BENCHMARK,
    mnli.BENCHMARK,
    wic.BENCHMARK,
    truthfulqa.BENCHMARK,
    toxigen.BENCHMARK,
    bold.BENCHMARK,
    triviaqa.BENCHMARK,
    squad_v1.BENCHMARK,
    squad_v2.BENCHMARK,
    quac.BENCHMARK,
    wmt17_en_de.BENCHMARK,
    wmt22_en_de.BENCHMARK,
    cnn_dailymail.BENCHMARK,
    xsum.BENCHMARK,
    humaneval.BENCHMARK,
    mbpp.BENCHMARK,
    commonsense_qa.BENCHMARK,
    bbh.BENCHMARK,
    agieval.BENCHMARK,
    wordsim353.BENCHMARK,
    simlex999.BENCHMARK,
    ner.BENCHMARK,
    math.BENCHMARK,
    geoquery.BENCHMARK,
    spider.BENCHMARK,
)


def benchmark(name: str) -> Benchmark:
    """Returns a benchmark by name; an unknown one is an InputError that lists those there are."""
    for known in BENCHMARKS:
        if known.name == name:
            return known
    names = ", ".join(sorted(known.name for known in BENCHMARKS))
    raise InputError(f"no benchmark {name!r}; there are: {names}")


def protocol(task: Benchmark, name: str | None = None) -> Protocol:
    """Returns a benchmark's protocol by name, its first without one; an unknown one is refused.

    A benchmark without protocols, of which the files hold the references only, cannot be run.
    """
    if not task.protocols:
        raise InputError(
            f"{task.name} cannot be run: its files hold the references and no input; score outputs "
            "that were saved with `llama-jax score`"
        )
    if name is None:
        return task.protocols[0]
    for known in task.protocols:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in task.protocols)
    raise InputError(f"{task.name} has no protocol {name!r}; it has: {names}")
