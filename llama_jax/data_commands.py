"""`llama-jax data`: what is known of benchmark files, what is there, and how it comes there."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from llama_jax.data.manifest import (
    MANIFEST,
    SAMPLES,
    KnownSet,
    authors_sets,
    is_complete,
    known_sets,
    locate,
    task_names,
    task_roles,
)
from llama_jax.errors import InputError

Action = Literal["list", "verify", "fetch", "prepare"]
Lines = list[dict[str, Any]]


def data(
    action: Annotated[Action, tyro.conf.Positional],
    tasks: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="TASK")] = (),
    /,
    *,
    data_dir: Annotated[Path | None, tyro.conf.arg(name="data")] = None,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """List, verify, download or prepare the files of the benchmarks.

    `llama-jax data tokenize --help` is about texts to train on.

    Args:
        action: list what is known; verify the files that are there; fetch those with an address;
            prepare the rows for evaluation.
        tasks: benchmarks; default: all, of which those that are not there are only reported.
        data_dir: DIR of DIR/TASK/file; default LLAMA_JAX_DATA, else the samples inside the package.
        json_output: print JSON.
    """
    if data_dir is None and os.environ.get("LLAMA_JAX_DATA"):
        data_dir = Path(os.environ["LLAMA_JAX_DATA"])
    known = task_names(MANIFEST)
    if strangers := [task for task in tasks if task not in known]:
        raise InputError(f"no data of a task {strangers[0]!r}; there are: {', '.join(known)}")
    if action == "fetch" and data_dir is None:
        raise InputError("fetch: no folder to write to; give --data DIR or set LLAMA_JAX_DATA")
    if action in ("verify", "prepare") and data_dir is not None and not data_dir.is_dir():
        raise InputError(f"{data_dir}: no such folder; give --data DIR, which holds DIR/TASK/file")
    chosen = tuple(dict.fromkeys(tasks)) or known
    act = {"list": list_sets, "verify": verify, "fetch": fetch, "prepare": prepare}[action]
    lines, failure = act(chosen, data_dir, named=bool(tasks))
    print(json.dumps(lines, indent=1) if json_output else table(lines))
    if failure:
        raise InputError(failure)


def list_sets(tasks: Sequence[str], data_dir: Path | None, named: bool) -> tuple[Lines, str]:
    """One line for each set of the manifest and each form of the hub's files."""
    del named
    lines = []
    for known in _sets(tasks):
        folder = _folder(known, data_dir)
        paths = [file.path for file in known.every_file]
        there = None if folder is None else sum((folder / path).is_file() for path in paths)
        present = {} if there is None else {"present": f"{there} of {len(paths)}"}
        source = known.source + (" [can be fetched]" if _has_address(known) else "")
        lines.append(_line(known) | present | {"licence": known.licence, "source": source})
    for task in tasks:
        for role in task_roles(task, MANIFEST):
            if (source := _source(task, role)) and (hub := source.hub):
                line = {"task": task, "role": role, "kind": "hub", "split": hub.split}
                line["files"] = [hub.pattern]
                if data_dir is not None:
                    line["present"] = f"{len(_hub_files(task, role, data_dir))} files"
                lines.append(line | {"source": "parquet files of the Hugging Face hub"})
    return sorted(lines, key=lambda line: line["task"]), ""


def verify(tasks: Sequence[str], data_dir: Path | None, named: bool) -> tuple[Lines, str]:
    """One line for each set of files and what is wrong with it; the first failure in words."""
    from llama_jax.data.verify import Verdict, unlisted, verifiable, verify_hub, verify_set

    verdicts: list[Verdict] = []
    absences: list[str] = []
    for task in tasks:
        hubs = []
        for role in task_roles(task, MANIFEST):
            source = _source(task, role)
            how = (source.parse, source.schema) if source else (None, None)
            found = [verify_set(*one, *how) for one in verifiable(task, role, data_dir, MANIFEST)]
            if source and source.hub and data_dir is not None:
                hubs.append(source.hub)
                found.append(verify_hub(task, role, source.hub, source.schema, data_dir, MANIFEST))
            if named and not any(v.status != "absent" for v in found):
                absences.append(_absence(task, role, data_dir))
            verdicts += found
        if data_dir is not None and (rest := unlisted(task, data_dir, tuple(hubs), MANIFEST)):
            verdicts.append(rest)
    whole = {(v.task, v.role) for v in verdicts if v.status == "verified"}
    if not whole and not any(v.problem for v in verdicts) and not absences:
        raise InputError(f"{data_dir}: no file of {', '.join(tasks)} is there; see `data list`")
    failures = [v.problem for v in verdicts if v.status == "bad"]
    failures += [
        v.problem for v in verdicts if v.status == "incomplete" and (v.task, v.role) not in whole
    ]
    failures += absences
    more = f" (and {len(failures) - 1} more problems)" if len(failures) > 1 else ""
    return [dataclasses.asdict(v) for v in verdicts], failures[0] + more if failures else ""


