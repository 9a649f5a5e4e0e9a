"""The whole pipe on one screen: plan every task, ask the engine what is not known, score, write."""

import time
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from llama_jax.data.manifest import MANIFEST
from llama_jax.evals import benchmarks
from llama_jax.evals.ask import Asked, Known, ask, known_answers
from llama_jax.evals.journal import identity
from llama_jax.evals.judge import Judge, judged_tasks
from llama_jax.evals.plan import TaskPlan, plan_task
from llama_jax.evals.progress import progress_bar
from llama_jax.evals.protocol import Benchmark
from llama_jax.evals.requests import decode
from llama_jax.evals.results import (
    Results,
    earlier_tasks,
    require_folder,
    summary,
    task_result,
    write_json,
    write_jsonl,
)
from llama_jax.evals.samples import sample
from llama_jax.evals.tasks import choose
from llama_jax.evals.types import ModelInfo
from llama_jax.tokenizer import Tokenizer


def evaluate(
    engine: Asked,
    tokenizer: Tokenizer,
    tasks: Sequence[str | Benchmark],
    *,
    model_info: ModelInfo,
    data_dir: Path | str | None = None,
    out_dir: Path | str | None = None,
    protocol: str | None = None,
    limit: int | None = None,
    shots: int | None = None,
    on_overflow: str = "error",
    judge: Judge | str | None = None,
    progress: bool | None = None,
    manifest: Path = MANIFEST,
) -> Results:
    """Evaluates a model on tasks, and finishes what an interrupted run in `out_dir` began.

    Every task is read, prompted and encoded first: what is refused is refused before a device works
    and before anything is written. Answers that `out_dir` holds are not asked for again, and the
    other tasks that it holds stay in results.json.

    Args:
        engine: scores and generates.
        tokenizer: the model's.
        tasks: benchmarks, or names: "nq_open", "nq_open@64" for another number of shots, "table22"
            for what a table of the paper needs.
        model_info: names the model in the results.
        data_dir: DIR of DIR/TASK/file; None for the samples inside the package.
        out_dir: where results are written; None for nowhere.
        protocol: "paper", "standard" or "lm-eval"; None for the first that a benchmark has.
        limit: only the first so many examples of each task, and of each subtask.
        shots: few-shot examples, for names without @; None for the protocol's own number.
        on_overflow: "error", or "drop-shots" to drop whole shots where a prompt is too long.
        judge: labels the generations of tasks that need it, or its "module:function"; without one
            those metrics are left out.
        progress: progress bars on stderr; None for those only where stderr is a terminal.
        manifest: the list of known data files.

    Raises:
        InputError: anything in the input is not as it must be.
    """
    begun = time.perf_counter()
    out_dir = None if out_dir is None else Path(out_dir)
    if out_dir is not None:
        require_folder(out_dir)
    plans = plan_tasks(
        tasks,
        tokenizer,
        model_info.context,
        protocol=protocol,
        judge=judge,
        progress=progress,
        data_dir=None if data_dir is None else Path(data_dir),
        limit=limit,
        shots=shots,
        on_overflow=on_overflow,
        manifest=manifest,
    )
    owner = identity(model_info, tokenizer)
    known = [known_answers(plan, out_dir, owner) for plan in plans]
    results = {} if out_dir is None else earlier_tasks(out_dir, owner)
    samples, runs = {}, {}
    for plan, before in zip(plans, known, strict=True):
        name = plan.name
        results[name], samples[name], runs[name] = _task(engine, plan, before, tokenizer, progress)
        if out_dir is not None:
            write_jsonl(out_dir / "samples" / f"{name}.jsonl", samples[name])
            write_json(out_dir / "results.json", summary(model_info, results))
    run = _record(model_info, begun, runs, out_dir)
    return Results(summary(model_info, results), samples, run)


def _record(
    model_info: ModelInfo, begun: float, tasks: dict[str, Any], out_dir: Path | None
) -> dict[str, Any]:
    """What differs from run to run; a rerun that asked nothing leaves the record of the work."""
    run = {
        "versions": _versions(),
        "device": model_info.device,
        "seconds": time.perf_counter() - begun,
        "tasks": tasks,
    }
    asked = any(task["items"] > task["known_before"] for task in tasks.values())
    if out_dir is not None and (asked or not (out_dir / "run.json").exists()):
        write_json(out_dir / "run.json", run)
    return run


def plan_tasks(
    tasks: Sequence[str | Benchmark],
    tokenizer: Tokenizer,
    context: int,
    *,
    protocol: str | None = None,
    shots: int | None = None,
    judge: Judge | str | None = None,
    progress: bool | None = None,
    **how: Any,
) -> list[TaskPlan]:
    """Plans every task, in the order given; `how` is what `plan_task` takes.

    Raises:
        InputError: a judge that no task needs, or what `choose` or `plan_task` refuses.
    """
    plans = []
    chosen = choose(tasks, protocol, shots)
    if judge is not None:
        judged = judged_tasks([c.benchmark for c in chosen], [c.protocol for c in chosen], judge)
        chosen = [
            replace(c, benchmark=b, protocol=benchmarks.protocol(b, c.protocol.name))
            for c, b in zip(chosen, judged, strict=True)
        ]
    for task in chosen:
        with progress_bar(f"{task.name}: encoding", None, progress) as bar:
            where = (task.benchmark, task.protocol, tokenizer, context)
            plans.append(plan_task(*where, shots=task.shots, on_example=bar.update, **how))
    return plans


def _task(
    engine: Asked, plan: TaskPlan, known: Known, tokenizer: Tokenizer, progress: bool | None
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Runs one planned task: its result, its sample lines, and what run.json says of it."""
    begun, tokens = time.perf_counter(), dict(getattr(engine, "counts", {}))
    answers = ask(engine, plan, known, progress)
    responses = [
        decode(request, [answers[place] for place in places])
        for request, places in zip(plan.requests, plan.places, strict=True)
    ]
    score = plan.protocol.score
    scores = [score(e, r) for e, r in zip(plan.examples, responses, strict=True)]
    lines = zip(plan.examples, plan.requests, responses, scores, strict=True)
    run = {
        "seconds": time.perf_counter() - begun,
        "items": len(plan.items),
        "known_before": len(known.answers),
        "tokens_across_border": plan.spans,
        "tokens": {
            name: count - tokens.get(name, 0)
            for name, count in sorted(getattr(engine, "counts", {}).items())
        },
    }
    if plan.protocol.judged is not None:
        run["without_judge"] = [metric.name for metric in plan.protocol.judged.metrics]
    return task_result(plan, scores, tokenizer.sha256), [sample(*line) for line in lines], run


def _versions() -> dict[str, str | None]:
    packages = ("llama_jax", "jax", "jaxlib", "flax", "numpy", "tensorflow-datasets")
    return {package: _version(package) for package in packages}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None  # an accelerator machine may have no TFDS
