"""What stands between two texts, by a model that was trained to fill in.

infill(model, "total = ", " + 1").text
"""

from dataclasses import replace
from typing import Any

from llama_jax.api import Model
from llama_jax.inference.types import GenerateResult
from llama_jax.prompts import decode_infilling, infilling_ids, infilling_tokens


def infill(
    model: Model, prefix: str, suffix: str, *, suffix_first: bool = False, **options: Any
) -> GenerateResult:
    """The text between `prefix` and `suffix`; it ends at the model's <EOT>.

    Args:
        model: Code Llama 7B or 13B.
        prefix: the text before the gap.
        suffix: the text behind it.
        suffix_first: show the model the suffix first.
        **options: `max_new_tokens`, `temperature`, `top_k`, `top_p`, `seed` of `Model.generations`.

    Raises:
        InputError: a model that was not trained for it, or texts that exceed its context.
    """
    ids = infilling_ids(model.tokenizer, prefix, suffix, suffix_first)
    end = infilling_tokens(model.tokenizer).end
    [result] = model.generations([ids], end_ids=(end,), **options)
    return replace(result, text=decode_infilling(model.tokenizer, result.ids))
