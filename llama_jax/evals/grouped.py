"""Metrics that weigh the groups of a task, its subtasks, instead of its examples."""

from collections.abc import Callable, Sequence

from llama_jax.evals.metrics import mean, standard_error
from llama_jax.evals.types import Example, Score, Value


def subtask_mean(
    name: str, where: Callable[[Example], bool] = lambda example: True
) -> Callable[[Sequence[Example], Sequence[Score]], Value | None]:
    """Returns the aggregate "plain mean over the subtasks of their mean of `name`".

    Its standard error comes from those of the subtasks; None where one of them has none. Where no
    example is counted there is no value.

    Args:
        name: the number in every Score's values.
        where: which examples count.
    """

    def aggregate(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
        groups: dict[str, list[float]] = {}
        for example, score in zip(examples, scores, strict=True):
            if where(example):
                groups.setdefault(example.subtask, []).append(score.values[name])
        if not groups:
            return None
        value = mean([mean(values) for values in groups.values()])
        errors = [standard_error(values) for values in groups.values()]
        if None in errors:
            return Value(value, None)
        return Value(value, sum(error**2 for error in errors) ** 0.5 / len(errors))

    return aggregate
