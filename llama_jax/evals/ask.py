"""The answers to a plan's items: from the journal where they are known, else from the engine."""

from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from llama_jax.errors import InputError
from llama_jax.evals.journal import Journal, item_key, read_journal
from llama_jax.evals.plan import TaskPlan
from llama_jax.evals.progress import TokenBar
from llama_jax.evals.requests import Answer, Item, answer
from llama_jax.inference.types import GenerateItem, GenerateResult, ScoreItem, ScoreResult


@runtime_checkable
class Asked(Protocol):
    """What an engine must offer; llama_jax.inference.engine.Engine does."""

    def score(
        self,
        items: Sequence[ScoreItem],
        on_result: Callable[[int, ScoreResult], None] | None = None,
        known: Collection[int] = (),
    ) -> list[ScoreResult | None]:
        """Scores items; calls on_result(index, result) as results arrive.

        Items whose index is `known` need no answer; the others are computed as if it were needed.
        """
        ...

    def generate(
        self,
        items: Sequence[GenerateItem],
        *,
        on_result: Callable[[int, GenerateResult], None] | None = None,
    ) -> list[GenerateResult]:
        """Continues items; calls on_result(index, result) as results arrive."""
        ...


@dataclass(frozen=True)
class Known:
    """What a task's journal holds for a plan.

    Attributes:
        owner: whose answers these are.
        path: the journal; None where nothing is written.
        answers: by item key, of this plan's items only.
        whole: length of the journal's whole lines, in bytes.
    """

    owner: dict[str, Any]
    path: Path | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    whole: int = 0


def known_answers(plan: TaskPlan, out_dir: Path | None, owner: dict[str, Any]) -> Known:
    """Reads the task's journal below `out_dir`.

    Raises:
        InputError: it is another model's, or damaged.
    """
    if out_dir is None:
        return Known(owner)
    path = out_dir / "journal" / f"{plan.name}.jsonl"
    answers, whole = read_journal(path, owner)
    keys = set(plan.keys)
    return Known(owner, path, {k: kept for k, kept in answers.items() if k in keys}, whole)


def ask(engine: Asked, plan: TaskPlan, known: Known, progress: bool | None = None) -> list[Answer]:
    """Returns the answer to every item of the plan, in order; new ones are journalled at once."""
    answers = dict(known.answers)
    scored = [item for item in plan.items if isinstance(item, ScoreItem)]
    done = {index for index, item in enumerate(scored) if item_key(item) in answers}
    generated = [
        item
        for item in plan.items
        if isinstance(item, GenerateItem) and item_key(item) not in answers
    ]
    write = (len(done) < len(scored) or generated) and known.path is not None
    journal = Journal(known.path, known.owner, known.whole) if write else nullcontext()
    bar = TokenBar(
        f"{plan.name}: asking", plan.items, [key in answers for key in plan.keys], progress
    )
    with journal, bar:

        def keep(item: Item, result: ScoreResult | GenerateResult) -> None:
            try:
                found = answer(result)
            except InputError as error:
                raise InputError(f"{_named(plan, item)}: {error}") from error
            key = item_key(item)
            if key in answers:  # known, but in one batch with items that are not
                return
            answers[key] = found
            if write:
                journal.append(key, found)
            bar.update(item, result)

        if len(done) < len(scored):
            # All items, so that the batches are those of a run that was not interrupted.
            engine.score(scored, lambda index, result: keep(scored[index], result), known=done)
        if generated:
            engine.generate(
                generated, on_result=lambda index, result: keep(generated[index], result)
            )
    return [answers[key] for key in plan.keys]


def _named(plan: TaskPlan, item: Item) -> str:
    """The first example that asks for this item."""
    place = plan.items.index(item)
    first = next(i for i, places in enumerate(plan.places) if place in places)
    return f"{plan.name} example {plan.examples[first].id}"
