"""What the model has already answered: an append-only file of answers, so that a run can resume.

OUT/journal/TASK.jsonl: the first line says whose answers these are (digests of the parameters and
the tokenizer, the dtype); each further line is one answer under the digest of exactly what was
asked: token ids, border, generation settings. A changed prompt, protocol, limit or data file
therefore asks only what is new, and another model's answers are never taken.

Every line is flushed as it is written. A run that died in the middle of one leaves a torn last
line; it is cut off, and that answer is asked again.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from llama_jax.errors import InputError
from llama_jax.evals.requests import Answer, Item
from llama_jax.evals.types import Likelihood, ModelInfo, Output
from llama_jax.tokenizer import Tokenizer

SCHEMA = 1


def identity(model: ModelInfo, tokenizer: Tokenizer) -> dict[str, Any]:
    """Returns what an answer depends on besides the item: the first line of a journal."""
    return {
        "schema": SCHEMA,
        "params_sha256": model.params_sha256,
        "tokenizer_sha256": tokenizer.sha256,
        "dtype": model.dtype,
    }


def item_key(item: Item) -> str:
    """Returns the digest of an item: its ids and every setting."""
    return hashlib.sha256(repr(item).encode()).hexdigest()[:32]


def read_journal(path: Path, owner: dict[str, Any]) -> tuple[dict[str, Answer], int]:
    """Returns the answers of a journal by item key, and how many of its bytes are whole lines.

    Raises:
        InputError: it belongs to another model, tokenizer or dtype, or a line inside is damaged.
    """
    if not path.is_file():
        return {}, 0
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    lines = data[:whole].split(b"\n")[:-1]
    answers: dict[str, Answer] = {}
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            if number == 1:
                refuse_other(path, entry, owner)
            else:
                answers[entry["item"]] = _answer(entry)
        except InputError:
            raise
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}:{number}: damaged line ({error}); delete the file, its answers will be "
                "computed again"
            ) from error
    return answers, whole


def refuse_other(path: Path, found: dict[str, Any], owner: dict[str, Any]) -> None:
    """Raises an InputError when results in the output folder are not this model's."""
    for name, value in owner.items():
        if found[name] != value:
            raise InputError(
                f"{path} holds results of another model: {name} {found[name]}, this run's is "
                f"{value}; give another --out"
            )


class Journal:
    """Appends answers to the file of one task; made only when there is something to append."""

    def __init__(self, path: Path, owner: dict[str, Any], whole: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("r+b" if whole else "wb")
        self._file.truncate(whole)  # cuts off a torn last line
        self._file.seek(whole)
        if not whole:
            self._write(owner)

    def append(self, key: str, answer: Answer) -> None:
        """Writes the answer to the item of this key and flushes it."""
        self._write({"item": key, **_entry(answer)})

    def _write(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def _entry(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Output):
        return {"text": answer.text, "stop_reason": answer.stop_reason}
    return {"logprob": answer.logprob, "tokens": answer.tokens, "greedy": answer.greedy}


def _answer(entry: dict[str, Any]) -> Answer:
    if "text" in entry:
        return Output(entry["text"], entry["stop_reason"])
    return Likelihood(entry["logprob"], entry["tokens"], entry["greedy"])
