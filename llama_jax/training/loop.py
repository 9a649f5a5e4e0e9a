"""The training loop: batches, step, log, validation, checkpoint, resumption."""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh

from llama_jax import checkpoint
from llama_jax.config import LlamaConfig
from llama_jax.data.packing import Rows
from llama_jax.sharding import check_batch
from llama_jax.training import run_config
from llama_jax.training.batch_source import BatchSource, batches, checked_source, on_mesh
from llama_jax.training.checks import Schedule, check_numbers, check_rows, remedy
from llama_jax.training.first_state import first_state
from llama_jax.training.flops import peak_flops, throughput
from llama_jax.training.log import NonFiniteError, TrainLog, forget_after
from llama_jax.training.monitor import Monitor, TensorBoard
from llama_jax.training.multihost import is_first
from llama_jax.training.optimizer import OptimizerConfig, make_optimizer
from llama_jax.training.options import PLAIN, StepOptions
from llama_jax.training.step import TrainState, compile_train_step
from llama_jax.training.stop import StopRequest
from llama_jax.training.validation import Validation

LOG_FILE = "train_log.jsonl"
TENSORBOARD = "tensorboard"


class Run(NamedTuple):
    """What `train` leaves in memory; the rest is in its folder.

    Attributes:
        state: after the last step.
        resumed_at: the step of the checkpoint that the run went on from; None for a new run.
        stopped_at: the step after which SIGTERM ended it, saved; None when it is complete.
    """

    state: TrainState
    resumed_at: int | None
    stopped_at: int | None = None


def train(
    config: LlamaConfig,
    optimizer_config: OptimizerConfig,
    rows: Rows | BatchSource,
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
    options: StepOptions = PLAIN,
    progress: bool | None = None,
    mesh: Mesh | None = None,
    monitors: Sequence[Monitor] = (),
    tensorboard: bool = False,
    override: bool = False,
) -> Run:
    """Trains up to `steps` updates, from the beginning or from the newest checkpoint in `out_dir`.

    A run that was interrupted and resumed ends with the same bits as one that was not (on the same
    kind and number of devices): batch t is a function of the seed and t, and the whole state is in
    the checkpoint. `out_dir` holds checkpoints/, train_log.jsonl (see `TrainLog`),
    train_config.json. SIGTERM ends the run after the step it is at, with a checkpoint.

    Args:
        config: the model.
        optimizer_config: optimizer and schedule; its `steps` is the length of the schedule.
        rows: packed training rows [R, T], shuffled here by `seed`; or a source of batches.
        steps: updates in total, those before the resumption included.
        batch_size: rows per update, over all devices and microbatches.
        seed: of the initial parameters and of the order of the rows.
        out_dir: folder of the run; made when it does not exist.
        validation_rows: rows whose mean loss is logged; None for no validation.
        validate_every: steps between validations; None for the end only.
        save_every: steps between checkpoints; None for the end only.
        keep: how many of the newest checkpoints to keep, beside the one with the lowest validation
            loss; None for all.
        tokenizer_bytes: the tokenizer's file, kept inside each checkpoint.
        options: of the step.
        progress: show a bar on stderr; None for where stderr is a terminal.
        mesh: devices to train on; None for one. May change when a run goes on.
        monitors: what else looks at the parameters every so often, for the log.
        tensorboard: write scalars for TensorBoard to `out_dir`/tensorboard.
        override: go on even though settings differ from those the run was begun with.

    Raises:
        InputError: rows or settings do not fit together, or `out_dir` holds another run.
        NonFiniteError: a loss or gradient was not finite; the last checkpoint is a good one.
        SaveError: a checkpoint could not be written; older ones are intact.
    """
    # A resumption: only the same run may go on; its state comes from the checkpoint, else from the
    # seed; the log forgets what came after it; batches follow state.step.
    out_dir = Path(out_dir)
    schedule = Schedule(steps, validate_every, save_every)
    if validation_rows is not None:
        check_rows(config, validation_rows, "validation rows")
    source = checked_source(config, rows, seed, batch_size)
    check_numbers(schedule, optimizer_config, seed)
    check_batch(batch_size, options.accumulation, mesh)
    how = {"batch_size": batch_size, "seed": seed, "options": options}
    identity = run_config.identity(
        config, optimizer_config, source.identity(), tokenizer_bytes=tokenizer_bytes, **how
    )
    resumes = bool(checkpoint.steps(out_dir))
    changed = run_config.check_same(out_dir, identity, resumes, override)
    optimizer = make_optimizer(optimizer_config)
    state = first_state(
        *(out_dir if resumes else None, config, optimizer, seed, steps, mesh), bool(changed)
    )
    start = int(state.step)
    if is_first():
        out_dir.mkdir(parents=True, exist_ok=True)
        forget_after(out_dir / LOG_FILE, start)
        run_config.write(out_dir, identity, {**schedule._asdict(), **dataclasses.asdict(options)})

    positions = source.batch(0).tokens.shape
    speed = functools.partial(_speed, config, positions, 1 if mesh is None else mesh.size)
    with (
        _log(out_dir, start, steps, progress, tensorboard, speed) as log,
        checkpoint.Saver(out_dir, config, tokenizer_bytes, keep=keep) as saver,
        StopRequest() as stop,
    ):
        if changed:
            log.add({"step": start, "changed_settings": changed})
        work = _Work(
            step=compile_train_step(config, optimizer, options, mesh=mesh),
            validate=Validation(config, options, validation_rows, batch_size, mesh),
            save=functools.partial(_save, saver, identity),
            monitors=monitors,
            saver=saver,
            stop=stop,
        )
        feed = batches(source, start, steps, functools.partial(_placed, config, mesh))
        with contextlib.closing(feed), _saying_what_is_left(out_dir, saver):
            state, stopped_at = _run(state, start, schedule, feed, work, log)
    return Run(state, start if resumes else None, stopped_at)


