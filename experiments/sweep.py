"""A sweep over any fields of a training preset: grid or random, resumable, one table and one plot.

    python experiments/sweep.py --config books --data TEXT --tokenizer FILE --out runs/sweep \
        --vary optimizer.peak_learning_rate=1e-3,2e-3,4e-3 --vary model.layers=4,6
    python experiments/sweep.py ... --random 20 --vary optimizer.peak_learning_rate=log:1e-4:1e-2

A range is lin:LOW:HIGH or log:LOW:HIGH and needs --random. Run it again and only what is missing is
trained; a run that was interrupted goes on. OUT/sweep.md and OUT/sweep.svg show what is there.
"""

import hashlib
import itertools
import json
import math
import random
import sys
from pathlib import Path

import tyro

from llama_jax import train_data
from llama_jax.compiled import keep_compiled
from llama_jax.errors import InputError
from llama_jax.huge_pages import restart_with_huge_pages
from llama_jax.report import plots
from llama_jax.training.log import NonFiniteError, read_log
from llama_jax.training.loop import LOG_FILE, train
from llama_jax.training.presets import train_preset
from llama_jax.training.settings import apply
from llama_jax.training.stop import leave_if_stopped


def choices(vary: tuple[str, ...], count: int | None, seed: int) -> list[tuple[str, ...]]:
    """The settings of each run, as `--set` takes them."""
    axes = []
    for text in vary:
        key, equals, values = text.partition("=")
        if not equals or not values:
            raise InputError(f"--vary {text}: not KEY=VALUE,VALUE,... or KEY=log:LOW:HIGH")
        axes.append((key, values))
    if count is None:
        for key, values in axes:
            if values.startswith(("lin:", "log:")):
                raise InputError(f"--vary {key}={values}: a range needs --random COUNT")
        grid = itertools.product(*(v.split(",") for _, v in axes))
        return [tuple(f"{k}={v}" for (k, _), v in zip(axes, row, strict=True)) for row in grid]
    rng = random.Random(seed)
    return [tuple(f"{key}={draw(values, rng)}" for key, values in axes) for _ in range(count)]


def draw(values: str, rng: random.Random) -> str:
    """One of the values, or a number of the range."""
    kind, _, ends = values.partition(":")
    if kind not in ("lin", "log"):
        return rng.choice(values.split(","))
    try:
        low, high = map(float, ends.split(":"))
        if kind == "lin":
            return f"{rng.uniform(low, high):.6g}"
        return f"{math.exp(rng.uniform(math.log(low), math.log(high))):.6g}"
    except ValueError:
        raise InputError(f"--vary: {values!r} is not {kind}:LOW:HIGH") from None


def run_one(preset, store, tokenizer: bytes | None, out: Path) -> float:
    """Trains, or goes on; the lowest validation loss, infinite where the run diverged."""
    data = train_data.batches_of(store, preset, fraction=0.05, how="hash", packing="stream")
    try:
        run = train(
            *(preset.model, preset.optimizer, data.source),
            steps=preset.steps,
            batch_size=preset.batch_size,
            seed=preset.seed,
            out_dir=out,
            validation_rows=data.validation,
            options=preset.options,
            validate_every=preset.validate_every,
            save_every=preset.save_every,
            keep=1,
            tokenizer_bytes=tokenizer,
        )
    except NonFiniteError as error:
        say(str(error))
        return math.inf
    leave_if_stopped(run.stopped_at)
    lines = read_log(out / LOG_FILE)
    return min(line["validation_loss"] for line in lines if "validation_loss" in line)


def table(done: list[dict]) -> str:
    """The runs, the best first."""
    rows = ["| validation loss | settings | folder |", "|---|---|---|"]
    for run in sorted(done, key=lambda run: run["loss"]):
        rows.append(f"| {run['loss']:.4f} | {' '.join(run['settings'])} | {run['folder']} |")
    return "\n".join(rows) + "\n"


def main(
    *,
    config: str,
    data: Path,
    out: Path,
    vary: tyro.conf.UseAppendAction[tuple[str, ...]],
    tokenizer: Path | None = None,
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = (),
    random: int | None = None,
    seed: int = 0,
    limit: int | None = None,
) -> None:
    """Trains one model per choice of values.

    Args:
        config: training preset.
        data: token store, text, or folder of text.
        out: folder for everything that is written.
        vary: KEY=VALUE,VALUE,... or, with --random, KEY=lin:LOW:HIGH or KEY=log:LOW:HIGH.
        tokenizer: tokenizer file, for text.
        set: KEY=VALUE for all runs.
        random: so many random choices instead of the whole grid.
        seed: of the random choices.
        limit: only the first so many runs.
    """
    runs = choices(vary, random, seed)[:limit]
    presets = [apply([*set, *chosen], train_preset(config)) for chosen in runs]
    keep_compiled()
    store = train_data.open_store(data, tokenizer, "blank-line", out / "tokens")
    content = tokenizer.read_bytes() if tokenizer else None
    done, curves = [], []
    for number, (chosen, preset) in enumerate(zip(runs, presets, strict=True), start=1):
        name = hashlib.sha256(json.dumps([config, *set, *chosen]).encode()).hexdigest()[:8]
        say(f"run {number} of {len(runs)}: {' '.join(chosen)} in {out / name}")
        loss = run_one(preset, store, content, out / name)
        done.append({"settings": chosen, "folder": name, "loss": loss})
        curves += [
            {"step": line["step"], f"{' '.join(chosen)}_loss": line["validation_loss"]}
            for line in read_log(out / name / LOG_FILE)
            if "validation_loss" in line
        ]
        (out / "sweep.md").write_text(table(done), encoding="utf-8")
        if curves:
            (out / "sweep.svg").write_text(plots.loss_svg(curves), encoding="utf-8")
    print(table(done), end="")


def say(text: str) -> None:
    """Tells what goes on, on stderr."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    restart_with_huge_pages()
    try:
        tyro.cli(main)
    except InputError as error:
        say(f"sweep: error: {error}")
        raise SystemExit(2) from None
