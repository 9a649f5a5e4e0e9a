"""The training loop: batches, step, log, validation, checkpoint, resumption."""

import dataclasses
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from llama_jax import checkpoint
from llama_jax.config import LlamaConfig
from llama_jax.data.batches import batch_at, padded_batches
from llama_jax.data.packing import Rows
from llama_jax.errors import InputError
from llama_jax.training import run_config
from llama_jax.training.checks import Schedule, check_numbers, check_rows
from llama_jax.training.log import NonFiniteError, TrainLog, forget_after
from llama_jax.training.optimizer import Optimizer, OptimizerConfig, make_optimizer
from llama_jax.training.step import (
    PLAIN,
    LossOptions,
    TrainState,
    compile_eval_step,
    compile_train_step,
    init_state,
)

LOG_FILE = "train_log.jsonl"


class Run(NamedTuple):
    """What `train` leaves in memory; the rest is in its folder.

    Attributes:
        state: after the last step.
        resumed_at: the step of the checkpoint that the run went on from; None for a new run.
    """

    state: TrainState
    resumed_at: int | None


def train(
    config: LlamaConfig,
    optimizer_config: OptimizerConfig,
    rows: Rows,
    *,
    steps: int,
    batch_size: int,
    seed: int,
    out_dir: str | os.PathLike,
    validation_rows: Rows | None = None,
    validate_every: int | None = None,
    save_every: int | None = None,
    keep: int | None = None,
    tokenizer_bytes: bytes | None = None,
    options: LossOptions = PLAIN,
    progress: bool | None = None,
) -> Run:
    """Trains up to `steps` updates, from the beginning or from the newest checkpoint in `out_dir`.

    A run that was interrupted and resumed ends with the same bits as one that was not (on the same
    kind of device): batch t is a function of the seed and t, and the whole state is in the
    checkpoint. `out_dir` holds checkpoints/, train_log.jsonl (see `TrainLog`), train_config.json.

    Args:
        config: the model.
        optimizer_config: optimizer and schedule; its `steps` is the length of the schedule.
        rows: packed training rows [R, T].
        steps: updates in total, those before the resumption included.
        batch_size: rows per update.
        seed: of the initial parameters and of the order of the rows.
        out_dir: folder of the run; made when it does not exist.
        validation_rows: rows whose mean loss is logged; None for no validation.
        validate_every: steps between validations; None for the end only.
        save_every: steps between checkpoints; None for the end only.
        keep: how many checkpoints to keep; None for all.
        tokenizer_bytes: the tokenizer's file, kept inside each checkpoint.
        options: of the loss.
        progress: show a bar on stderr; None for where stderr is a terminal.

    Returns:
        The state after `steps` updates.

    Raises:
        InputError: rows or settings do not fit together, or `out_dir` holds another run.
        NonFiniteError: a loss or gradient was not finite; the last checkpoint is a good one.
    """
    # The order of a resumption: 1. only the same run may go on; 2. the state comes from the
    # checkpoint, or from the seed; 3. the log forgets what came after it; 4. batches follow
    # state.step.
    out_dir = Path(out_dir)
    schedule = Schedule(steps, validate_every, save_every)
    check_rows(config, rows, "training rows")
    if validation_rows is not None:
        check_rows(config, validation_rows, "validation rows")
    check_numbers(schedule, optimizer_config, rows, batch_size, seed)
    identity = run_config.identity(
        config,
        optimizer_config,
        rows,
        batch_size=batch_size,
        seed=seed,
        z_loss=options.z_loss,
        tokenizer_bytes=tokenizer_bytes,
    )
    resumes = bool(checkpoint.steps(out_dir))
    run_config.check_same(out_dir, identity, resumes)
    optimizer = make_optimizer(optimizer_config)
    state = _first_state(out_dir if resumes else None, config, optimizer, seed, steps)
    start = int(state.step)
    out_dir.mkdir(parents=True, exist_ok=True)
    forget_after(out_dir / LOG_FILE, start)
    run_config.write(out_dir, identity, {**schedule._asdict(), **dataclasses.asdict(options)})

    with TrainLog(out_dir / LOG_FILE, start, steps, progress) as log:
        work = _Work(
            step=compile_train_step(config, optimizer, options),
            batch=functools.partial(batch_at, rows, seed, batch_size=batch_size),
            validate=_validation(config, options, validation_rows, batch_size, log),
            save=functools.partial(_save, out_dir, config, tokenizer_bytes, identity, keep),
        )
        try:
            state = _run(state, start, schedule, work, log)
        except NonFiniteError as error:
            raise NonFiniteError(f"{error}; stopped. {_remedy(out_dir)}") from error
    return Run(state, start if resumes else None)


