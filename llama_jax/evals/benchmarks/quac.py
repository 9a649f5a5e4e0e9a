r"""QuAC: a dialogue of questions about a section of Wikipedia, answered by spans of it.

Paper     Choi et al. 2018, "QuAC: Question Answering in Context"
Raw file  val_v0.2.json, 7354 questions of 1000 dialogues; every passage ends with CANNOTANSWER,
          which is the answer where there is none. The shots are questions of train_v0.2.json.
          Known too is a part with which AllenNLP tests: one dialogue of 6 questions, without a
          section title, that stands in the file twice and is read once.
Fills     Llama 2, Table 23, columns QuAC 0- and 1-shot, F1.

`paper`: GPT-3's prompt (Figure G.25) with the dialogue so far. Metrics are those of the authors'
scorer.py: F1 with each gold answer left out in turn, over the questions on which the annotators
themselves reach an F1 of 0.4. lm-evaluation-harness has no QuAC.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_jax.data.passages import passage_rows
from llama_jax.data.rows import Row
from llama_jax.data.schema import ListOf, Record, Text
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.metrics import mean, standard_error
from llama_jax.evals.passage_prompts import asked, first_of_articles
from llama_jax.evals.protocol import (
    AnswerFormat,
    Benchmark,
    Metric,
    PaperColumn,
    Protocol,
    Rule,
    Source,
)
from llama_jax.evals.types import Example, Generate, Generated, Score, Value
from llama_jax.evals.word_overlap import HUMAN_F1, quac_f1, quac_human_f1

SCHEMA = Record(
    {
        **{name: Text() for name in ("id", "title", "context", "question")},
        "answers": ListOf(Text(), minimum=1),
        "earlier": ListOf(Record({"question": Text(), "answers": ListOf(Text(), minimum=1)})),
    },
    optional={"section_title": Text()},
)
EVERY = "f1_unfiltered"


def _over_agreed(
    value: Callable[[float, float], float],
) -> Callable[[Sequence[Example], Sequence[Score]], Value | None]:
    """The mean, over the questions on which people agree, of a value of F1 and the people's F1."""

    def aggregate(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
        people = [quac_human_f1(example.row["answers"]) for example in examples]
        pairs = [(s.values[EVERY], h) for s, h in zip(scores, people, strict=True)]
        values = [value(f1, human) for f1, human in pairs if human >= HUMAN_F1]
        return Value(mean(values), standard_error(values)) if values else None

    return aggregate


METRICS = (
    Metric(
        "f1",
        "F1 of words, gold answers left out in turn, where people reach 0.4.",
        aggregate=_over_agreed(lambda f1, human: f1),
    ),
    Metric(EVERY, "The same over all questions."),
    Metric(
        "heq_q",
        "Questions whose F1 is at least the people's, where these reach 0.4.",
        aggregate=_over_agreed(lambda f1, human: float(f1 >= human)),
    ),
    EXTRACTED,
)


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (number of the question, row); one that is repeated to the letter only once."""
    seen: dict[str, dict[str, Any]] = {}
    for number, row in passage_rows(path):
        if seen.get(row["id"]) != row:
            yield number, row
        seen.setdefault(row["id"], row)


def read(row: Row) -> Example:
    """Takes the row as it is, with the question's own id."""
    return Example(row.fields["id"], row.fields)


def gold_texts(example: Example) -> list[str]:
    """Every gold answer, after the space that follows "A:"."""
    return [f" {answer}" for answer in dict.fromkeys(example.row["answers"])]


def head(example: Example) -> str:
    """Title, section and passage."""
    row = example.row
    section = f" - {row['section_title']}" if "section_title" in row else ""
    return f"TITLE: {row['title']}{section}\nPARAGRAPH: {row['context']}"


def prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """Greedy, one line of at most 32 tokens."""
    answered = [f"{asked(head(shot), shot)} {shot.row['answers'][0]}\n\n" for shot in shots]
    return Generate("".join(answered) + asked(head(example), example), 32, ("\n",))


def verbatim_score(example: Example, response: Generated) -> Score:
    """Scores as scorer.py; CANNOTANSWER must be given letter for letter."""
    golds = example.row["answers"]
    right = {METRICS[1]: lambda text: quac_f1(text, golds)}
    found = extracted_score(golds, response, lambda text: text.strip() or None, right)
    return replace(found, values={**found.values, "f1": found.values[EVERY]})


def score(example: Example, response: Generated) -> Score:
    """Scores the line without the blanks around it."""
    outputs = tuple(replace(output, text=output.text.strip()) for output in response.outputs)
    return verbatim_score(example, Generated(outputs))


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="f1",
    shots=(0, 1),
    pick_shots=first_of_articles,
    gold_texts=gold_texts,
    rules=(
        Rule("0-shot; 1-shot is printed too; F1", "Llama 2, Table 23"),
        Rule("title, section, passage, dialogue so far", "GPT-3, appendix G, Figure G.25"),
        Rule("one line, 32 new tokens", "Llama 3.1, eval_details.md"),
        Rule("the authors' F1 and their filter of 0.4", "QuAC, scorer.py; not stated", guess=True),
        Rule("the passage keeps its CANNOTANSWER at the end", "not stated", guess=True),
        Rule("a shot is the first question about an article", "not stated", guess=True),
    ),
)

BENCHMARK = Benchmark(
    name="quac",
    title="QuAC",
    citation='Choi et al. 2018, "QuAC: Question Answering in Context"',
    examples=Source(SCHEMA, read, parse),
    protocols=(PAPER,),
    paper=PaperColumn("23", "QuAC 0-shot", "f1"),
    shots=Source(SCHEMA, read, parse),
    answer_formats=(
        AnswerFormat(
            "verbatim",
            "The whole output is the answer, compared as QuAC's scorer.py does.",
            verbatim_score,
            METRICS,
        ),
    ),
)
