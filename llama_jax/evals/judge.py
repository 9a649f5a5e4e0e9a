"""Judges: what tells whether a generation is toxic, truthful or informative is the user's choice.

The classifiers behind these numbers are models of their own (some no longer served), so a benchmark
only says which labels it needs. A judge is any callable

    judge(example, text) -> {"toxic": 1}

from an example and a generation to a number from 0 to 1 for each label. Without one the generations
are made and written all the same; the metrics that need a judge are left out. The answers being
journalled, the same command with a judge later asks the model nothing again.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llama_jax.errors import InputError
from llama_jax.evals.generated import mean_of_outputs
from llama_jax.evals.protocol import Benchmark, Judged, Protocol
from llama_jax.evals.types import Example, Generated, Score

Judge = Callable[[Example, str], Mapping[str, float]]


def load_judge(name: str) -> Judge:
    """Imports the judge that "module:function" names.

    Raises:
        InputError: it is not of that form, cannot be imported, or is no function.
    """
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise InputError(f"judge {name!r} is not of the form module:function")
    try:
        found: Any = importlib.import_module(module)
    except (ImportError, SyntaxError, TypeError, ValueError) as error:
        raise InputError(
            f"judge {name!r}: {error}; its folder must be in PYTHONPATH, or the module installed"
        ) from error
    judge = getattr(found, function, None)
    if not callable(judge):
        raise InputError(f"judge {name!r}: the module {module} has no function {function!r}")
    return judge


def with_judge(benchmark: Benchmark, judge: Judge, name: str = "") -> Benchmark:
    """Returns the benchmark with its judged metrics, computed through `judge`.

    Args:
        benchmark: one with a protocol that needs a judge.
        judge: (example, text) to the labels that the protocol names.
        name: how results name the judge; default: module and name of the callable.

    Raises:
        InputError: no protocol of the benchmark needs a judge.
    """
    needs = [protocol.judged for protocol in benchmark.protocols if protocol.judged]
    if not needs:
        raise InputError(f"{benchmark.name}: none of its protocols needs a judge")
    name = name or f"{judge.__module__}:{getattr(judge, '__qualname__', type(judge).__name__)}"
    protocols = (
        protocol if protocol.judged is None else _judged(protocol, protocol.judged, judge, name)
        for protocol in benchmark.protocols
    )
    return replace(benchmark, protocols=tuple(protocols), paper=needs[0].paper, judge=name)


def judged_tasks(
    tasks: Sequence[Benchmark], ways: Sequence[Protocol], judge: Judge | str
) -> list[Benchmark]:
    """Returns the tasks, with the judge in those that are run by a protocol that needs one.

    Raises:
        InputError: the judge cannot be imported, or no task needs it.
    """
    name = judge if isinstance(judge, str) else ""
    judge = load_judge(judge) if isinstance(judge, str) else judge
    needing = [way.judged is not None for way in ways]
    if not any(needing):
        names = ", ".join(task.name for task in tasks)
        raise InputError(f"judge {name or judge}: none of the tasks {names} needs a judge")
    return [
        with_judge(task, judge, name) if needs else task
        for task, needs in zip(tasks, needing, strict=True)
    ]


def _judged(protocol: Protocol, needs: Judged, judge: Judge, name: str) -> Protocol:
    def score(example: Example, response: Generated) -> Score:
        plain = protocol.score(example, response)
        values = []
        for output, known in zip(response.outputs, plain.output_values, strict=True):
            labels = _asked(judge, name, example, output.text.strip())
            values.append({**known, **needs.values(_checked(labels, needs.labels, name, example))})
        return replace(plain, values=mean_of_outputs(values), output_values=tuple(values))

    return replace(
        protocol,
        score=score,
        metrics=(*needs.metrics, *protocol.metrics),
        primary=needs.primary,
        judged=None,
    )


def _asked(judge: Judge, name: str, example: Example, text: str) -> Any:
    """What the user's judge says; where it fails, that is the user's to mend."""
    try:
        return judge(example, text)
    except Exception as error:
        raise InputError(f"judge {name}, example {example.id}: it raised {error!r}") from error


def _checked(
    labels: Any, wanted: Sequence[str], name: str, example: Example
) -> Mapping[str, float]:
    """The labels as numbers; what is missing or no number from 0 to 1 is refused."""
    for label in wanted:
        value = labels.get(label) if isinstance(labels, Mapping) else None
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise InputError(
                f"judge {name}, example {example.id}: it gave {labels!r}; expected a mapping with "
                f"a number from 0 to 1 under {' and '.join(map(repr, wanted))}"
            )
    return {label: float(labels[label]) for label in wanted}
