"""What a raw row must look like: a small declarative language, and one function that checks a row.

    ROW = Record({"label": Index(of="endings"), "endings": ListOf(Text(), minimum=4, maximum=4)})
    problem(ROW, {"label": 4, "endings": ["a", "b", "c", "d"]})
    -> 'label: 4 is not an index into endings, which has 4 entries'

A schema is data (frozen, with a stable repr), so that it can be part of a cache key. Fields that a
schema does not name may be present; their values do not matter.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """A string, blank only where `blank` says so, and in which `pattern` is found.

    `unlike` names fields of the same row whose value it must not equal (the other answers).
    """

    blank: bool = False
    pattern: str | None = None
    unlike: tuple[str, ...] = ()


@dataclass(frozen=True)
class Integer:
    """A whole number, no boolean, inside the bounds (inclusive) that are given."""

    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True)
class Number:
    """An integer or a float."""


@dataclass(frozen=True)
class Boolean:
    """True or false."""


@dataclass(frozen=True)
class OneOf:
    """One of a few literal values."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class ListOf:
    """A list of `minimum` to `maximum` entries; `distinct` names a field that no two share."""

    item: "Kind"
    minimum: int = 0
    maximum: int | None = None
    distinct: str | None = None


@dataclass(frozen=True)
class Index:
    """A 0-based position in the list at the path `of` of the same row."""

    of: str


@dataclass(frozen=True)
class MemberOf:
    """A value that stands at the path `of` of the same row; lists on the way are entered."""

    of: str


@dataclass(frozen=True)
class Record:
    """An object with these fields; `optional` ones may be absent."""

    fields: Mapping[str, "Kind"]
    optional: Mapping[str, "Kind"] = field(default_factory=dict)


Kind = Text | Integer | Number | Boolean | OneOf | ListOf | Index | MemberOf | Record


def problem(schema: Record, row: Any) -> str | None:
    """Returns what is wrong with `row`, beginning with the field's path, or None."""
    return _problem(schema, row, "", row)


def at_path(row: Any, path: str) -> list[Any]:
    """Returns the values at a dotted path; a list on the way stands for all its entries.

    >>> at_path({"choices": [{"label": "A"}, {"label": "B"}]}, "choices.label")
    ['A', 'B']
    """
    values = [row]
    for name in path.split("."):
        entries = [e for v in values for e in (v if isinstance(v, list) else [v])]
        values = [e[name] for e in entries if isinstance(e, Mapping) and name in e]
    return values


def _problem(kind: Kind, value: Any, where: str, row: Any) -> str | None:
    match kind:
        case Record():
            return _record_problem(kind, value, where, row)
        case ListOf():
            return _list_problem(kind, value, where, row)
        case Text():
            return _text_problem(kind, value, where, row)
        case Integer(minimum=low, maximum=high):
            if not isinstance(value, int) or isinstance(value, bool):
                return f"{where}: expected an integer, got {_shown(value)}"
            if (low is not None and value < low) or (high is not None and value > high):
                return f"{where}: {value} is outside {low}..{high}"
        case Number():
            if not isinstance(value, int | float) or isinstance(value, bool):
                return f"{where}: expected a number, got {_shown(value)}"
        case Boolean():
            if not isinstance(value, bool):
                return f"{where}: expected true or false, got {_shown(value)}"
        case OneOf(values=values):
            if not any(value == v and type(value) is type(v) for v in values):
                return f"{where}: {_shown(value)} is not one of {list(values)}"
        case Index(of=of):
            return _index_problem(value, where, of, row)
        case MemberOf(of=of):
            if value not in at_path(row, of):
                return f"{where}: {_shown(value)} is not among {of}, {at_path(row, of)}"
    return None


def _text_problem(kind: Text, value: Any, where: str, row: Any) -> str | None:
    if not isinstance(value, str):
        return f"{where}: expected text, got {_shown(value)}"
    if not kind.blank and not value.strip():
        return f"{where}: the text is empty"
    if kind.pattern is not None and not re.search(kind.pattern, value):
        return f"{where}: {_shown(value)} has nothing of the form {kind.pattern}"
    for other in kind.unlike:
        if value in at_path(row, other):
            return f"{where}: {_shown(value)} is also {other}; the answers must differ"
    return None


def _record_problem(kind: Record, value: Any, where: str, row: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f"{where or 'the row'}: expected an object, got {_shown(value)}"
    prefix = f"{where}." if where else ""
    for name in kind.fields:
        if name not in value:
            return f"{prefix}{name}: the field is missing"
    for name, inner in {**kind.fields, **kind.optional}.items():
        if name in value and (found := _problem(inner, value[name], prefix + name, row)):
            return found
    return None


def _list_problem(kind: ListOf, value: Any, where: str, row: Any) -> str | None:
    if not isinstance(value, list):
        return f"{where}: expected a list, got {_shown(value)}"
    if len(value) < kind.minimum or (kind.maximum is not None and len(value) > kind.maximum):
        bound = "or more" if kind.maximum is None else f"to {kind.maximum}"
        return f"{where}: {len(value)} entries; expected {kind.minimum} {bound}"
    for i, entry in enumerate(value):
        if found := _problem(kind.item, entry, f"{where}[{i}]", row):
            return found
    if kind.distinct is not None:
        keys = [entry[kind.distinct] for entry in value]
        for i, key in enumerate(keys):
            if key in keys[:i]:
                return f"{where}[{i}].{kind.distinct}: {_shown(key)} occurs twice"
    return None


def _index_problem(value: Any, where: str, of: str, row: Any) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return f"{where}: expected an integer, got {_shown(value)}"
    lists = [v for v in at_path(row, of) if isinstance(v, list)]
    size = len(lists[0]) if lists else 0
    if not 0 <= value < size:
        return f"{where}: {value} is not an index into {of}, which has {size} entries"
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
