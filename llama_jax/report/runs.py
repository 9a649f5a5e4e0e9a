"""What an evaluation left in its folder."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_jax.errors import InputError
from llama_jax.report.results import TaskResult, get, number, parse_task

SCHEMA = 1
SAMPLE_LINES = 3
"""How many lines of each sample file a report shows."""


@dataclass(frozen=True)
class RunFiles:
    """One evaluated model: results.json, run.json and the first lines of its sample files."""

    label: str
    model: Mapping[str, Any]
    tasks: Mapping[str, TaskResult]
    run: Mapping[str, Any]
    samples: Mapping[str, Sequence[Mapping[str, Any]]]

    @classmethod
    def read(cls, folder: str | Path, label: str | None = None) -> "RunFiles":
        """Read an evaluation's output folder; the label defaults to the folder's name.

        Raises:
            InputError: a file is missing or not what `llama-jax eval` writes.
        """
        folder = Path(folder)
        results = _object(folder / "results.json")
        run = _object(folder / "run.json")
        where = str(folder / "results.json")
        label = folder.resolve().name if label is None else label
        parsed = cls.parse(results, label=label, run=run, where=where)
        samples = {t: _lines(folder / "samples" / f"{t}.jsonl") for t in parsed.tasks}
        return cls(label, parsed.model, parsed.tasks, run, samples)

    @classmethod
    def parse(
        cls,
        results: Mapping[str, Any],
        *,
        label: str,
        run: Mapping[str, Any] | None = None,
        samples: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        where: str = "results",
    ) -> "RunFiles":
        """Check a results.json that is already in memory; `where` names it in errors.

        Raises:
            InputError: a key is missing or has a wrong value.
        """
        schema = results.get("schema")
        if schema != SCHEMA:
            raise InputError(f"{where}: schema {schema!r}, this version reads {SCHEMA}")
        if not isinstance(results.get("model"), Mapping):
            raise InputError(f"{where}: model is {results.get('model')!r}, expected an object")
        tasks = results.get("tasks")
        if not isinstance(tasks, Mapping) or not tasks:
            raise InputError(f"{where}: no tasks; run llama-jax eval with at least one task")
        parsed = {
            name: parse_task(name, entry, f"{where}: {name}") for name, entry in tasks.items()
        }
        return cls(label, results["model"], parsed, run or {}, samples or {})


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: missing; give a folder that llama-jax eval wrote") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not JSON ({error}); run llama-jax eval again") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds a {type(found).__name__}, expected an object")
    return found


def _lines(path: Path) -> tuple[dict[str, Any], ...]:
    if not path.is_file():
        raise InputError(
            f"{path}: missing, though results.json has this task; "
            "run llama-jax eval again with the same --out"
        )
    found = []
    with path.open("rb") as file:
        for at, line in enumerate(itertools.islice(file, SAMPLE_LINES), start=1):
            try:
                sample = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}, line {at}: not JSON ({error})") from None
            _check_sample(sample, f"{path}, line {at}")
            found.append(sample)
    return tuple(found)


def _check_sample(sample: Any, where: str) -> None:
    if not isinstance(sample, dict) or "id" not in sample:
        raise InputError(f"{where}: not an object with an id")
    for i, choice in enumerate(sample.get("choices") or ()):
        place = f"{where}: choice {i}"
        get(choice, "text", str, place)
        number(get(choice, "logprob", (int, float), place), f"{place}: logprob")
    for i, output in enumerate(sample.get("outputs") or ()):
        get(output, "text", str, f"{where}: output {i}")
