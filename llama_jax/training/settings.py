"""`--set key=value` over the fields of a training preset: typed, with errors that tell what is."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from llama_jax.errors import InputError

T = TypeVar("T")


def apply(settings: Iterable[str], preset: T) -> T:
    """The preset with "key=value" texts applied, all at once, later ones over earlier ones.

    >>> from llama_jax.training.presets import train_preset
    >>> changed = apply(["seed=10", "options.chunk=none"], train_preset("books"))
    >>> changed.seed, changed.options.chunk
    (10, None)

    Raises:
        InputError: no "=", an unknown key, a value of another type, or values that do not fit.
    """
    changes: dict[str, Any] = {}
    kinds = field_types(type(preset))
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals:
            raise InputError(f"--set {setting}: not key=value")
        if key not in kinds:
            raise InputError(f"--set {key}: no such setting; {_near(key, kinds)}")
        changes[key] = parse(text.strip(), kinds[key], f"--set {key}")
    return replaced(preset, changes)


def replaced(value: T, changes: Mapping[str, Any]) -> T:
    """A dataclass with the fields at dotted paths changed, all at once: checks see the result."""
    own = {key: change for key, change in changes.items() if "." not in key}
    for name in dict.fromkeys(key.partition(".")[0] for key in changes if "." in key):
        start = f"{name}."
        inner = {k.removeprefix(start): c for k, c in changes.items() if k.startswith(start)}
        own[name] = replaced(getattr(value, name), inner)
    return dataclasses.replace(value, **own) if own else value


def field_types(kind: type, prefix: str = "") -> dict[str, Any]:
    """Dotted path -> type of every field, those of dataclasses within included."""
    found: dict[str, Any] = {}
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            found |= field_types(hint, f"{prefix}{field.name}.")
        elif all(inner in SIMPLE for inner in _alternatives(hint)):
            found[f"{prefix}{field.name}"] = hint
    return found


def parse(text: str, kind: Any, where: str) -> Any:
    """A text as a value of a simple type, or of a union of some with None.

    >>> parse("1e3", int, "x"), parse("none", int | None, "x"), parse("no", bool, "x")
    (1000, None, False)
    """
    kinds = _alternatives(kind)
    if type(None) in kinds and text.lower() in ("none", "null"):
        return None
    for one in kinds:
        try:
            if one is not type(None):
                return SIMPLE[one](text)
        except (ValueError, KeyError, OverflowError):
            continue
    names = " or ".join("none" if one is type(None) else one.__name__ for one in kinds)
    raise InputError(f"{where}: {text!r} is not {names}")


def _alternatives(hint: Any) -> tuple:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def _int(text: str) -> int:
    try:
        return int(text.replace("_", ""))
    except ValueError:
        value = float(text)  # 1e6
        if not value.is_integer():
            raise
        return int(value)


def _bool(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
        text.lower()
    ]


SIMPLE = {int: _int, float: float, bool: _bool, str: str, type(None): None}


def _near(key: str, known: Iterable[str]) -> str:
    known = list(known)
    same_end = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    near = list(dict.fromkeys([*same_end, *difflib.get_close_matches(key, known, 4, 0.5)]))
    if near:
        return f"near it: {', '.join(near)}"
    return f"there are: {', '.join(known)}"
