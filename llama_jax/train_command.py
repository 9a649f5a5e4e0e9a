"""`llama-jax train`: from text to a model; run it again and it goes on."""

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from llama_jax.errors import InputError

Settings = tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]]


@dataclass(frozen=True)
class Corpus:
    """How documents become rows.

    Attributes:
        separator: of the documents in a text file.
        validation: part of the text that is held out; 0 for none.
        split: "hash" holds out whole documents, "tail" the end of the text.
        packing: "stream" lets rows go on across documents, "documents" lets no token see another
            document, "first-fit" moreover cuts none that fits a row.
    """

    separator: Literal["blank-line", "file"] = "blank-line"
    validation: float = 0.05
    split: Literal["hash", "tail"] = "hash"
    packing: Literal["stream", "documents", "first-fit"] = "stream"


@dataclass(frozen=True)
class Watch:
    """What looks at the run every so often, beside validation.

    Attributes:
        eval_tasks: benchmarks, separated by commas.
        eval_every: steps between evaluations; default: at the end only.
        eval_data: DIR of DIR/TASK/file; default: the samples inside the package.
        eval_limit: only the first so many examples of each task.
        sample_every: steps between samples of text; default: none.
        sample_prompt: what they continue.
        sample_tokens: how many tokens each has at most.
    """

    eval_tasks: str = ""
    eval_every: int | None = None
    eval_data: Path | None = None
    eval_limit: int | None = None
    sample_every: int | None = None
    sample_prompt: str = ""
    sample_tokens: int = 100


@dataclass(frozen=True)
class Hosts:
    """Several processes that train together; each runs the same command.

    Attributes:
        distributed: join the processes that SLURM, GKE or a TPU pod started.
        coordinator: HOST:PORT of process 0, where nothing of that kind tells.
        processes: how many.
        process: which one this is, from 0.
    """

    distributed: bool = False
    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None


TEXT, WATCH, ALONE = Corpus(), Watch(), Hosts()


def train(
    *,
    config: str,
    data: Path,
    out: Path,
    tokenizer: Path | None = None,
    settings: Annotated[Settings, tyro.conf.arg(name="set")] = (),
    corpus: Corpus = TEXT,
    mesh: str | None = None,
    keep: int = 3,
    stop_after: int | None = None,
    override: bool = False,
    watch: Watch = WATCH,
    hosts: Hosts = ALONE,
) -> None:
    """Train a model; a run that was interrupted goes on.

    OUT holds checkpoints/, train_log.jsonl, train_config.json, tensorboard/, and at the end
    index.html and loss.svg. SIGTERM ends it after the step it is at, with a checkpoint.

    Args:
        config: training preset: model, optimizer, length, batch.
        data: a token store, a text or JSONL file, or a folder of those.
        out: folder of the run.
        tokenizer: tokenizer file; needed for text, for samples and for benchmarks.
        settings: key=value over any field of the preset, such as optimizer.peak_learning_rate=1e-3
            or model.layers=8; repeat for several.
        corpus: how documents become rows.
        mesh: devices, such as data=2,fsdp=2,tensor=2; default: one. A run may go on on another.
        keep: how many of the newest checkpoints to keep, beside the best.
        stop_after: end after so many steps, before the schedule does.
        override: go on with other settings than the run was begun with.
        watch: what else looks at the run.
        hosts: several processes.
    """
    from llama_jax.training.presets import train_preset
    from llama_jax.training.settings import apply

    preset = apply([one for given in settings for one in given], train_preset(config))
    _check_schedule(preset, stop_after)
    _run(preset, config, data, out, tokenizer, corpus, mesh, keep,
         stop_after or preset.steps, override, watch, hosts)  # fmt: skip