class _Work(NamedTuple):
    """The parts of a run that the loop calls."""

    step: Callable[[TrainState, Rows], tuple[TrainState, dict[str, jax.Array]]]
    validate: Validation
    save: Callable[[TrainState, int, dict[str, float]], None]
    monitors: Sequence[Monitor]
    saver: checkpoint.Saver
    stop: StopRequest


def _run(
    state: TrainState,
    start: int,
    schedule: Schedule,
    feed: Iterator[Rows],
    work: _Work,
    log: TrainLog,
) -> tuple[TrainState, int | None]:
    """The loop itself: updates `start` + 1 to `schedule.steps`, or until a request to stop."""
    last = schedule.steps
    for done, batch in enumerate(feed, start=start + 1):
        state, metrics = work.step(state, batch)
        log.push(done, metrics)
        work.saver.check()
        stops = work.stop.asked(done) and done < last
        validates = work.validate.present and schedule.validates(done)
        looks = [monitor.look for monitor in work.monitors if monitor.due(done, last)]
        saves = schedule.saves(done) or stops
        if not (validates or looks or saves):
            continue
        log.flush()  # what is not finite stops here, before it is saved
        measured = {}
        if validates:
            loss, tokens = work.validate(state.params)
            log.validation(done, loss, tokens)
            measured = {"validation_loss": loss}
        for look in looks:
            log.add({"step": done, **look(done, state.params)})
        if saves:
            work.save(state, done, measured)
        log.restart_clock()
        if stops:
            return state, done
    return state, None


def _placed(config: LlamaConfig, mesh: Mesh | None, step: int, batch: Rows) -> Rows:
    """Runs in the thread that makes batches."""
    check_rows(config, batch, f"batch of step {step + 1}", empty_allowed=True)
    return on_mesh(batch, mesh)


def _speed(
    config: LlamaConfig, positions: tuple[int, int], devices: int, seconds: float
) -> Mapping[str, float]:
    rows, length = positions
    return throughput(config, rows * length, length, seconds, peak_flops(), devices)


@contextlib.contextmanager
def _log(
    out_dir: Path,
    start: int,
    steps: int,
    progress: bool | None,
    tensorboard: bool,
    speed: Callable[[float], Mapping[str, float]],
) -> Iterator[TrainLog]:
    """The log of the first process; that of the others goes nowhere."""
    board = TensorBoard(out_dir / TENSORBOARD, start) if tensorboard and is_first() else None
    path = out_dir / LOG_FILE if is_first() else Path(os.devnull)
    listeners = () if board is None else (board,)
    shown = progress if is_first() else False
    try:
        with TrainLog(path, start, steps, shown, listeners, speed) as log:
            yield log
    finally:
        if board is not None:
            board.close()


@contextlib.contextmanager
def _saying_what_is_left(out_dir: Path, saver: checkpoint.Saver) -> Iterator[None]:
    try:
        yield
    except NonFiniteError as error:
        saver.wait()
        raise NonFiniteError(f"{error}; stopped. {remedy(out_dir)}") from error


def _save(
    saver: checkpoint.Saver,
    identity: dict[str, Any],
    state: TrainState,
    step: int,
    measured: dict[str, float],
) -> None:
    # A step that exists already is one that was found damaged when this run went on.
    saver.save(step, state.params, state.opt_state, extra=identity, metrics=measured, replace=True)