def fetch(tasks: Sequence[str], data_dir: Path, named: bool) -> tuple[Lines, str]:
    """Downloads what has an address; one line for each set, with what is left to do."""
    from llama_jax.data.fetch import fetch_set

    del named
    lines, left = [], {}
    for known in authors_sets(tasks, data_dir, MANIFEST):
        fetched = fetch_set(known, data_dir)
        complete = is_complete(known, data_dir / known.task)
        status = "fetched" if fetched and complete else "there" if complete else "no address"
        todo = "" if complete else f"get it from {known.source}; put it in {data_dir / known.task}"
        lines.append(_line(known) | {"status": status, "to do": todo})
        left.setdefault((known.task, known.role), []).append(complete)
    open_roles = [
        f"{task} ({role})"
        for (task, role), complete in left.items()
        if not any(complete) and not _hub_files(task, role, data_dir)
    ]
    if not open_roles:
        return lines, ""
    return lines, (
        f"{data_dir}: still without files: {', '.join(open_roles)}; the manifest has no address of "
        "them; get them as said under `to do`"
    )


def prepare(tasks: Sequence[str], data_dir: Path | None, named: bool) -> tuple[Lines, str]:
    """Prepares the rows of the files that are there; one line for each task and role."""
    from importlib.util import find_spec

    from llama_jax.data.load import load_rows, prepared_folder
    from llama_jax.data.verify import anything_there

    lines = []
    for task in tasks:
        for role in task_roles(task, MANIFEST):
            line: dict[str, Any] = {"task": task, "role": role}
            source = _source(task, role)
            if source is None:
                lines.append(line | {"status": "no benchmark reads it"})
                continue
            if not named and not anything_there(task, role, data_dir, source.hub, MANIFEST):
                lines.append(line | {"status": "absent"})
                continue
            how = (source.parse, source.schema)
            found = load_rows(task, *how, data_dir, role, MANIFEST, source.hub)
            hub = source.hub if found.known.kind == "hub" else None
            folder = str(prepared_folder(found.known, *how, hub))
            if find_spec("tensorflow_datasets") is None:
                folder = "nowhere: TFDS is not installed, the files are read each time"
            about = {
                "kind": found.known.kind,
                "rows": len(found.rows),
                "of": found.known.official_rows,
            }
            lines.append(line | {"status": "prepared"} | about | {"folder": folder})
    if not any(line["status"] == "prepared" for line in lines):
        raise InputError(f"{data_dir}: no file of {', '.join(tasks)} is there; see `data list`")
    return lines, ""


def table(lines: Lines) -> str:
    """Aligned columns, one for each key that any line has; problems stand below."""
    from llama_jax.data.verify import shortened

    lines = [line | ({"files": shortened(f)} if (f := line.get("files")) else {}) for line in lines]
    names = list(dict.fromkeys(name for line in lines for name in line if name != "problem"))
    cells = [names, *([str(line.get(name, "")) for name in names] for line in lines)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rows = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    problems = [line["problem"] for line in lines if line.get("problem")]
    return "\n".join([*rows, *([""] if problems else []), *problems])


def _sets(tasks: Sequence[str]) -> list[KnownSet]:
    return [
        known
        for task in tasks
        for role in task_roles(task, MANIFEST)
        for known in known_sets(task, role, MANIFEST)
    ]


def _line(known: KnownSet) -> dict[str, Any]:
    return {
        "task": known.task,
        "role": known.role,
        "kind": known.kind,
        "split": known.split,
        "rows": known.rows,
        "files": [file.path for file in known.every_file],
    }


def _folder(known: KnownSet, data_dir: Path | None) -> Path | None:
    """Where the files of a set belong; None where no data folder is named."""
    if known.kind == "samples":
        return SAMPLES / known.task
    return None if data_dir is None else data_dir / known.task


def _has_address(known: KnownSet) -> bool:
    return all(file.url for file in known.every_file)


def _absence(task: str, role: str, data_dir: Path | None) -> str:
    source = _source(task, role)
    pattern = source.hub.pattern if source and source.hub else ""
    try:
        locate(task, data_dir, role, MANIFEST, pattern)
    except InputError as error:
        return str(error)
    return ""


def _hub_files(task: str, role: str, data_dir: Path) -> tuple[Path, ...]:
    from llama_jax.data.parquet import hub_files

    source = _source(task, role)
    return hub_files(source.hub, data_dir / task) if source and source.hub else ()


def _source(task: str, role: str):
    """How a benchmark reads the files of this role; None where no benchmark does."""
    from llama_jax.evals.benchmarks import BENCHMARKS

    for benchmark in BENCHMARKS:
        if benchmark.name == task:
            return {"examples": benchmark.examples, "shots": benchmark.shots}.get(role)
    return None
