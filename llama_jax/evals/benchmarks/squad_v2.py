r"""SQuAD 2.0: questions about a passage of Wikipedia, about half of them without an answer in it.

Paper     Rajpurkar et al. 2018, "Know What You Don't Know: Unanswerable Questions for SQuAD"
Raw file  dev-v2.0.json, 11873 questions, of which 5945 have no answer. The shots are questions of
          train-v2.0.json. A known part is the labelled half that Stanford's CS224N made of the dev
          set, 6078 questions with ids of its own.
Fills     Llama 2, Table 23, columns SQuAD 0-, 1-, 4- and 5-shot, exact match.

Metrics are those of the authors' evaluate-v2.0.py without its thresholds: the right answer to an
unanswerable question is the empty text; gold answers that normalisation empties are no answers.
That script leaves a question without a prediction out; it does not count it as wrong. An empty
text is an answer here, so `extracted` is 1 throughout.

`paper`: GPT-3's prompt (Figure G.28) with the earlier questions about the passage. How Meta wrote
that there is no answer is not known; here "unanswerable" stands for it in the prompt and is read
as the empty text. `lm-eval`: one question a prompt, and the text is taken as it is, so that
"unanswerable" is wrong there and only silence is right. The harness also asks for the likelihood of
" unanswerable", from which `best_exact` and `best_f1` choose a threshold: one request of ours is
either a text or a likelihood, so these two metrics are left out.
"""

from collections.abc import Callable, Sequence

from llama_jax.data.passages import passage_rows
from llama_jax.data.rows import Row
from llama_jax.data.schema import Boolean, ListOf, Record, Text
from llama_jax.evals.answers import normalise_answer
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.metrics import mean, standard_error
from llama_jax.evals.passage_prompts import answer_of, asked, first_of_articles, squad_head
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
from llama_jax.evals.word_overlap import answers_v2, best, exact, f1_v2

NOTHING = "unanswerable"
SCHEMA = Record(
    {
        **{name: Text() for name in ("id", "title", "context", "question")},
        "is_impossible": Boolean(),
        "answers": ListOf(Text()),
        "earlier": ListOf(Record({"question": Text(), "answers": ListOf(Text())})),
    }
)
EXACT = Metric("exact_match", "The normalised text is one of the normalised gold answers.")
F1 = Metric("f1", "F1 of the words shared with the gold answer that is nearest.")


def _over(
    name: str, answered: bool
) -> Callable[[Sequence[Example], Sequence[Score]], Value | None]:
    """The mean of a metric over the questions with, or without, an answer."""

    def aggregate(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
        pairs = zip(examples, scores, strict=True)
        values = [s.values[name] for e, s in pairs if bool(e.row["answers"]) == answered]
        return Value(mean(values), standard_error(values)) if values else None

    return aggregate


METRICS = (
    EXACT,
    F1,
    Metric(
        "HasAns_exact",
        "exact_match over questions with an answer.",
        aggregate=_over("exact_match", True),
    ),
    Metric("HasAns_f1", "f1 over questions with an answer.", aggregate=_over("f1", True)),
    Metric(
        "NoAns_exact",
        "exact_match over questions without an answer.",
        aggregate=_over("exact_match", False),
    ),
    Metric("NoAns_f1", "f1 over questions without an answer.", aggregate=_over("f1", False)),
    EXTRACTED,
)


def read(row: Row) -> Example:
    """Takes the row as it is, with the question's own id."""
    return Example(row.fields["id"], row.fields)


def gold_texts(example: Example) -> list[str]:
    """Every gold answer, after the space that follows "A:"; "unanswerable" where there is none."""
    return [f" {answer}" for answer in example.row["answers"] or [NOTHING]]


def harness_gold_texts(example: Example) -> list[str]:
    """Every gold answer; where there is none, the end of the line at once."""
    return [f" {answer}" for answer in example.row["answers"]] or ["\n"]


def prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """Greedy, one line of at most 32 tokens."""
    text = "".join(
        f"{asked(squad_head(s), s, NOTHING)} {answer_of(s.row['answers'], NOTHING)}\n\n"
        for s in shots
    )
    return Generate(text + asked(squad_head(example), example, NOTHING), 32, ("\n",))


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """lm-evaluation-harness, tasks/squadv2; 256 new tokens is its backend's default."""
    question = f"{squad_head(example)}\n\nQuestion: {example.row['question']}\n\nAnswer:"
    return Generate(question, 256, ("\n",))


def _scored(example: Example, response: Generated, said: Callable[[str], str]) -> Score:
    golds = answers_v2(example.row["answers"])
    right = {
        EXACT: lambda text: best(exact, said(text), golds),
        F1: lambda text: best(f1_v2, said(text), golds),
    }
    return extracted_score(golds, response, lambda text: said(text).strip(), right)


def score(example: Example, response: Generated) -> Score:
    """Scores as evaluate-v2.0.py, with "unanswerable" for the empty text."""
    return _scored(
        example, response, lambda text: "" if normalise_answer(text) == NOTHING else text
    )


def verbatim_score(example: Example, response: Generated) -> Score:
    """Scores as evaluate-v2.0.py."""
    return _scored(example, response, lambda text: text)


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="exact_match",
    shots=(0, 1, 4, 5),
    pick_shots=first_of_articles,
    gold_texts=gold_texts,
    rules=(
        Rule("0-shot; 1, 4 and 5 are printed too; exact match", "Llama 2, Table 23"),
        Rule("the 2.0 data", "Llama 2 cites Rajpurkar et al. 2018; Llama 3, eval_details.md"),
        Rule(
            "title, passage, earlier questions with answers; one line, 32 new tokens",
            "Llama 3.1, eval_details.md; GPT-3, appendix G, Figure G.28",
        ),
        Rule('"unanswerable" where there is no answer', "not stated", guess=True),
        Rule("a shot is the first question about an article", "not stated", guess=True),
    ),
)

LM_EVAL = Protocol(
    name="lm-eval",
    version=1,
    prompt=harness_prompt,
    score=verbatim_score,
    metrics=METRICS,
    primary="exact_match",
    gold_texts=harness_gold_texts,
    rules=(
        Rule("prompt, stop, metrics without thresholds", "lm-evaluation-harness, tasks/squadv2"),
    ),
)

BENCHMARK = Benchmark(
    name="squad_v2",
    title="SQuAD 2.0",
    citation='Rajpurkar et al. 2018, "Know What You Don\'t Know: Unanswerable Questions for SQuAD"',
    examples=Source(SCHEMA, read, passage_rows),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("23", "SQuAD 0-shot", "exact_match"),
    shots=Source(SCHEMA, read, passage_rows),
    answer_formats=(
        AnswerFormat(
            "verbatim",
            "The whole output is the answer, compared as SQuAD's evaluate-v2.0.py does; the empty "
            "text says that there is none.",
            verbatim_score,
            METRICS,
        ),
        AnswerFormat(
            "unanswerable",
            'As verbatim, and "unanswerable" also says that there is no answer.',
            score,
            METRICS,
        ),
    ),
)
