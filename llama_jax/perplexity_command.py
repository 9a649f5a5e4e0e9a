"""`llama-jax perplexity`: a text under a model, and what eight-bit weights change."""

import json
from pathlib import Path
from typing import Annotated, Any

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

    With --weight-dtype int8 the text is scored with the weights as they are as well, and the change
    is printed.

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
    from llama_jax.int8_check import measure

    if out is not None:
        require_folder(out)
    content = read_text(text)
    loaded = load_model(model, tokenizer, dtype, hardware)
    options = {"window": window, "stride": stride, "second_bos": second_bos}
    if loaded.weight_dtype is None:
        change, found = None, loaded.perplexity(content, **options)
    else:
        change = measure(loaded, content, **options)
        found = change.found
    made = record(found, loaded.info, loaded.tokenizer)
    if change is not None:
        made["unquantized"] = change.record()
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
    if change is not None:
        print(_change(made, change.dtype))


def _change(made: dict[str, Any], dtype: str) -> str:
    plain, now = made["unquantized"], made["metrics"]["perplexity"]["value"]
    before, after = plain["weight_bytes"], plain["eight_bit_weight_bytes"]
    return (
        f"perplexity of int8 weights {now:.6g}, of {dtype} {plain['perplexity']:.6g}: "
        f"{100 * plain['relative_change']:+.3f} %\n"
        f"weights {after} bytes, {dtype} {before}: {after / before:.3f}"
    )
