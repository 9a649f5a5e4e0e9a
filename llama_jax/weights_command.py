"""`llama-jax weights`: what is in a file of weights, and whether it is whole."""

import json
from typing import Annotated, Any, Literal

import tyro

from llama_jax.command_options import ModelPath

Action = Literal["inspect", "verify"]


def weights(
    action: Annotated[Action, tyro.conf.Positional],
    model: ModelPath,
    /,
    *,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Say what a file of weights holds, or verify it.

    Args:
        action: inspect prints names, shapes, dtypes, parameters and bytes, and reads no values;
            verify reads all of them, prints the SHA-256 of every file and of the parameters, and
            what is missing or wrong, which makes the exit status 1.
        model: Hugging Face directory, llama2.c .bin, or checkpoint of ours.
        json_output: print JSON.
    """
    from llama_jax.weights import inspection, open_weights

    if action == "inspect":
        described = inspection.describe(open_weights(model))
        print(json.dumps(described, indent=1) if json_output else _table(described))
        return
    found = inspection.verify(model)
    print(json.dumps(found, indent=1) if json_output else _verdict(found))
    if found["problems"]:
        raise SystemExit(1)


def _table(described: dict[str, Any]) -> str:
    """One line for each tensor, and their sum."""
    lines = [f"{described['path']}: {described['kind']}"]
    lines += [f"{name:22}{value}" for name, value in described["config"].items()]
    lines.append("")
    width = max(len(tensor["name"]) for tensor in described["tensors"]) + 2
    for tensor in described["tensors"]:
        shape = " x ".join(map(str, tensor["shape"]))
        lines.append(
            f"{tensor['name']:{width}}{tensor['dtype']:10}{shape:>24}{tensor['bytes']:>15}"
        )
    lines.append(f"{described['parameters']} parameters, {described['bytes']} bytes")
    lines.append(f"tokenizer: {described['tokenizer'] or 'none'}")
    lines.append(f"manifest: {'yes' if described['manifest'] else 'none'}")
    return "\n".join(lines)


def _verdict(found: dict[str, Any]) -> str:
    """Digests, notes, and a last line that says whether all is well."""
    lines = [f"{found['path']}: {found['kind']}"]
    lines += [
        f"{file['sha256']}  {file['bytes']:>13}  {name}" for name, file in found["files"].items()
    ]
    if found["params_sha256"]:
        lines.append(f"params_sha256 {found['params_sha256']}")
    lines += [f"note: {note}" for note in found["notes"]]
    lines += [f"wrong: {problem}" for problem in found["problems"]]
    lines.append(f"{len(found['problems'])} problems" if found["problems"] else "good")
    return "\n".join(lines)
