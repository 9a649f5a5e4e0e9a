"""How saved answers to lettered questions are found and compared."""

from collections.abc import Callable, Sequence

from llama_jax.evals.answer_formats import last_letter, zero_shot_letter
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.protocol import AnswerFormat, Metric
from llama_jax.evals.types import Example, Generated, Score

ACCURACY = Metric("accuracy", "The extracted letter is that of the right answer.")
Letters = Callable[[Example], Sequence[str]]
Gold = Callable[[Example], str]
Find = Callable[[str, Sequence[str]], str | None]


def letter_score(
    example: Example, response: Generated, find: Find, letters: Letters, gold: Gold
) -> Score:
    """Scores the letter that `find` extracts; only the letters of the example's answers count."""
    known, right = letters(example), gold(example)
    tests = {ACCURACY: lambda text: find(text, known) == right}
    return extracted_score(right, response, lambda text: find(text, known), tests)


def letter_formats(gold: Gold) -> tuple[AnswerFormat, ...]:
    """The formats of a task, given an example's right letter.

    The published rules know the letters A to E, however many answers an example has.
    """

    def letters(example: Example) -> str:
        return "ABCDE"

    def made(name: str, definition: str, find: Find) -> AnswerFormat:
        return AnswerFormat(
            name,
            definition,
            lambda example, response: letter_score(example, response, find, letters, gold),
            (ACCURACY, EXTRACTED),
        )

    return (
        made(
            "zero-shot-cot-letter",
            'The first letter A to E after "Therefore, among A through E, the answer is", also '
            "inside a word; without the phrase, of the whole completion (Kojima et al. 2022).",
            zero_shot_letter,
        ),
        made(
            "last-letter",
            'The last letter A to E before a ")" (Program of Thoughts, Chen et al. 2022).',
            last_letter,
        ),
    )
