"""What a benchmark is: its data, its protocols, its place in the paper. Imports no jax."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llama_jax.data.parquet import Hub
from llama_jax.data.rows import Parser, Row, jsonl_rows
from llama_jax.data.schema import Record
from llama_jax.evals.metrics import mean, standard_error
from llama_jax.evals.types import Example, Generated, Request, Score, Value


@dataclass(frozen=True)
class Metric:
    """A number reported for a task.

    Attributes:
        name: key in the result and, without `aggregate`, in every Score's values.
        definition: one sentence.
        unit: "fraction", or what else the number counts.
        aggregate: examples and their scores to a Value, or to None where none of the examples has
            anything to do with the metric; None for the mean of the values.
    """

    name: str
    definition: str
    unit: str = "fraction"
    aggregate: Callable[[Sequence[Example], Sequence[Score]], Value | None] | None = None

    def of(self, examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
        """Aggregates the scores of these examples; None where the metric leaves all of them out."""
        if self.aggregate is not None:
            return self.aggregate(examples, scores)
        values = [score.values[self.name] for score in scores]
        return Value(mean(values), standard_error(values))


@dataclass(frozen=True)
class Rule:
    """One decision of a protocol, where it comes from, and whether it is a guess."""

    what: str
    source: str
    guess: bool = False


def row_as_it_is(row: Row) -> Example:
    """The usual `Source.read`: takes the row as it is; its place is its id."""
    return Example(str(row.index), row.fields)


@dataclass(frozen=True)
class PaperColumn:
    """Where the paper prints this benchmark: table, column, and the metric to set beside it."""

    table: str
    column: str
    metric: str


@dataclass(frozen=True)
class Judged:
    """What a protocol adds when a judge (`judge.py`) labels its generations.

    Attributes:
        labels: the names of the numbers, from 0 to 1, that the judge gives for a text.
        values: these labels to the numbers that go into a Score.
        metrics: computed from them; they precede the protocol's own.
        primary: name of the metric that stands in tables.
        paper: the column of the paper that it fills, or None.
    """

    labels: tuple[str, ...]
    values: Callable[[Mapping[str, float]], Mapping[str, float]]
    metrics: tuple[Metric, ...]
    primary: str
    paper: PaperColumn | None = None


def first_shots(example: Example, pool: Sequence[Example], count: int) -> tuple[Example, ...]:
    """The first `count` examples of the pool that belong to the example's subtask."""
    return tuple(shot for shot in pool if shot.subtask == example.subtask)[:count]


@dataclass(frozen=True)
class Protocol:
    """One way to run a benchmark. Whatever changes a prompt or a score raises `version`.

    Attributes:
        name: "paper" (what Meta did, as far as known), "lm-eval" (lm-evaluation-harness),
            "standard" for tasks that the paper does not have, or one that a benchmark explains.
        version: counts up with every change.
        prompt: an example and its shots to the request.
        score: an example and the response to its score.
        metrics: what is reported, in this order.
        primary: name of the metric that stands in tables.
        rules: every decision, with source; guesses are marked.
        shots: the numbers of few-shot examples that are defined; the first is the default.
        pick_shots: chooses them from the benchmark's pool.
        fewer_shots: whether some subtasks have fewer shots than asked for; all of those are taken.
        on_overflow: "error" or "drop-shots" where the protocol itself says so; None: the caller.
        gold_texts: for tasks that generate, the texts that a model which knows the answer could
            give; the self-check feeds them through stop, extraction and score.
        judged: what a judge adds; None for a protocol that needs none.
    """

    name: str
    version: int
    prompt: Callable[[Example, Sequence[Example]], Request]
    score: Callable[[Example, Any], Score]
    metrics: tuple[Metric, ...]
    primary: str
    rules: tuple[Rule, ...]
    shots: tuple[int, ...] = (0,)
    pick_shots: Callable[[Example, Sequence[Example], int], tuple[Example, ...]] = first_shots
    fewer_shots: bool = False
    on_overflow: str | None = None
    gold_texts: Callable[[Example], Sequence[str]] | None = None
    judged: Judged | None = None


@dataclass(frozen=True)
class AnswerFormat:
    """A named rule that finds and judges the answers in outputs that somebody saved.

    Attributes:
        name: as `llama-jax score --answer-format` knows it.
        definition: what it extracts and how it compares, with its source.
        score: an example and the outputs to its score.
        metrics: what is reported, in this order.
    """

    name: str
    definition: str
    score: Callable[[Example, Generated], Score]
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class OutcomeRule:
    """How verdicts reached elsewhere (programs that passed or failed) are scored.

    Attributes:
        metrics: what is reported, in this order.
        score: an example and its verdicts, one for each output, to the score.
    """

    metrics: tuple[Metric, ...]
    score: Callable[[Example, Sequence[bool]], Score]


@dataclass(frozen=True)
class Source:
    """How raw files become examples: the parser, the schema of a row, and row to Example.

    `hub` says how the Hugging Face hub's parquet files stand in for the raw files.
    """

    schema: Record
    read: Callable[[Row], Example]
    parse: Parser = jsonl_rows
    hub: Hub | None = None


@dataclass(frozen=True)
class Benchmark:
    """A benchmark: its data, its protocols, its place in the paper.

    Attributes:
        name: the name on the command line, of the data folder and in the manifest.
        title: as papers write it.
        citation: authors, year, title.
        examples: how the questions are read.
        protocols: in the order of preference; the first is the default.
        paper: the column of the paper that it fills, or None.
        chance: the primary metric's expected value for a guesser, or None where there is none.
        shots: how the few-shot pool is read (role "shots" in the manifest), or None.
        answer_formats: how saved outputs are scored; the first is the default.
        judge: the name of the judge in its protocols (`judge.with_judge`), or "".
        outcomes: how saved verdicts are scored, for tasks whose outputs are programs; else None.
    """

    name: str
    title: str
    citation: str
    examples: Source
    protocols: tuple[Protocol, ...]
    paper: PaperColumn | None = None
    chance: float | None = None
    shots: Source | None = None
    answer_formats: tuple[AnswerFormat, ...] = ()
    judge: str = ""
    outcomes: OutcomeRule | None = None
