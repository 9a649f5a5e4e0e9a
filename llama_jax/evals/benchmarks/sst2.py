r"""SST-2: is a sentence of a film review negative or positive.

Paper     Socher et al. 2013, "Recursive Deep Models for Semantic Compositionality Over a Sentiment
          Treebank"; as a task of GLUE: Wang et al. 2018
Raw file  validation.jsonl, GLUE's 872 rows of sentence, label (0 negative, 1 positive) and idx. A
          sentence is tokenised (" ." and " 's") and ends with a space.
Fills     no table of the Llama 2 paper.

`standard` asks for " Negative" and " Positive" after "Review: {sentence}\nSentiment:" (Zhao et al.
2021); `lm-eval` asks whether the sentence is positive or negative. 0-shot: the training split is
not among the known files.
"""

from collections.abc import Sequence

from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.evals.choices import ACC
from llama_jax.evals.classified import ECE, MCC, classification_score, f1_of
from llama_jax.evals.protocol import Benchmark, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

LABELS = ("Negative", "Positive")
SCHEMA = Record({"sentence": Text(), "label": OneOf((0, 1))})


def review(text: str, label: int | None = None) -> str:
    """Zhao et al.'s block of a review: with its label and an empty line, or up to the label."""
    asked = f"Review: {text.strip()}\nSentiment:"
    return asked if label is None else f"{asked} {LABELS[label]}\n\n"


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for the name of each sentiment."""
    return shared_context(review(example.row["sentence"]), LABELS)


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """lm-evaluation-harness, tasks/glue/sst2; the sentence keeps its space."""
    sentence = example.row["sentence"]
    context = f"{sentence}\nQuestion: Is this sentence positive or negative?\nAnswer:"
    return shared_context(context, ("negative", "positive"))


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the more likely sentiment."""
    return classification_score(example.row["label"], response)


STANDARD = Protocol(
    name="standard",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(ACC, f1_of(1, "positive"), MCC, ECE),
    primary="acc",
    rules=(
        Rule(
            "prompt `Review: ..`, `Sentiment:`; the more likely of Negative and Positive",
            "Zhao et al. 2021, tonyzhaozh/few-shot-learning, data_utils.py",
        ),
        Rule("0-shot", "the training split is not among the known files"),
        Rule("validation split, 872 rows", "GLUE: the test labels are not public"),
    ),
)

LM_EVAL = Protocol(
    name="lm-eval",
    version=1,
    prompt=harness_prompt,
    score=score,
    metrics=(ACC,),
    primary="acc",
    rules=(Rule("prompt, answers and metric", "lm-evaluation-harness, tasks/glue/sst2"),),
)

BENCHMARK = Benchmark(
    name="sst2",
    title="SST-2",
    citation='Socher et al. 2013, "Recursive Deep Models for Semantic Compositionality Over a '
    'Sentiment Treebank"',
    examples=Source(SCHEMA, read),
    protocols=(STANDARD, LM_EVAL),
    chance=0.5,
)
