"""`llama-jax perplexity`: a text under a model."""

import json
from pathlib import Path
from typing import Annotated

import tyro

from llama_jax.command_options import DEFAULT, DType, Hardware, ModelPath, load_model


def perplexity(
    model: ModelPath,
    /,
    *,
    text: Path,
    tokenizer: Path | None = None,
    window: int | None = None,
    stride: int | None = None,
    second_bos: Annotated[bool, tyro.conf.arg(name="second-bos")] = False,
    out: Path | None = None,
    dtype: DType | None = None,
    hardware: Hardware = DEFAULT,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Compute the perplexity of a text, per token, byte and word.

    Args:
        model: Hugging Face directory, llama2.c .bin, or checkpoint of ours.
        text: a UTF-8 file, scored as it is.
        tokenizer: tokenizer file, where the model brings none.
        window: tokens that the model sees at once; default: its context.
        stride: new tokens of each window, the rest being context; default: the window.
        second_bos: score a second BOS before the text, as lm-evaluation-harness does.
        out: where perplexity.json is written.
        dtype: to convert the weights to.
        hardware: what to run on.
        json_output: print JSON instead of the table.
    """
    from llama_jax.evals.perplexity import read_text, record
    from llama_jax.evals.results import require_folder, write_json

    if out is not None:
        require_folder(out)
    content = read_text(text)
    loaded = load_model(model, tokenizer, dtype, hardware)
    found = loaded.perplexity(content, window=window, stride=stride, second_bos=second_bos)
    made = record(found, loaded.info, loaded.tokenizer)
    if out is not None:
        write_json(out / "perplexity.json", made)
    if json_output:
        print(json.dumps(made, indent=1))
        return
    print(
        f"{text}: {found.tokens} tokens, {found.bytes} bytes, {found.words} words; "
        f"{found.windows} windows of {found.window}, stride {found.stride}"
    )
    for name, metric in made["metrics"].items():
        value = "none" if metric["value"] is None else f"{metric['value']:.6g}"
        print(f"{name:16}{value:>12}")
