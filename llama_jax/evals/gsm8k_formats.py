r"""How saved answers to GSM8K are found and compared: one format for each way they are published.

With several completions for a question, `exact_match` is their mean and `maj@k` whether the
answer that most of them give is right (Llama 1, Table 7).
"""

import math
from collections.abc import Callable, Sequence

from llama_jax.evals import answer_formats as find
from llama_jax.evals.answers import answer_is_number, last_number, plain_number
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.metrics import mean, standard_error
from llama_jax.evals.protocol import AnswerFormat, Metric
from llama_jax.evals.types import Example, Generated, Score, Value

EXACT = Metric("exact_match", "The extracted answer is the gold answer.")
Answer = str | float | None


def gold(example: Example) -> str:
    """The number behind "####", as it is written."""
    return example.row["answer"].rpartition("####")[2].strip()


def _voted(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
    """The mean over the examples; None where each has one completion only."""
    votes = [score.values["maj@k"] for score in scores if "maj@k" in score.values]
    return Value(mean(votes), standard_error(votes)) if votes else None


MAJORITY = Metric("maj@k", "The answer of most completions is the gold answer.", aggregate=_voted)


def _format(
    name: str,
    definition: str,
    extract: Callable[[str], str | None],
    read: Callable[[str | None], Answer],
    same: Callable[[Answer, str], bool],
) -> AnswerFormat:
    """A format: text -> extracted text -> what is compared and voted on -> right or wrong."""

    def score(example: Example, response: Generated) -> Score:
        right = gold(example)
        tests = {EXACT: lambda text: same(read(extract(text)), right)}
        found = extracted_score(right, response, extract, tests)
        if len(response.outputs) == 1:
            return found
        voted = find.majority([read(extract(output.text)) for output in response.outputs])
        values = {**found.values, MAJORITY.name: float(same(voted, right))}
        return Score(values, found.gold, found.extracted, found.output_values)

    return AnswerFormat(name, definition, score, (EXACT, MAJORITY, EXTRACTED))


def same_text(found: Answer, right: str) -> bool:
    """Equal as texts, the gold number without commas and dollar signs: "26.00" is not "26"."""
    return found == plain_number(right)


def same_number(found: Answer, right: str) -> bool:
    """Equal numbers."""
    return found is not None and found == float(plain_number(right))


def near_number(found: Answer, right: str) -> bool:
    """At most 0.001 from the gold number (Program of Thoughts, Chen et al. 2022)."""
    return found is not None and abs(found - float(plain_number(right))) <= 1e-3


def near_number_or_percent(found: Answer, right: str) -> bool:
    """Within 1e-4, relatively, of the gold number, its hundredth or its hundredfold (ToRA)."""
    number = float(plain_number(right))
    near = (number, number / 100, number * 100)
    return found is not None and any(math.isclose(found, one, rel_tol=1e-4) for one in near)


def as_it_is(found: str | None) -> Answer:
    """The extracted text."""
    return found


FORMATS = (
    _format(
        "answer-is",
        'The first number after the last "answer is"; compared as numbers (Wei et al. 2022).',
        answer_is_number,
        find.as_float,
        same_number,
    ),
    _format("last-number", "The last number; as numbers.", last_number, find.as_float, same_number),
    _format(
        "a-line",
        'The rest of the last line that begins with "A:"; commas and dollar signs dropped, '
        "compared as texts (Cobbe et al. 2021).",
        find.a_line,
        as_it_is,
        same_text,
    ),
    _format(
        "boxed",
        r"The last \boxed{}, else the last ```output block, else the last number; right within "
        "1e-4, relatively, of the gold number, its hundredth or its hundredfold (ToRA).",
        find.boxed_or_output,
        find.as_float,
        near_number_or_percent,
    ),
    _format(
        "value",
        "The completion is what a program returned; right within 0.001 (Program of Thoughts).",
        lambda text: text.strip() or None,
        find.as_float,
        near_number,
    ),
    _format(
        "zero-shot-cot-number",
        'The first number after "Therefore, the answer (arabic numerals) is"; commas dropped, '
        "compared as texts (Kojima et al. 2022).",
        find.zero_shot_number,
        as_it_is,
        same_text,
    ),
)
