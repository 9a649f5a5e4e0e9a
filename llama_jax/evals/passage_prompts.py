r"""GPT-3's prompt for questions about a passage (Brown et al. 2020, appendix G, Figure G.28).

    Title: {title}\n\nBackground: {passage}\n\nQ: {question}\n\nA: {answer}\n\nQ: {question}\n\nA:

The earlier questions about the same passage stand before the question, with their first gold
answers. Rows are those of `data.passages`.
"""

from collections.abc import Sequence

from llama_jax.evals.types import Example


def answer_of(answers: Sequence[str], nothing: str) -> str:
    """The first gold answer; `nothing` where there are none."""
    return answers[0] if answers else nothing


def asked(head: str, example: Example, nothing: str = "") -> str:
    """Head, earlier questions with their answers, the question and "A:"."""
    parts = [head]
    for turn in example.row["earlier"]:
        parts += [f"Q: {turn['question']}", f"A: {answer_of(turn['answers'], nothing)}"]
    return "\n\n".join([*parts, f"Q: {example.row['question']}", "A:"])


def squad_head(example: Example) -> str:
    """The title, which files write with underscores, and the passage."""
    row = example.row
    return f"Title: {row['title']}\n\nBackground: {row['context']}"


def first_of_articles(example: Example, pool: Sequence[Example], count: int) -> tuple[Example, ...]:
    """The first question about each of the first `count` articles of the pool."""
    chosen: dict[str, Example] = {}
    for shot in pool:
        if len(chosen) == count:
            break
        chosen.setdefault(shot.row["title"], shot)
    return tuple(chosen.values())
