"""`llama-jax chat`: a session with a model."""

import contextlib
import dataclasses
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from llama_jax.command_options import DEFAULT, DType, Hardware, ModelPath, load_model, tell_int8


def chat(
    model: ModelPath,
    /,
    *,
    system: str | None = None,
    format: Literal["llama2", "llama3"] | None = None,
    transcript: Path | None = None,
    tokenizer: Path | None = None,
    max_new_tokens: int | None = None,
    temperature: float = 0.6,
    top_k: int = 0,
    top_p: float = 0.9,
    seed: int = 0,
    dtype: DType | None = None,
    hardware: Hardware = DEFAULT,
) -> None:
    """Talk with a chat model; replies appear as they are generated.

    Each line is a message; /help lists the commands. Ctrl-C stops a reply, Ctrl-D ends the session.
    Replies go to stdout, everything else to stderr, so that lines may come from a file.

    Args:
        model: Hugging Face directory, llama2.c .bin, or checkpoint of ours.
        system: the system prompt.
        format: of the dialogue; default: the one that the tokenizer has the tokens of.
        transcript: JSON Lines file that every exchange is added to as it ends.
        tokenizer: tokenizer file, where the model brings none.
        max_new_tokens: most tokens of a reply; default: what the context leaves.
        temperature: 0 takes the most likely token.
        top_k: sample among this many tokens; 0 for all.
        top_p: sample among the tokens that hold this probability.
        seed: of the random numbers; reply n draws from seed + n.
        dtype: to convert the weights to.
        hardware: what to run on.
    """
    from llama_jax.chat import Message, Reply, Sampling, Session, Transcript, reply
    from llama_jax.inference.kept import Kept
    from llama_jax.prompts import chat_format

    kept = Kept()
    sampling = Sampling(temperature, top_k, top_p, max_new_tokens, seed)
    loaded = load_model(model, tokenizer, dtype, hardware)
    tell_int8(loaded)
    form = chat_format(loaded.tokenizer, format)
    # A system prompt that the format refuses is said before the first line is read.
    form.encode([*([] if system is None else [Message("system", system)]), Message("user", "")])

    def answer(messages: Sequence[Message], show: Callable[[str], None], number: int) -> Reply:
        drawn = dataclasses.replace(sampling, seed=seed + number)
        return reply(loaded, messages, form=form, sampling=drawn, on_text=show, kept=kept)

    sys.stdin.reconfigure(errors="surrogateescape")  # bytes that are not UTF-8: refused by line
    interactive = sys.stdin.isatty()
    session = Session(
        answer,
        read=_read_from_a_person if interactive else _read_from_a_file,
        write=lambda text: print(text, end="", flush=True),
        notice=lambda text: print(f"({text})", file=sys.stderr, flush=True),
        system=system,
        transcript=None if transcript is None else Transcript(transcript),
        max_new_tokens=max_new_tokens,
    )
    if interactive:
        print(f"(format {form.name}; /help lists the commands)", file=sys.stderr, flush=True)
    session.run()


def user_turns(
    tokenizer: Any, texts: Sequence[str], stop: Sequence[str]
) -> tuple[list[list[int]], dict[str, Any]]:
    """For `generate --chat`: each text as a user's first turn, and what ends the replies."""
    from llama_jax.prompts import Message, chat_format

    form = chat_format(tokenizer)
    ids = [form.encode([Message("user", text)]) for text in texts]
    return ids, {"stop": (*stop, *form.stop), "end_ids": form.end_ids}


def _read_from_a_person() -> str:
    with contextlib.suppress(ImportError):  # Windows has none
        importlib.import_module("readline")  # gives input() its line editing
    try:
        return input("> ")
    except (EOFError, KeyboardInterrupt):
        print()  # the terminal is behind the prompt
        raise


def _read_from_a_file() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n")
