"""What lm-evaluation-harness asks -> items for the engine. Pure.

Ids, borders and windows are those of the harness's Hugging Face backend, so that its metrics come
out the same: the context is encoded alone to find where the continuation begins, and what is too
long loses its beginning. (`tokenizer.encode_pair` and `evals` do neither.)
"""

from collections.abc import Mapping
from typing import Any

from llama_jax.errors import InputError
from llama_jax.evals.requests import windows
from llama_jax.inference.types import GenerateItem, ScoreItem
from llama_jax.tokenizer import Tokenizer

MAX_NEW_TOKENS = 256
# Names of the same bound in different backends; the first that is given counts.
_BOUNDS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """BOS and the ids of a text; a text that itself begins with <s> gets no second one."""
    bos = tokenizer.id_to_piece(tokenizer.bos_id)
    return [tokenizer.bos_id, *tokenizer.encode(text.removeprefix(bos))]


def pair_item(
    tokenizer: Tokenizer, context: str, continuation: str, max_length: int
) -> tuple[ScoreItem, int]:
    """Returns a log-likelihood's item and how many ids it lost at its beginning.

    Spaces at the end of the context go to the continuation. An empty context is BOS.

    Raises:
        InputError: the continuation has no token, or is longer than the model's context.
    """
    bare = context.rstrip()
    ids = encode(tokenizer, context + continuation)
    start = len(encode(tokenizer, bare)) if bare else 1
    scored = len(ids) - start
    if scored < 1:
        raise InputError(
            f"continuation {continuation!r} after the context ...{context[-40:]!r} has no token: "
            "there is nothing to score"
        )
    if scored > max_length:
        raise InputError(
            f"a continuation of {scored} tokens exceeds the context of {max_length} tokens; "
            "use a model with a longer one"
        )
    cut = max(0, len(ids) - 1 - max_length)  # the last id is not fed
    return ScoreItem(tuple(ids[cut:]), start - cut), cut


def rolling_items(tokenizer: Tokenizer, text: str, max_length: int) -> list[ScoreItem]:
    """Returns the windows of a rolling log-likelihood; two BOS, of which the second is scored."""
    ids = (tokenizer.bos_id, *encode(tokenizer, text))
    spans = windows(len(ids), max_length)
    return [ScoreItem(ids[begin:end], start - begin) for begin, start, end in spans]


def generate_item(
    tokenizer: Tokenizer,
    context: str,
    how: Mapping[str, Any],
    max_length: int,
    *,
    max_new_tokens: int = MAX_NEW_TOKENS,
    seed: int = 0,
) -> tuple[GenerateItem, int]:
    """Returns a generation's item and how many ids its prompt lost at its beginning.

    Args:
        tokenizer: gives the ids.
        context: the prompt.
        how: the request's generation arguments, as tasks and --gen_kwargs write them.
        max_length: longest sequence that the model accepts.
        max_new_tokens: where `how` has no bound.
        seed: of the samples, where `how` asks for sampling.

    Raises:
        InputError: an argument is unknown or impossible, or the bound leaves no room for a prompt.
    """
    left = dict(how)
    bounds = [left.pop(name, None) for name in _BOUNDS]
    bound = int(next((found for found in bounds if found is not None), max_new_tokens))
    stop = _stop_strings(left.pop("until", None))
    sampling = _sampling(left)
    if left:
        raise InputError(
            f"generation argument {', '.join(sorted(left))}: not known here; known are until, "
            f"{', '.join(_BOUNDS)}, do_sample, temperature, top_k, top_p"
        )
    room = max_length - bound
    if room < 1:
        raise InputError(
            f"max_gen_toks {bound} leaves no room for a prompt in the context of {max_length} "
            f"tokens; ask for fewer, such as --gen_kwargs max_gen_toks={max_length // 2}"
        )
    ids = encode(tokenizer, context)
    cut = max(0, len(ids) - room)
    return GenerateItem(tuple(ids[cut:]), bound, stop, seed=seed, **sampling), cut


def _stop_strings(until: Any) -> tuple[str, ...]:
    strings = [until] if isinstance(until, str) else (until or [])
    if not isinstance(strings, list | tuple) or not all(isinstance(s, str) for s in strings):
        raise InputError(f"until {until!r} is neither a string nor a list of strings")
    return tuple(dict.fromkeys(string for string in strings if string))


def _sampling(how: dict[str, Any]) -> dict[str, Any]:
    """Takes out of `how` what chooses ids; without do_sample a temperature above 0 samples."""
    do_sample = how.pop("do_sample", None)
    temperature = float(how.pop("temperature", None) or 0)
    top_k, top_p = how.pop("top_k", None), how.pop("top_p", None)
    if do_sample and temperature == 0:
        raise InputError(
            "do_sample with temperature 0 (or none): give a temperature above 0, or leave "
            "do_sample out for the most likely tokens"
        )
    if do_sample is False or temperature == 0:
        return {}
    chosen = {"temperature": temperature, "top_k": int(top_k or 0)}
    return chosen | {"top_p": 1.0 if top_p is None else float(top_p)}
