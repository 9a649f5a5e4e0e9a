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


def dry_run(engine: Describes, plans: Sequence[TaskPlan]) -> str:
    """Tokens to prefill, to score and to generate, what sharing saves, memory and shapes."""
    blocks = []
    for plan in plans:
        lines = [f"{plan.name}: {len(plan.examples)} examples"]
        scored = [item for item in plan.items if isinstance(item, ScoreItem)]
        generated = [item for item in plan.items if isinstance(item, GenerateItem)]
        if scored:
            lines.append(engine.describe(scored))
        if generated:
            lines.append(engine.describe_generation(generated))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
