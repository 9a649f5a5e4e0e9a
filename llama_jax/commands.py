"""The subcommands of `llama-jax`: each is one library call and what it prints.

Their signatures and docstrings are the command line (tyro). Heavy modules are imported inside.
"""

import functools
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from llama_jax import (
    chat_command,
    convert_command,
    data_commands,
    generate_command,
    infill_command,
    perplexity_command,
    score_command,
    tokenize_command,
    tokenizer_command,
    train_command,
    weights_command,
)
from llama_jax.command_options import DEFAULT, DType, Hardware, ModelPath, load_model, tell_int8
from llama_jax.errors import InputError

RunPaths = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]


def doctor(*, json_output: Annotated[bool, tyro.conf.arg(name="json")] = False) -> None:
    """Show versions, devices and memory.

    Args:
        json_output: print JSON.
    """
    from llama_jax.doctor import describe, inspect

    found = inspect()
    print(json.dumps(found, indent=1) if json_output else describe(found))


def evaluate(
    model: ModelPath,
    /,
    *,
    tasks: str,
    tokenizer: Path | None = None,
    protocol: str | None = None,
    shots: int | None = None,
    limit: int | None = None,
    on_overflow: Literal["error", "drop-shots"] = "error",
    judge: str | None = None,
    data: Path | None = None,
    out: Path | None = None,
    dtype: DType | None = None,
    hardware: Hardware = DEFAULT,
    int8_check: bool = True,
    dry_run: bool = False,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Evaluate a model on benchmarks, beside the paper's values.

    A run that was interrupted is finished; what `out` holds is not computed again.

    Args:
        model: Hugging Face directory, llama2.c .bin, or checkpoint of ours.
        tasks: benchmarks, separated by commas; nq_open@64 for 64 shots; table22 for the tasks of
            the paper's Table 22.
        tokenizer: tokenizer file, where the model brings none.
        protocol: "lm-eval" for the prompts of lm-evaluation-harness; default: the paper's, where it
            has the task.
        shots: few-shot examples, where the tasks say none with @; default: the protocol's.
        limit: only the first so many examples of each task.
        on_overflow: what to do where prompt and shots exceed the context.
        judge: MODULE:FUNCTION that labels generations, for tasks that need it; it is imported.
        data: DIR of DIR/TASK/file; default LLAMA_JAX_DATA, else the samples inside the package.
        out: where results.json, run.json and samples/ are written; int8.json, if measured.
        dtype: to convert the weights to.
        hardware: what to run on.
        int8_check: with --weight-dtype int8, measure what the eight bits change: the perplexity of
            a short text with the weights as they are, which must fit, and after.
        dry_run: only print what would be computed, and the memory that it takes.
        json_output: print JSON, of a run results.json, instead of the tables.
    """
    from llama_jax import api
    from llama_jax.evals.results import notes, write_json
    from llama_jax.evals.tasks import choose
    from llama_jax.report import RunFiles, markdown

    names = [name.strip() for name in tasks.split(",") if name.strip()]
    choose(names, protocol, shots)  # a wrong name is refused before weights are read
    if data is None and os.environ.get("LLAMA_JAX_DATA"):
        data = Path(os.environ["LLAMA_JAX_DATA"])
    loaded = load_model(model, tokenizer, dtype, hardware)
    how = {"protocol": protocol, "shots": shots, "limit": limit, "on_overflow": on_overflow}
    if dry_run:
        tell_int8(loaded)
        told = api.dry_run(loaded, names, judge=judge, data_dir=data, **how)
        blocks = (f"{name}: {text}" for name, text in told.items())
        print(json.dumps(told, indent=1) if json_output else "\n\n".join(blocks))
        return
    change = tell_int8(loaded, measured=int8_check)
    results = api.evaluate(loaded, names, judge=judge, data_dir=data, out_dir=out, **how)
    if out is not None and change is not None:
        write_json(out / "int8.json", change)
    if data is None:
        print("data: the samples inside the package (no --data)", file=sys.stderr)
    for note in notes(results, out):
        print(note, file=sys.stderr)
    if json_output:
        print(json.dumps(results.summary, indent=1))
    else:
        label = model.resolve().name
        print(markdown([RunFiles.parse(results.summary, label=label, run=results.run)]), end="")


def report(runs: RunPaths, /, *, out: Path, reference: str = "Llama 2 7B") -> None:
    """Write one page and one Markdown file for one or several runs side by side.

    Args:
        runs: folders that `llama-jax eval --out` wrote.
        out: where report.md and index.html are written.
        reference: row of the paper to compare with.
    """
    from llama_jax.evals.results import require_folder
    from llama_jax.report import RunFiles, markdown, write_report

    require_folder(out)
    names = [folder.resolve().name for folder in runs]
    labels = [n if names.count(n) == 1 else str(r) for n, r in zip(names, runs, strict=True)]
    read = [RunFiles.read(run, label) for run, label in zip(runs, labels, strict=True)]
    page = write_report(read, out, reference=reference)
    print(markdown(read, reference), end="")
    print(f"\n{page}")


COMMANDS = {
    "doctor": doctor,
    "generate": generate_command.generate,
    "chat": chat_command.chat,
    "infill": infill_command.infill,
    "eval": evaluate,
    "perplexity": perplexity_command.perplexity,
    "score": score_command.score,
    "report": report,
    "convert": convert_command.convert,
    "tokenizer": tokenizer_command.tokenizer,
    "train": train_command.train,
    "data": data_commands.data,
    "weights": weights_command.weights,
    "data tokenize": tokenize_command.tokenize,
}


def call(name: str, arguments: list[str]) -> None:
    """Parses the arguments of a subcommand and calls it.

    Raises:
        InputError: the arguments are wrong; what the parser prints, as one line.
    """
    if f"{name} {' '.join(arguments[:1])}" in COMMANDS:
        name, arguments = f"{name} {arguments[0]}", arguments[1:]
    command, stderr, said = COMMANDS[name], sys.stderr, io.StringIO()

    @functools.wraps(command)
    def parsed(*args: Any, **kwargs: Any) -> None:
        sys.stderr = stderr
        command(*args, **kwargs)

    sys.stderr = said
    try:
        config = (tyro.conf.OmitArgPrefixes,)
        tyro.cli(parsed, prog=f"llama-jax {name}", args=arguments, config=config)
    except SystemExit as stop:
        plain = re.sub(r"\x1b\[[\d;]*m", "", said.getvalue())  # without colours and boxes
        words = re.sub("[\u2500-\u257f]+", " ", plain).split()
        if stop.code and words:
            raise InputError(" ".join(words)) from None
        raise
    finally:
        sys.stderr = stderr
