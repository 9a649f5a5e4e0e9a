r"""IMDb: is a film review negative or positive.

Paper     Maas et al. 2011, "Learning Word Vectors for Sentiment Analysis"
Raw files test.jsonl and train.jsonl, 25000 rows each: the text files of aclImdb_v1 joined, with id
          (split/label/number), text (untouched, "<br />" included), label (neg or pos), rating;
          first all neg, then all pos. The longest review has 12988 characters.
Fills     no table of the Llama 2 paper.

`standard` asks for " Negative" and " Positive" after "Review: {text}\nSentiment:", as for SST-2
(Zhao et al. 2021), and reports F1 first. Shots, where they are wanted, are reviews of train.jsonl,
a negative and a positive one in turn. lm-evaluation-harness has no task of this name.
"""

from collections.abc import Sequence

from llama_jax.data.rows import Row
from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.evals.benchmarks.sst2 import LABELS, review
from llama_jax.evals.choices import ACC
from llama_jax.evals.classified import ECE, MCC, classification_score, f1_of
from llama_jax.evals.protocol import Benchmark, Protocol, Rule, Source
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

NAMES = ("neg", "pos")
SCHEMA = Record({"id": Text(), "text": Text(), "label": OneOf(NAMES)})


def read(row: Row) -> Example:
    """Takes the row as it is, under its own id."""
    return Example(row.fields["id"], row.fields)


def gold(example: Example) -> int:
    """The place of the label."""
    return NAMES.index(example.row["label"])


def pick_shots(example: Example, pool: Sequence[Example], count: int) -> tuple[Example, ...]:
    """The first negative, the first positive, the second negative one and so on.

    The file holds all negative reviews first: its first `count` would be of one label.
    """
    sides = [[shot for shot in pool if shot.row["label"] == name] for name in NAMES]
    turns = [shot for pair in zip(*sides, strict=False) for shot in pair]
    return tuple(turns[:count])


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for the name of each sentiment after the labelled reviews and the review."""
    labelled = "".join(review(shot.row["text"], gold(shot)) for shot in shots)
    return shared_context(labelled + review(example.row["text"]), LABELS)


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the more likely sentiment."""
    return classification_score(gold(example), response)


STANDARD = Protocol(
    name="standard",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(f1_of(1, "positive"), ACC, MCC, ECE),
    primary="f1",
    shots=(0, 1, 2, 4, 8),
    pick_shots=pick_shots,
    rules=(
        Rule(
            "prompt `Review: ..`, `Sentiment:`; the more likely of Negative and Positive",
            "Zhao et al. 2021, for SST-2; tonyzhaozh/few-shot-learning, data_utils.py",
        ),
        Rule("shots: the first reviews of the training split, labels in turn", "ours"),
        Rule("test split, 25000 rows", "Maas et al. 2011"),
    ),
)

BENCHMARK = Benchmark(
    name="imdb",
    title="IMDb",
    citation='Maas et al. 2011, "Learning Word Vectors for Sentiment Analysis"',
    examples=Source(SCHEMA, read),
    protocols=(STANDARD,),
    chance=0.5,
    shots=Source(SCHEMA, read),
)
