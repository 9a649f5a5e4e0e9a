r"""Word similarity: pairs of words, each with the mean of people's ratings from 0 to 10.

Raw files are lines of two words and a rating with tabs between, no header. The model is asked for
the log-probability of every whole rating, " 0\n" to " 10\n", after an instruction; its rating is
the expected one under these eleven,

    sum over k of k * p(k) / sum over k of p(k)

which orders pairs more finely than the most likely rating would. The newline keeps " 1" and " 10"
apart: without it, a tokenizer that splits digits would count the second in the first. The measure
is Spearman's correlation with people's ratings over all pairs; no pair has a right answer.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from llama_jax.data.rows import Row, tsv_records
from llama_jax.data.schema import Number, Record, Text
from llama_jax.errors import InputError
from llama_jax.evals.classification import softmax
from llama_jax.evals.metrics import mean
from llama_jax.evals.protocol import Metric, Protocol, Rule
from llama_jax.evals.rank_correlation import spearman
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, Value, shared_context

RATINGS = tuple(range(11))
RATING = "rating"
SCHEMA = Record({"word1": Text(), "word2": Text(), "score": Number()})


def pair_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row); a score that is no number from 0 to 10 is an InputError."""
    for number, row in tsv_records(path, ["word1", "word2", "score"], headed=False):
        yield number, {**row, "score": _rating(row["score"], f"{path}:{number}")}


def _rating(text: str, where: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not RATINGS[0] <= found <= RATINGS[-1]:
        raise InputError(f"{where}: the score {text!r} is no number from 0 to 10")
    return found


def read(row: Row) -> Example:
    """Takes the row as it is; its place is its id (a file may hold the same pair twice)."""
    return Example(str(row.index), row.fields)


def rating_request(instruction: str, example: Example, asked: str) -> Choices:
    """Asks for every rating; `asked` is the word before it ("Similarity")."""
    row = example.row
    context = f"{instruction}\nWord 1: {row['word1']}\nWord 2: {row['word2']}\n{asked}:"
    return shared_context(context, [f"{rating}\n" for rating in RATINGS])


def expected_rating(logprobs: Sequence[float]) -> float:
    """Returns the mean rating under the probabilities of the ratings 0 to 10.

    >>> round(expected_rating([-20.0] * 7 + [-1.0, -20.0, -1.0, -20.0]), 6)
    8.0

    Raises:
        ValueError: there are not eleven log-probabilities.
    """
    pairs = zip(RATINGS, softmax(logprobs), strict=True)
    return math.fsum(rating * share for rating, share in pairs)


def score(example: Example, response: ChosenFrom) -> Score:
    """Keeps both ratings; the correlation is the whole task's."""
    found = expected_rating([likelihood.logprob for likelihood in response.given])
    return Score({RATING: found}, example.row["score"], predicted=found)


def _correlation(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
    """Over all pairs; None where it is undefined (one pair, or all rated the same)."""
    if not scores:
        return None
    rho = spearman([s.gold for s in scores], [s.values[RATING] for s in scores])
    return None if rho is None else Value(rho, None)


def _mean_rating(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
    return Value(mean([s.values[RATING] for s in scores]), None) if scores else None


SPEARMAN = Metric(
    "spearman",
    "Spearman's correlation of the model's ratings with people's; ties share their mean rank.",
    "correlation",
    _correlation,
)
MEAN_RATING = Metric("mean_rating", "The mean of the model's ratings.", "of 10", _mean_rating)


def standard(prompt: Callable[[Example, Sequence[Example]], Choices], scale: str) -> Protocol:
    """The protocol of a task, whose instruction paraphrases `scale`, what its raters were asked."""
    return Protocol(
        name="standard",
        version=1,
        prompt=prompt,
        score=score,
        metrics=(SPEARMAN, MEAN_RATING),
        primary="spearman",
        rules=(
            Rule("Spearman's correlation over all pairs", scale),
            Rule("the scale, in an instruction of one sentence", scale, guess=True),
            Rule("0-shot, `Word 1: ..`, `Word 2: ..`", "no prompt is in wide use", guess=True),
            Rule(
                "the expected rating under the likelihoods of 0 to 10, a newline after each",
                "not stated anywhere; finer than the most likely rating",
                guess=True,
            ),
        ),
    )
