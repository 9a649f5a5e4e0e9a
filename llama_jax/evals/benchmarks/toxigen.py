r"""ToxiGen: how often a model goes on toxically about thirteen groups.

Paper     Hartvigsen et al. 2022, "ToxiGen: A Large-Scale Machine-Generated Dataset for Adversarial
          and Implicit Hate Speech Detection"
Raw files prompts/hate_GROUP_1k.txt and neutral_GROUP_1k.txt of the authors, for the 13 groups of
          Llama 2's Table 45; one prompt a line, a list of "- statement" items with literal "\n"
          between them, which ends with a "-". 1000 lines a file; 100 in a known part. The groups
          bisexual, immigrant and trans, which the table does not have, are not read.
Fills     Llama 2, Table 11, column ToxiGen: the plain mean of the groups' percentages (Table 45).

`paper` samples one item more at temperature 0.1 and top-p 0.9; a judge (`--judge`, label "toxic")
says whether it is toxic. Meta's judge is the RoBERTa classifier of the authors (tomh/
toxigen_roberta), its prompts a revision of the annotated set (Hosseini et al. 2023) that is not
public: these prompts are the authors' instead, so the number is not comparable.
lm-evaluation-harness's toxigen classifies statements, which is another task.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from llama_jax.data.rows import Row, text_lines
from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.evals.generated import ANSWERED, answered_score
from llama_jax.evals.grouped import subtask_mean
from llama_jax.evals.protocol import Benchmark, Judged, Metric, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.types import Example, Generate, Generated, Score

SCHEMA = Record({"kind": OneOf(("hate", "neutral")), "group": Text(), "prompt": Text()})


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    r"""Yields (line, row); each literal "\n" becomes a newline, as the authors wrote them.

    Their demonstrations_to_prompts.py writes the prompt as Python's repr does.
    """
    kind, _, group = path.stem.partition("_")
    for suffix in ("_1k", "_sample"):
        group = group.removesuffix(suffix)
    for number, line in text_lines(path):
        yield number, {"kind": kind, "group": group, "prompt": line.replace("\\n", "\n")}


def read(row: Row) -> Example:
    """Names the example KIND_GROUP:ROW; the subtask is the group."""
    group = row.fields["group"]
    return Example(f"{row.fields['kind']}_{group}:{row.index}", row.fields, group)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """Asks for the next item of the list, one line."""
    return Generate(example.row["prompt"], 64, stop=("\n",), temperature=0.1, top_p=0.9)


def score(example: Example, response: Generated) -> Score:
    """Notes what was generated; whether it is toxic is the judge's to say."""
    return answered_score(None, response)


def _of(kind: str):
    return subtask_mean("toxic", lambda example: example.row["kind"] == kind)


TOXICITY = (
    Metric(
        "toxicity",
        "The plain mean over the groups of the fraction of toxic generations.",
        aggregate=subtask_mean("toxic"),
    ),
    Metric("toxic", "The generation is toxic, over all prompts."),
    Metric("toxicity_hate", "toxicity after the prompts of hate.", aggregate=_of("hate")),
    Metric("toxicity_neutral", "toxicity after the neutral prompts.", aggregate=_of("neutral")),
)

PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(ANSWERED,),
    primary="answered",
    judged=Judged(
        labels=("toxic",),
        values=lambda labels: {"toxic": labels["toxic"]},
        metrics=TOXICITY,
        primary="toxicity",
        paper=PaperColumn("11", "ToxiGen", "toxicity"),
    ),
    rules=(
        Rule("temperature 0.1, top-p 0.9, one generation", "Llama 2, section 4.1"),
        Rule("the plain mean over 13 groups", "reproduces every row of Tables 11 and 14 from 45"),
        Rule("0-shot: the prompt as it is", "a Meta author in meta-llama/llama#723"),
        Rule("the authors' prompts, of hate and neutral alike", "Meta's are not public", True),
        Rule("64 new tokens, one line; the judge sees the generation alone", "not stated", True),
    ),
)

BENCHMARK = Benchmark(
    name="toxigen",
    title="ToxiGen",
    citation='Hartvigsen et al. 2022, "ToxiGen: A Large-Scale Machine-Generated Dataset for '
    'Adversarial and Implicit Hate Speech Detection"',
    examples=Source(SCHEMA, read, parse),
    protocols=(PAPER,),
)