class _Work(NamedTuple):
    """The parts of a run that the loop calls."""

    step: Callable[[TrainState, Rows], tuple[TrainState, dict[str, jax.Array]]]
    batch: Callable[[int], Rows]
    validate: Callable[[TrainState], None]
    save: Callable[[TrainState], None]


def _run(
    state: TrainState, start: int, schedule: Schedule, work: _Work, log: TrainLog
) -> TrainState:
    """The loop itself: updates `start` + 1 to `schedule.steps`."""
    for done in range(start + 1, schedule.steps + 1):
        state, metrics = work.step(state, work.batch(done - 1))
        log.push(done, metrics)
        pauses = schedule.validates(done) or schedule.saves(done)
        if pauses:
            log.flush()  # what is not finite stops here, before it is saved
        if schedule.validates(done):
            work.validate(state)
        if schedule.saves(done):
            work.save(state)
        if pauses:
            log.restart_clock()
    return state


def _first_state(
    resume_from: Path | None, config: LlamaConfig, optimizer: Optimizer, seed: int, steps: int
) -> TrainState:
    make = functools.partial(init_state, config=config, optimizer=optimizer)
    key = jax.random.key(seed)
    if resume_from is None:
        return make(key)
    shapes = jax.eval_shape(make, key)
    restored = checkpoint.restore_state(resume_from, config, shapes.params, shapes.opt_state)
    step = restored.metadata.step
    if step > steps:
        raise InputError(
            f"{resume_from}: has a checkpoint of step {step}, beyond the {steps} steps asked for; "
            "ask for more steps, or choose another folder"
        )
    # Placed as the checkpoint places the other leaves: jit compiles anew when that changes.
    counter = jax.device_put(np.int32(step), shapes.step.sharding)
    return TrainState(counter, restored.params, restored.opt_state)


def _save(
    out_dir: Path,
    config: LlamaConfig,
    tokenizer_bytes: bytes | None,
    identity: dict[str, Any],
    keep: int | None,
    state: TrainState,
) -> None:
    checkpoint.save(
        out_dir,
        int(state.step),
        state.params,
        config,
        opt_state=state.opt_state,
        tokenizer_bytes=tokenizer_bytes,
        extra=identity,
        keep=keep,
        # A step that exists already is one that was found damaged when this run went on.
        replace=True,
    )


def _validation(
    config: LlamaConfig,
    options: LossOptions,
    rows: Rows | None,
    batch_size: int,
    log: TrainLog,
) -> Callable[[TrainState], None]:
    """A function that logs the mean loss over `rows`; one that does nothing without rows."""
    if rows is None:
        return lambda state: None
    step = compile_eval_step(config, options)
    batches = padded_batches(rows, batch_size)

    def validate(state: TrainState) -> None:
        sums = [step(state.params, batch) for batch in batches]
        total, count = np.sum(np.array(jax.device_get(sums), np.float64), axis=0)
        log.validation(int(state.step), total / count, int(count))

    return validate


def _remedy(out_dir: Path) -> str:
    saved = checkpoint.steps(out_dir)
    last = f"The newest checkpoint is step {saved[-1]}" if saved else "There is no checkpoint yet"
    return (
        f"{last} in {out_dir}; a lower peak learning rate or a longer warm-up (in a new folder), "
        "or other data, may help"
    )
