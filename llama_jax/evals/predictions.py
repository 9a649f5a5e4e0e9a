"""Outputs that somebody saved: read, and matched to a task's examples one by one.

    {"id": "bbh/snarks:0", "completions": ["(A)"]}

is a line of a predictions file; `{"ID": [true, false], ...}` is a file of outcomes. The order of
either plays no part. Every id must be a known one and occur once, and all must have as many entries
as the first; what has no prediction is an error, counts as wrong or is left out, as one asks.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from llama_jax.data.rows import file_sha256, jsonl_rows
from llama_jax.data.schema import ListOf, Record, Text, problem
from llama_jax.errors import InputError
from llama_jax.evals.types import Example

MISSING = ("error", "wrong", "skip")
LINE = Record({"id": Text(), "completions": ListOf(Text(blank=True), minimum=1)})
_SHOWN = 3
Entry = TypeVar("Entry", str, bool)


@dataclass(frozen=True)
class Saved(Generic[Entry]):
    """What a file holds for each id: texts or verdicts, as many for each.

    Attributes:
        path: the file.
        sha256: digest of its bytes.
        what: "completions" or "outcomes", for messages.
        of: id to entries.
        count: entries of every id.
    """

    path: Path
    sha256: str
    what: str
    of: Mapping[str, tuple[Entry, ...]]
    count: int


def read_predictions(path: Path) -> Saved[str]:
    """Reads a predictions file.

    Raises:
        InputError: the file is not there, a line is not as it must be, an id occurs twice, or the
            numbers of completions differ.
    """
    _require_file(path)
    pairs = []
    for number, row in jsonl_rows(path, distinct=True):
        if found := problem(LINE, row):
            raise InputError(
                f'{path}:{number}: {found}; a line is {{"id": TEXT, "completions": [TEXT, ...]}}'
            )
        for text in (row["id"], *row["completions"]):
            _require_unicode(text, f"{path}:{number}")
        pairs.append((row["id"], tuple(row["completions"])))
    return _saved(path, "completions", pairs)


def read_outcomes(path: Path) -> Saved[bool]:
    """Reads a file of outcomes: one JSON object of id to a list of true and false.

    Raises:
        InputError: as for predictions.
    """
    _require_file(path)
    try:
        pairs = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    if not isinstance(pairs, _Pairs):
        raise InputError(f"{path}: expected an object of id to a list, got {type(pairs).__name__}")
    for name, verdicts in pairs:
        _require_unicode(name, str(path))
        right = isinstance(verdicts, list) and not isinstance(verdicts, _Pairs) and verdicts
        if not right or not all(isinstance(verdict, bool) for verdict in verdicts):
            raise InputError(
                f"{path}: {name!r}: expected a list of true and false, one for each program, "
                f"got {str(verdicts)[:60]}"
            )
    return _saved(path, "outcomes", [(name, tuple(verdicts)) for name, verdicts in pairs])


class _Pairs(list):
    """The members of a JSON object as they stand, so that a repeated name is seen."""


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a file")
    if not path.is_file():
        raise InputError(f"{path}: no such file")


def _require_unicode(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise InputError(f"{where}: a lone surrogate, U+{code:04X}, is no text") from None


def _saved(path: Path, what: str, pairs: Sequence[tuple[str, tuple]]) -> Saved:
    if not pairs:
        raise InputError(f"{path}: the file holds no {what}")
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise InputError(f"{path}: {_ids(twice)} more than once; an id may occur once")
    count = len(pairs[0][1])
    if others := [(name, len(entries)) for name, entries in pairs if len(entries) != count]:
        raise InputError(
            f"{path}: {_ids([name for name, _ in others])} with another number of {what} "
            f"({others[0][1]}) than the first, {pairs[0][0]!r} ({count}); all need the same number"
        )
    return Saved(path, file_sha256(path), what, dict(pairs), count)


def match(
    saved: Saved[Any], examples: Sequence[Example], missing: str, where: str
) -> tuple[Example, ...]:
    """Returns the examples that have no entry, in their order.

    Args:
        saved: what was read.
        examples: those that are asked for.
        missing: "error" refuses such examples; "wrong" and "skip" leave them to the caller.
        where: the task and its data, for messages.

    Raises:
        InputError: an id is unknown, or an example has no entry where `missing` is "error".
    """
    known = {example.id for example in examples}
    if strangers := [name for name in saved.of if name not in known]:
        raise InputError(
            f"{saved.path}: {_ids(strangers)} unknown in {where}, whose ids are like "
            f"{examples[0].id!r}; remove these lines or give the data they belong to"
        )
    absent = tuple(example for example in examples if example.id not in saved.of)
    if absent and missing == "error":
        raise InputError(
            f"{saved.path}: no {saved.what} for {len(absent)} of the {len(examples)} examples of "
            f"{where}: {_names([example.id for example in absent])}; add them, or count them as "
            "wrong with --missing wrong, or leave them out with --missing skip"
        )
    return absent


def agree(predictions: Saved[str], outcomes: Saved[bool]) -> None:
    """Checks that two files speak of the same outputs.

    Raises:
        InputError: their ids or the numbers of their entries differ.
    """
    for one, other in ((predictions, outcomes), (outcomes, predictions)):
        if only := [name for name in one.of if name not in other.of]:
            raise InputError(f"{one.path}: {_ids(only)} without {other.what} in {other.path}")
    if predictions.count != outcomes.count:
        raise InputError(
            f"{outcomes.path}: {outcomes.count} outcomes for each id, but {predictions.path} has "
            f"{predictions.count} completions"
        )


def _ids(names: Sequence[str]) -> str:
    return f"{len(names)} {'id' if len(names) == 1 else 'ids'} ({_names(names)})"


def _names(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
