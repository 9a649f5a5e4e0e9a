"""The self-check where no text alone is right: verdicts on programs, judges, scored-only tasks.

    programs      every verdict true, then every verdict false
    judged        a stub judge that gives every label 1, then 0
    scored only   the first reference as the output, then an empty text

Each goes through the task's own scores and metrics, as recorded outcomes, a user's judge and
`llama-jax score` do.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from llama_jax.data.manifest import MANIFEST
from llama_jax.evals.judge import with_judge
from llama_jax.evals.plan import read_examples
from llama_jax.evals.protocol import Benchmark, Metric, Protocol
from llama_jax.evals.self_check import SelfCheck
from llama_jax.evals.types import Example, Generated, Output, Score

# As many samples as the largest k of a pass@k that is printed.
_SAMPLES = 100


def outcomes_check(task: Benchmark, data_dir: Path | None, limit: int | None) -> SelfCheck:
    """Programs that all pass, then programs that all fail."""
    rule = task.outcomes
    verdicts = [(right,) * _SAMPLES for right in (True, False)]
    scorers = [lambda example, v=v: rule.score(example, v) for v in verdicts]
    return _check(task, "outcomes", rule.metrics[0], scorers, data_dir, limit)


def judged_check(
    task: Benchmark, way: Protocol, data_dir: Path | None, limit: int | None
) -> SelfCheck:
    """A judge that gives every label 1, then one that gives 0."""
    scorers = []
    for value in (1.0, 0.0):
        labels = dict.fromkeys(way.judged.labels, value)
        judged = with_judge(task, lambda example, text, labels=labels: labels)
        found = next(one for one in judged.protocols if one.name == way.name)
        scorers.append(lambda example, s=found.score: s(example, _generated("text")))
    metric = next(m for m in way.judged.metrics if m.name == way.judged.primary)
    return _check(task, f"{way.name}, judge", metric, scorers, data_dir, limit)


def references_check(task: Benchmark, data_dir: Path | None, limit: int | None) -> SelfCheck:
    """The first reference as the output, then an empty text."""
    form = task.answer_formats[0]
    scorers = [
        lambda example: form.score(example, _generated(_reference(example))),
        lambda example: form.score(example, _generated("")),
    ]
    return _check(task, "saved", form.metrics[0], scorers, data_dir, limit)


def _check(
    task: Benchmark,
    name: str,
    metric: Metric,
    scorers: Sequence[Callable[[Example], Score]],
    data_dir: Path | None,
    limit: int | None,
) -> SelfCheck:
    examples = read_examples(task.name, task.examples, data_dir, "examples", MANIFEST)[1][:limit]
    values = []
    for score in scorers:
        value = metric.of(examples, [score(example) for example in examples]).value
        values.append(value / 100 if metric.unit == "points" else value)
    return SelfCheck(task.name, name, len(examples), values[0], values[1], ())


def _generated(text: str) -> Generated:
    return Generated((Output(text, "saved"),))


def _reference(example: Example) -> str:
    references = example.row.get("references") or {"": example.row["reference"]}
    return next(iter(references.values()))
