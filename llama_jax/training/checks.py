"""What is refused before a run writes anything: it could only fail or mislead later."""

from pathlib import Path
from typing import NamedTuple

from llama_jax.checkpoint_files import steps
from llama_jax.config import LlamaConfig
from llama_jax.data.packing import Rows
from llama_jax.errors import InputError
from llama_jax.training.optimizer import OptimizerConfig


class Schedule(NamedTuple):
    """What happens after which steps; the last step always validates and saves."""

    steps: int
    validate_every: int | None
    save_every: int | None

    def validates(self, step: int) -> bool:
        """Whether step `step` is followed by validation."""
        return step == self.steps or bool(self.validate_every and step % self.validate_every == 0)

    def saves(self, step: int) -> bool:
        """Whether step `step` is followed by a checkpoint."""
        return step == self.steps or bool(self.save_every and step % self.save_every == 0)


def check_numbers(schedule: Schedule, optimizer_config: OptimizerConfig, seed: int) -> None:
    """Refuses numbers of a run that do not fit together."""
    if not 1 <= schedule.steps <= optimizer_config.steps:
        raise InputError(
            f"train: {schedule.steps} steps, but the learning rate is defined for 1 to "
            f"{optimizer_config.steps} (optimizer.steps); make the two agree"
        )
    for name in ("validate_every", "save_every"):
        every = getattr(schedule, name)
        if every is not None and every < 1:
            raise InputError(f"train: {name} is {every}; it must be at least 1, or absent")
    if not 0 <= seed < 2**32:
        raise InputError(f"train: seed {seed}; it must be from 0 to 2**32 - 1")


def check_rows(config: LlamaConfig, rows: Rows, what: str, *, empty_allowed: bool = False) -> None:
    """Refuses rows that the model cannot read, or (unless allowed) that hold nothing to learn."""
    length = rows.tokens.shape[1]
    if length > config.context:
        raise InputError(f"{what}: {length} tokens long, but the context is {config.context}")
    low, high = int(rows.tokens.min()), int(rows.tokens.max())
    if low < 0 or high >= config.vocab_size:
        raise InputError(
            f"{what}: token ids from {low} to {high}, but the model has 0 to "
            f"{config.vocab_size - 1}; tokenizer and vocab_size do not belong together"
        )
    if not empty_allowed and not rows.loss_mask.any():
        raise InputError(f"{what}: no target token; every document has but one token")


def remedy(out_dir: Path) -> str:
    """What may be done about a run in `out_dir` whose loss or gradient is not finite."""
    saved = steps(out_dir)
    last = f"The newest checkpoint is step {saved[-1]}" if saved else "There is no checkpoint yet"
    return (
        f"{last} in {out_dir}; a lower peak learning rate or a longer warm-up (in a new folder), "
        "or other data, may help"
    )
