"""LlamaConfig to and from the JSON of our own files; nothing missing, nothing unknown."""

import dataclasses
from typing import Any

from llama_jax.config import LlamaConfig, RopeScaling
from llama_jax.errors import InputError

# In JSON a whole number may stand for a float; a bool is no number.
JSON_TYPES: dict[type, tuple[type, ...]] = {int: (int,), float: (int, float), bool: (bool,)}


def to_json(config: LlamaConfig) -> dict[str, Any]:
    """Every field of a configuration; RoPE scaling as a dict of its own, or None."""
    return dataclasses.asdict(config)


def from_json(fields: Any, where: str = "config") -> LlamaConfig:
    """The configuration that `to_json` wrote; InputError, beginning with `where`, otherwise."""
    fields = _checked(LlamaConfig, fields, where)
    scaling = fields["rope_scaling"]
    if scaling is not None:
        scaling = RopeScaling(**_checked(RopeScaling, scaling, f"{where}: rope_scaling"))
    return LlamaConfig(**{**fields, "rope_scaling": scaling})


def _checked(kind: type, fields: Any, where: str) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise InputError(f"{where}: {fields!r} is not a JSON object")
    known = {field.name: field.type for field in dataclasses.fields(kind)}
    for what, names in (("lacks", known.keys() - fields.keys()), ("has", fields.keys() - known)):
        if names:
            remedy = "" if what == "lacks" else ", which this version does not know"
            raise InputError(f"{where}: {what} {', '.join(sorted(names))}{remedy}")
    for name, value in fields.items():
        kind = known[name]
        if kind in JSON_TYPES and (
            not isinstance(value, JSON_TYPES[kind])
            or (isinstance(value, bool) and kind is not bool)
        ):
            raise InputError(f"{where}: {name} is {value!r}, not {kind.__name__}")
    return fields
