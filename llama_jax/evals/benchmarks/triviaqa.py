r"""TriviaQA: trivia questions, answered without a passage.

Paper     Joshi et al. 2017, "TriviaQA: A Large Scale Distantly Supervised Challenge Dataset for
          Reading Comprehension"
Raw file  The authors' qa/wikipedia-dev.json (7993 questions; in triviaqa-rc.tar.gz) is read, but
          its digest is not known here. Known is llm-foundry's triviaqa_sm_sub.jsonl, 3000 questions
          of the unfiltered dev set with answer and aliases. The training
          questions are not known either: the shots are the first other questions of the same file.
Fills     Llama 2, Table 22, columns TriviaQA 0-, 1-, 5- and 64-shot: the Wikipedia questions of the
          filtered dev set.

`paper`: LLaMA's prompt and exact match, as `nq_open`; `exact_match_official` compares as the
authors' script does, with their normalised aliases. `lm-eval`: "Question: {question}?", which gives
two question marks since the file's questions end with one; articles count there. Both stop at a
newline, a full stop or a comma.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from llama_jax.data.rows import Row, jsonl_rows
from llama_jax.data.schema import ListOf, Record, Text, problem
from llama_jax.errors import InputError
from llama_jax.evals.answers import normalise_answer, trivia_normalise, without_case_and_marks
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.protocol import (
    AnswerFormat,
    Benchmark,
    Metric,
    PaperColumn,
    Protocol,
    Rule,
    Source,
)
from llama_jax.evals.types import Example, Generate, Generated, Score

_ANSWER = Record(
    {"Value": Text(), "Aliases": ListOf(Text(), 1), "NormalizedAliases": ListOf(Text(), 1)}
)
OFFICIAL = Record(
    {"Data": ListOf(Record({"QuestionId": Text(), "Question": Text(), "Answer": _ANSWER}), 1)}
)
SUBSET = Record(
    {"context": Text(pattern=r"\AQuestion: .+\nAnswer:\Z"), "aliases": ListOf(Text(), 1)}
)
SCHEMA = Record(
    {
        **{name: Text() for name in ("id", "question", "value")},
        "aliases": ListOf(Text(), minimum=1),
        "normalized_aliases": ListOf(Text(), minimum=1),
    }
)
EXACT = Metric("exact_match", "The normalised text is one of the normalised aliases.")
OFFICIAL_EXACT = Metric("exact_match_official", "The same by the authors' script.")
STOP = ("\n", ".", ",")


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (number of the question from 1, row) of either format, told apart by the suffix."""
    if path.suffix == ".jsonl":
        for line, row in jsonl_rows(path):
            if found := problem(SUBSET, row):
                raise InputError(f"{path}:{line}: {found}")
            question = row["context"].removeprefix("Question: ").removesuffix("\nAnswer:")
            aliases = row["aliases"]
            normalised = [trivia_normalise(alias) for alias in aliases]
            # A few aliases are nothing but punctuation or an article: no answer is meant by them.
            normalised = [text for text in normalised if text]
            yield line, _row(str(line - 1), question, row.get("answer"), aliases, normalised)
    else:
        for number, entry in enumerate(_official(path), start=1):
            answer = entry["Answer"]
            texts = (answer["Value"], answer["Aliases"], answer["NormalizedAliases"])
            yield number, _row(entry["QuestionId"], entry["Question"], *texts)


def _row(
    name: str, question: str, value: Any, aliases: list[str], normalised: list[str]
) -> dict[str, Any]:
    return {
        "id": name,
        "question": question,
        "value": value,
        "aliases": aliases,
        "normalized_aliases": normalised,
    }


def _official(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_bytes().decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    if found := problem(OFFICIAL, content):
        raise InputError(f"{path}: {found}")
    return content["Data"]


def read(row: Row) -> Example:
    """Takes the row as it is, with the question's own id."""
    return Example(row.fields["id"], row.fields)


def gold_texts(example: Example) -> list[str]:
    """The answer and every alias, after the space that follows the colon."""
    row = example.row
    return [f" {text}" for text in dict.fromkeys([row["value"], *row["aliases"]])]


def prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """LLaMA, appendix A; the questions bring their question marks."""
    answered = [f"Q: {s.row['question']}\nA: {s.row['value']}\n" for s in shots]
    text = f"Answer these questions:\n{''.join(answered)}Q: {example.row['question']}\nA:"
    return Generate(text, 64, STOP)


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """lm-evaluation-harness, tasks/triviaqa; 256 new tokens is its backend's default."""
    return Generate(f"Question: {example.row['question']}?\nAnswer:", 256, STOP)


def score(example: Example, response: Generated) -> Score:
    """LLaMA's exact match, and the authors'."""
    row = example.row
    mine = {normalise_answer(alias) for alias in (row["value"], *row["aliases"])}
    official = set(row["normalized_aliases"])
    right = {
        EXACT: lambda text: normalise_answer(text) in mine,
        OFFICIAL_EXACT: lambda text: trivia_normalise(text) in official,
    }
    return extracted_score(row["aliases"], response, lambda text: text.strip() or None, right)


def harness_score(example: Example, response: Generated) -> Score:
    """The harness's exact match."""
    accepted = {without_case_and_marks(alias) for alias in example.row["aliases"]}
    right = {EXACT: lambda text: without_case_and_marks(text.strip()) in accepted}
    golds = example.row["aliases"]
    return extracted_score(golds, response, lambda text: text.strip() or None, right)


def other_shots(example: Example, pool: Sequence[Example], count: int) -> tuple[Example, ...]:
    """The first `count` of the pool that are not the question itself."""
    return tuple(shot for shot in pool if shot.row["question"] != example.row["question"])[:count]


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(EXACT, OFFICIAL_EXACT, EXTRACTED),
    primary="exact_match",
    shots=(5, 0, 1, 64),
    pick_shots=other_shots,
    gold_texts=gold_texts,
    rules=(
        Rule("5-shot; 0, 1 and 64 are printed too; Wikipedia questions", "Llama 2, Table 22"),
        Rule("prompt, greedy, cut at newline, full stop or comma", "Llama 1, appendix A"),
        Rule("exact match after normalisation with any alias", "Llama 1, appendix A"),
        Rule(
            "the answer's main form in a shot, the first other questions", "not stated", guess=True
        ),
        Rule("64 new tokens", "not stated", guess=True),
    ),
)

LM_EVAL = Protocol(
    name="lm-eval",
    version=1,
    prompt=harness_prompt,
    score=harness_score,
    metrics=(EXACT, EXTRACTED),
    primary="exact_match",
    gold_texts=gold_texts,
    rules=(
        Rule("prompt, stops, exact match", "lm-evaluation-harness, tasks/triviaqa"),
        Rule("0-shot", "the harness's default"),
    ),
)

BENCHMARK = Benchmark(
    name="triviaqa",
    title="TriviaQA",
    citation='Joshi et al. 2017, "TriviaQA: A Large Scale Distantly Supervised Challenge Dataset '
    'for Reading Comprehension"',
    examples=Source(SCHEMA, read, parse),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("22", "TriviaQA 5-shot", "exact_match"),
    shots=Source(SCHEMA, read, parse),
    answer_formats=(
        AnswerFormat(
            "verbatim",
            "The whole output is the answer, compared as LLaMA and as the authors' script do.",
            score,
            (EXACT, OFFICIAL_EXACT, EXTRACTED),
        ),
    ),
)
