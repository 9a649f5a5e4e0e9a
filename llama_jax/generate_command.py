"""`llama-jax generate`: texts that go on."""

import json
from pathlib import Path
from typing import Annotated

import tyro

from llama_jax import chat_command
from llama_jax.command_options import DEFAULT, DType, Hardware, ModelPath, load_model, tell_int8

Repeated = tyro.conf.UseAppendAction


def generate(
    model: ModelPath,
    /,
    *,
    prompt: Repeated[tuple[str, ...]] = (),
    chat: bool = False,
    tokenizer: Path | None = None,
    max_new_tokens: int | None = None,
    temperature: float = 0.0,
    top_k: int = 0,
    top_p: float = 1.0,
    stop: Repeated[tuple[str, ...]] = (),
    seed: int = 0,
    dtype: DType | None = None,
    hardware: Hardware = DEFAULT,
    int8_check: bool = True,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Continue a text; it appears as it is generated, the prompt before it.

    Args:
        model: Hugging Face directory, llama2.c .bin, or checkpoint of ours.
        prompt: text to continue; repeat for a batch, whose texts are separated by an empty line;
            default: the empty text.
        chat: each prompt is what a user says to a chat model; only the reply is printed.
        tokenizer: tokenizer file, where the model brings none.
        max_new_tokens: most tokens to generate; default: what the context leaves.
        temperature: 0 takes the most likely token.
        top_k: sample among this many tokens; 0 for all.
        top_p: sample among the tokens that hold this probability.
        stop: end where this string appears; repeat for several.
        seed: of the random numbers.
        dtype: to convert the weights to.
        hardware: what to run on.
        int8_check: with --weight-dtype int8, measure what the eight bits change: the perplexity of
            a short text with the weights as they are, which must fit, and after.
        json_output: print one JSON line per prompt instead of text.
    """
    loaded = load_model(model, tokenizer, dtype, hardware)
    tell_int8(loaded, measured=int8_check)
    prompt = prompt or ("",)
    asked, ends = prompt, {"stop": stop}
    if chat:
        asked, ends = chat_command.user_turns(loaded.tokenizer, prompt, stop)
    stream = len(prompt) == 1 and not json_output
    # Refused input prints nothing: the prompt waits for the first token.
    waiting = [""] if chat else list(prompt)

    def begun(text: str) -> str:
        return text.removeprefix(" ") if chat else text  # the space before a reply's first word

    def show(_: int, text: str) -> None:
        print(waiting.pop() + begun(text) if waiting else text, end="", flush=True)

    results = loaded.generations(
        asked,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        on_text=show if stream else None,
        **ends,
    )
    if stream:
        print("".join(waiting))
        return
    for text, result in zip(prompt, results, strict=True):
        if json_output:
            line = {"prompt": text, "text": begun(result.text), "stop_reason": result.stop_reason}
            print(json.dumps({**line, "ids": list(result.ids)}, ensure_ascii=False))
        else:
            print(("" if chat else text) + begun(result.text), end="\n\n")
