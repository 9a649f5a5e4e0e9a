"""`llama-jax infill`: the text of a gap."""

import json
import sys
from pathlib import Path
from typing import Annotated

import tyro

from llama_jax.command_options import DEFAULT, DType, Hardware, ModelPath, load_model, tell_int8
from llama_jax.errors import InputError


def infill(
    model: ModelPath,
    /,
    *,
    prefix_file: Path,
    suffix_file: Path,
    suffix_first: bool = False,
    whole: bool = False,
    tokenizer: Path | None = None,
    max_new_tokens: int | None = None,
    temperature: float = 0.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
    dtype: DType | None = None,
    hardware: Hardware = DEFAULT,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Print what stands between two texts; for Code Llama 7B and 13B.

    Args:
        model: Hugging Face directory or checkpoint of ours.
        prefix_file: UTF-8 file with the text before the gap.
        suffix_file: UTF-8 file with the text behind it.
        suffix_first: show the model the suffix first.
        whole: print the two texts around it too.
        tokenizer: tokenizer file, where the model brings none.
        max_new_tokens: most tokens to generate; default: what the context leaves.
        temperature: 0 takes the most likely token.
        top_k: sample among this many tokens; 0 for all.
        top_p: sample among the tokens that hold this probability.
        seed: of the random numbers.
        dtype: to convert the weights to.
        hardware: what to run on.
        json_output: print JSON instead of the text.
    """
    from llama_jax import infill as library

    prefix, suffix = _read(prefix_file), _read(suffix_file)
    loaded = load_model(model, tokenizer, dtype, hardware)
    tell_int8(loaded)
    found = library.infill(
        loaded,
        prefix,
        suffix,
        suffix_first=suffix_first,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
    )
    if json_output:
        line = {"text": found.text, "stop_reason": found.stop_reason, "ids": list(found.ids)}
        print(json.dumps(line, ensure_ascii=False))
    else:
        print(prefix + found.text + suffix if whole else found.text, end="", flush=True)
    if found.stop_reason == "length":
        print(f"no end within {len(found.ids)} tokens: the text may be unfinished", file=sys.stderr)


def _read(path: Path) -> str:
    """The text as it is, line ends included."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 at byte {error.start}; convert the file to UTF-8"
        ) from error
