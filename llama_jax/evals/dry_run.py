"""What an evaluation would compute, task by task, before a device does anything."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from llama_jax.evals.plan import TaskPlan
from llama_jax.inference.types import GenerateItem, ScoreItem


@runtime_checkable
class Describes(Protocol):
    """What an engine must offer; llama_jax.inference.engine.Engine does."""

    def describe(self, items: Sequence[ScoreItem]) -> str:
        """The plan of scoring."""
        ...

    def describe_generation(self, items: Sequence[GenerateItem]) -> str:
        """The plan of generating."""
        ...


def dry_run(engine: Describes, plans: Sequence[TaskPlan]) -> dict[str, str]:
    """For each task: tokens to prefill, score and generate, what sharing saves, memory, shapes."""
    told = {}
    for plan in plans:
        lines = [f"{len(plan.examples)} examples"]
        scored = [item for item in plan.items if isinstance(item, ScoreItem)]
        generated = [item for item in plan.items if isinstance(item, GenerateItem)]
        if scored:
            lines.append(engine.describe(scored))
        if generated:
            lines.append(engine.describe_generation(generated))
        told[plan.name] = "\n".join(lines)
    return told
