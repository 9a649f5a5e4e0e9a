"""The main job: Table 3's layout with the paper's rows and ours, and one page to look at.

    python experiments/reproduce.py                                      # no weights, no network
    python experiments/reproduce.py --model DIR --data DIR               # real weights and files

Without --model it trains the TINY preset on the corpus inside the package for a minute or two,
saves it with Orbax, and evaluates it, before and after training, on the samples inside the package
(written in the authors' formats; no sample text stands in the corpus). With --model it evaluates
those weights on the files in --data (default: the samples). What an earlier run left in --out is
not done again.

Figures that such a run gives stand in BUILD.md.
"""

import sys
from pathlib import Path

import jax
import tyro

import llama_jax as lj
from llama_jax import samples
from llama_jax.config import preset
from llama_jax.data.packing import pack
from llama_jax.data.text import encode_documents, read_documents, split_validation
from llama_jax.errors import InputError
from llama_jax.huge_pages import restart_with_huge_pages
from llama_jax.model import decoder
from llama_jax.report import RunFiles, markdown, write_report
from llama_jax.tokenizer import load_tokenizer
from llama_jax.training.log import read_log
from llama_jax.training.loop import LOG_FILE, train
from llama_jax.training.optimizer import OptimizerConfig
from llama_jax.training.stop import leave_if_stopped

TASKS = ("hellaswag", "arc_challenge")
SEED = 0
# Many small steps learn more in two minutes than few large ones.
ROWS = 4  # of 256 tokens, per step
PEAK = 4e-3  # for 0.9M parameters; the paper's 3e-4 is for 7B
VALIDATION = 0.02


def train_tiny(out: Path, steps: int) -> Path:
    """Trains TINY on the corpus; the run's folder, which holds its checkpoint and log."""
    config, tokenizer = preset("tiny"), load_tokenizer(samples.TOKENIZER)
    documents = read_documents([samples.CORPUS], "blank-line")
    kept, held_out = split_validation(documents, VALIDATION, SEED)
    rows, validation = (
        pack(encode_documents(part, tokenizer), config.context) for part in (kept, held_out)
    )
    say(f"corpus: {len(documents)} documents, {rows.loss_mask.sum():,} training tokens")
    optimizer = OptimizerConfig(peak_learning_rate=PEAK, steps=steps, warmup_steps=steps // 10)
    run = train(
        config,
        optimizer,
        rows,
        steps=steps,
        batch_size=ROWS,
        seed=SEED,
        out_dir=out,
        validation_rows=validation,
        validate_every=max(1, steps // 8),
        tokenizer_bytes=tokenizer.serialized(),
    )
    leave_if_stopped(run.stopped_at)
    return out


def untrained() -> lj.Model:
    """TINY as it is before the first step of `train_tiny`."""
    config = preset("tiny")
    params = decoder.init(jax.random.key(SEED), config)
    return lj.Model(config, params, load_tokenizer(samples.TOKENIZER), "untrained")


def evaluate(model: lj.Model, label: str, out: Path, data: Path | None, limit: int | None):
    """Evaluates on TASKS into OUT/LABEL."""
    say(f"evaluating {label} on {', '.join(TASKS)}")
    lj.evaluate(model, TASKS, data_dir=data, out_dir=out / label, limit=limit)
    return RunFiles.read(out / label, label)


def main(
    *,
    model: Path | None = None,
    tokenizer: Path | None = None,
    data: Path | None = None,
    out: Path = Path("runs/reproduce"),
    steps: int = 480,
    limit: int | None = None,
) -> None:
    """Trains or loads, evaluates, and prints the table and the path of the report.

    Args:
        model: real weights to evaluate instead of training.
        tokenizer: their tokenizer, where they bring none.
        data: folder of benchmark files; default: the samples inside the package.
        out: folder for everything that is written.
        steps: of training.
        limit: only the first so many examples of each task.
    """
    log = None
    if model is not None:
        runs = [evaluate(lj.load(model, tokenizer), model.resolve().name, out, data, limit)]
    else:
        run = train_tiny(out / "training", steps)
        log = list(read_log(run / LOG_FILE))
        runs = [
            evaluate(untrained(), "untrained", out, data, limit),
            evaluate(lj.load(run), "trained", out, data, limit),
        ]
    page = write_report(runs, out / "report", log)
    print(markdown(runs))
    print(f"report: {page.resolve()}")


def say(text: str) -> None:
    """Tells what goes on, on stderr."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    restart_with_huge_pages()
    try:
        tyro.cli(main)
    except InputError as error:
        say(f"reproduce: error: {error}")
        raise SystemExit(2) from None
