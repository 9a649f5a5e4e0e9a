r"""AG News: which of four topics a news item has.

Paper     Zhang et al. 2015, "Character-level Convolutional Networks for Text Classification"
Raw file  test.csv, a header and 7600 rows of class (1 World, 2 Sports, 3 Business, 4 Sci/Tech),
          title and description, 1900 of each class. HTML entities lost their "&" (" #39;s") and
          backslashes stand for blanks.
Fills     no table of the Llama 2 paper.

`standard` is the prompt of Zhao et al. 2021 ("Calibrate Before Use"), their cleaning of the text
included: the most likely of " World", " Sports", " Business" and " Technology". 0-shot: the
training split is not among the known files. lm-evaluation-harness has no such task.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from llama_jax.data.rows import csv_records
from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.errors import InputError
from llama_jax.evals.choices import ACC
from llama_jax.evals.classified import ECE, F1_MACRO, MCC, classification_score
from llama_jax.evals.protocol import Benchmark, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

HEADER = ["Class Index", "Title", "Description"]
CLASSES = ("1", "2", "3", "4")
TOPICS = ("World", "Sports", "Business", "Technology")
INSTRUCTION = (
    "Classify the news articles into the categories of World, Sports, Business, and Technology.\n\n"
)
SCHEMA = Record({"class": OneOf(CLASSES), "title": Text(), "description": Text()})


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row); the first record must be the header."""
    records = csv_records(path)
    line, header = next(records, (1, []))
    if header != HEADER:
        raise InputError(f"{path}:{line}: header {header}; expected {HEADER}")
    for line, fields in records:
        if len(fields) != len(HEADER):
            raise InputError(
                f"{path}:{line}: {len(fields)} columns; expected {len(HEADER)}: {', '.join(HEADER)}"
            )
        yield line, dict(zip(("class", "title", "description"), fields, strict=True))


def clean(text: str) -> str:
    """Mends what Zhao et al. mend, in their order; other entities stay."""
    for broken, whole in ((" #39;s", "'s"), (" quot;", '"'), ("\\", " "), (" #39;ll", "'ll")):
        text = text.replace(broken, whole)
    return text


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for the name of each topic after title and description."""
    row = example.row
    article = clean(f"{row['title']}. {row['description']}")
    return shared_context(f"{INSTRUCTION}Article: {article}\nAnswer:", TOPICS)


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the most likely topic."""
    return classification_score(CLASSES.index(example.row["class"]), response)


STANDARD = Protocol(
    name="standard",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(ACC, F1_MACRO, MCC, ECE),
    primary="acc",
    rules=(
        Rule(
            "prompt, cleaning and the words of the topics",
            "Zhao et al. 2021, tonyzhaozh/few-shot-learning, data_utils.py",
        ),
        Rule("one word for Sci/Tech: Technology (there, Science counts too)", "ours"),
        Rule("0-shot", "the training split is not among the known files"),
        Rule("test split, 7600 rows", "Zhang et al. 2015"),
    ),
)

BENCHMARK = Benchmark(
    name="ag_news",
    title="AG News",
    citation='Zhang et al. 2015, "Character-level Convolutional Networks for Text Classification"',
    examples=Source(SCHEMA, read, parse),
    protocols=(STANDARD,),
    chance=0.25,
)
