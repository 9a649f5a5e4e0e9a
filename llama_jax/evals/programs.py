r"""Pure: from a problem and a completion to the text of a program. Nothing here is run.

A program that ends without an error has passed; whoever runs one that a model wrote must do so in a
sandbox. The sample files hold these texts as what was extracted.
"""

from collections.abc import Callable, Mapping
from typing import Any

from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.protocol import AnswerFormat
from llama_jax.evals.types import Example, Generated, Score


def humaneval_program(row: Mapping[str, Any], completion: str) -> str:
    """Returns prompt, completion, tests and the call of the tests, as openai/human-eval joins them.

    A completion may be the rest of the function, the whole function, or prompt and function: a
    prompt alone is a function already, which a second definition replaces.
    """
    return f"{row['prompt']}\n{completion}\n{row['test']}\ncheck({row['entry_point']})\n"


def mbpp_program(row: Mapping[str, Any], completion: str) -> str:
    """Returns the setup, the completion (usually the whole function) and the assertions."""
    return "\n".join([row["test_setup_code"], completion, *row["test_list"]]) + "\n"


def program_score(gold: str, response: Generated, build: Callable[[str], str]) -> Score:
    """Keeps the program of every output that is not blank; whether it passes is not known here."""

    def extract(text: str) -> str | None:
        return build(text) if text.strip() else None

    return extracted_score(build(gold), response, extract, {})


def verbatim(score: Callable[[Example, Generated], Score]) -> AnswerFormat:
    """Returns the format in which the whole output is the completion."""
    return AnswerFormat(
        "verbatim",
        "The whole output is the completion; the program is built from it, and whether it passes "
        "is for outcomes to say.",
        score,
        (EXTRACTED,),
    )
