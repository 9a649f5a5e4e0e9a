"""Hugging Face's tokenizer.json as a value: what the tokenizer is made of, and what it begins with.

BOS and EOS are not in that file; transformers keeps them beside it, in tokenizer_config.json or
special_tokens_map.json. A file that stands alone is read by the names that Llama's have, or by a
`role` ("bos", "eos") among its added tokens, which `serialized` writes and other readers ignore.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llama_jax.errors import InputError

BESIDE = ("tokenizer_config.json", "special_tokens_map.json")
ROLES = {"bos": ("<|begin_of_text|>", "<s>"), "eos": ("<|end_of_text|>", "</s>")}
# What other programs do with ids, or nothing that changes them.
_NOT_IDS = ("version", "post_processor", "padding", "truncation")


def parse(data: bytes, where: str) -> dict[str, Any]:
    """The content of a tokenizer.json.

    Raises:
        InputError: not JSON, or not the byte-pair encoding of a Llama.
    """
    try:
        content = json.loads(data)
    except ValueError as error:
        raise InputError(
            f"{where}: truncated or corrupt JSON ({len(data)} bytes): {error}; copy the file again"
        ) from error
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), (dict, list)):
        raise InputError(
            f"{where}: a JSON file without a tokenizer's model and vocab; the file that has them "
            "is tokenizer.json"
        )
    kind = model.get("type") or ("BPE" if "merges" in model else "nothing")
    if kind != "BPE" or not isinstance(model["vocab"], dict):
        raise InputError(
            f"{where}: its model is {kind}; read are BPE tokenizers, as all Llamas have"
        )
    if model.get("dropout"):
        raise InputError(
            f"{where}: BPE dropout is {model['dropout']}, so that ids are random; set it to null"
        )
    return content


def special_tokens(content: dict[str, Any], folder: Path | None) -> dict[str, str]:
    """The names of "bos" and "eos", as far as they are known.

    Args:
        content: of tokenizer.json.
        folder: where its companions are looked for.

    Raises:
        InputError: a companion is not JSON.
    """
    beside = [] if folder is None else [_companion(folder / name) for name in BESIDE]
    names = set(content["model"]["vocab"]) | {token["content"] for token in added(content)}
    roles = {token["role"]: token["content"] for token in added(content) if "role" in token}
    found = {}
    for role, usual in ROLES.items():
        told = [_name(companion.get(f"{role}_token")) for companion in beside]
        candidates = [*told, roles.get(role), *(name for name in usual if name in names)]
        name = next((name for name in candidates if name), None)
        if name is not None:
            found[role] = name
    return found


def marked(content: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The same content, with the roles that it would not be read with when it stands alone."""
    bare = {**content, "added_tokens": [_without_role(token) for token in added(content)]}
    alone = special_tokens(bare, None)
    for role, name in names.items():
        if alone.get(role) != name:
            for token in bare["added_tokens"]:
                if token["content"] == name:
                    token["role"] = role
    return bare


def sha256(content: dict[str, Any], names: dict[str, str]) -> str:
    """Hex digest of vocabulary, merges and whatever else changes ids, however it was written."""
    kept = {key: value for key, value in content.items() if key not in _NOT_IDS}
    kept["added_tokens"] = sorted(map(_without_role, added(content)), key=lambda t: t["id"])
    merges = [m.split(" ") if isinstance(m, str) else m for m in content["model"]["merges"]]
    kept["model"] = content["model"] | {"merges": merges}
    text = json.dumps([kept, names], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def added(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The tokens beside the model's vocabulary: special ones, and those that users added."""
    return content.get("added_tokens") or []


def parts(content: dict[str, Any], section: str) -> Iterator[dict[str, Any]]:
    """The steps of "normalizer", "pre_tokenizer" or "decoder", one after another."""
    waiting = [content.get(section)]
    while waiting:
        part = waiting.pop(0)
        if not part:
            continue
        inner = next((v for v in part.values() if isinstance(v, list)), None)
        if part.get("type") == "Sequence" and inner is not None:
            waiting = inner + waiting
        else:
            yield part


def _companion(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}; copy the file again") from error
    return content if isinstance(content, dict) else {}


def _name(value: Any) -> str | None:
    """A token as the companions write it: its text, or an object that has it."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _without_role(token: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in token.items() if key != "role"}