def _run(
    preset, name, data, out, tokenizer_file, corpus, mesh, keep, steps, override,
    watch, hosts,
) -> None:  # fmt: skip
    """Everything that needs JAX."""
    from llama_jax import train_data
    from llama_jax.checkpoint_log import raised_only
    from llama_jax.compiled import keep_compiled
    from llama_jax.tokenizer import check_fits, load_tokenizer
    from llama_jax.training import multihost
    from llama_jax.training.log import NonFiniteError
    from llama_jax.training.loop import train as run_loop

    if hosts.distributed or hosts.coordinator:
        multihost.start(hosts.coordinator, hosts.processes, hosts.process)
    keep_compiled()
    devices = None if mesh is None else parse_mesh(mesh)
    tokenizer = None if tokenizer_file is None else load_tokenizer(tokenizer_file)
    if tokenizer is not None:
        check_fits(tokenizer, preset.model)
    monitors = _monitors(watch, preset, tokenizer, out, steps)
    cache = train_data.store_folder(data, tokenizer_file, corpus.separator)
    store = train_data.open_store(data, tokenizer_file, corpus.separator, cache)
    texts = train_data.batches_of(
        store, preset, fraction=corpus.validation, how=corpus.split, packing=corpus.packing
    )
    try:
        with raised_only():
            run = run_loop(
                preset.model,
                preset.optimizer,
                texts.source,
                steps=steps,
                batch_size=preset.batch_size,
                seed=preset.seed,
                out_dir=out,
                validation_rows=texts.validation,
                validate_every=preset.validate_every,
                save_every=preset.save_every,
                keep=keep,
                tokenizer_bytes=None if tokenizer is None else tokenizer.serialized(),
                options=dataclasses.replace(preset.options, seed=preset.seed),
                mesh=devices,
                monitors=monitors,
                tensorboard=True,
                override=override,
            )
    except NonFiniteError as error:
        print(f"llama-jax: error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    if multihost.is_first():
        _tell(run, name, out)


def parse_mesh(text: str):
    """A text such as "data=2,fsdp=2" as a mesh of the devices there are."""
    from llama_jax.sharding import AXES, make_mesh

    sizes: dict[str, int] = {}
    for part in text.split(","):
        axis, equals, size = part.strip().partition("=")
        if not equals or axis not in AXES or not size.isdecimal() or int(size) < 1:
            raise InputError(
                f"--mesh {text}: {part!r} is not AXIS=DEVICES with one of {', '.join(AXES)}"
            )
        sizes[axis] = int(size)
    return make_mesh(**sizes)


def _check_schedule(preset, stop_after: int | None) -> None:
    if preset.optimizer.steps != preset.steps:
        raise InputError(
            f"train: the schedule of the learning rate is {preset.optimizer.steps} steps long and "
            f"the run {preset.steps}; --set optimizer.steps={preset.steps} makes them agree, "
            f"--set steps={preset.optimizer.steps} --stop-after {preset.steps} ends earlier on "
            "purpose"
        )
    if stop_after is not None and not 1 <= stop_after <= preset.steps:
        raise InputError(f"train: --stop-after {stop_after} is not in 1 .. {preset.steps}")


def _monitors(watch: Watch, preset, tokenizer, out: Path, steps: int) -> list:
    from llama_jax import train_monitors

    found = []
    tasks = [task.strip() for task in watch.eval_tasks.split(",") if task.strip()]
    if watch.eval_every is not None and not tasks:
        raise InputError("train: --eval-every without --eval-tasks")
    if tokenizer is None and (tasks or watch.sample_every is not None):
        raise InputError("train: samples and benchmarks need --tokenizer FILE")
    if watch.sample_every is not None:
        every, seed = watch.sample_every, preset.seed
        arguments = (preset.model, tokenizer, every, watch.sample_prompt, watch.sample_tokens, seed)
        found.append(train_monitors.sampling(*arguments))
    if tasks:
        every = steps if watch.eval_every is None else watch.eval_every
        where = {"data": watch.eval_data, "limit": watch.eval_limit, "out_dir": out}
        found.append(train_monitors.benchmarks(preset.model, tokenizer, every, tasks, **where))
    return found


def _tell(run, name: str, out: Path) -> None:
    """The page, and one line about where the run stands."""
    from llama_jax.report.training_page import write_training_page
    from llama_jax.training.log import read_log
    from llama_jax.training.loop import LOG_FILE
    from llama_jax.training.run_config import FILE
    from llama_jax.training.stop import say_if_stopped

    log = list(read_log(out / LOG_FILE))
    settings = json.loads((out / FILE).read_text(encoding="utf-8"))
    page = write_training_page(log, settings, f"Training {name}", out)
    step, losses = int(run.state.step), [line for line in log if "loss" in line]
    went_on = "" if run.resumed_at is None else f", gone on from step {run.resumed_at}"
    say_if_stopped(run.stopped_at)
    print(f"step {step}{went_on}: loss {losses[-1]['loss']:.4f}")
    validated = [line for line in log if "validation_loss" in line]
    if validated:
        last = validated[-1]
        print(f"validation loss {last['validation_loss']:.4f} after step {last['step']}")
    print(page)
