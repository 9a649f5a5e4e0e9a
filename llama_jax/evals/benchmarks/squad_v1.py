r"""SQuAD 1.1: questions about a passage of Wikipedia, answered by a span of it.

Paper     Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text"
Raw file  dev-v1.1.json, 10570 questions about 2067 passages of 48 articles; 1 to 6 gold answers
          each. The shots are questions of train-v1.1.json.
Fills     no column: Llama 2 (Table 23) cites the 2018 paper, SQuAD 2.0 (`squad_v2`).

`standard` asks as squad_v2's `paper` does: GPT-3's prompt (Figure G.28) with the earlier questions
about the passage. Metrics are those of the authors' evaluate-v1.1.py: the best exact match and the
best F1 over the gold answers. A question without a prediction counts 0 there. lm-evaluation-harness
has no task with these metrics (its squad_completion looks for the answer anywhere in the text).
"""

from collections.abc import Sequence

from llama_jax.data.passages import passage_rows
from llama_jax.data.rows import Row
from llama_jax.data.schema import ListOf, Record, Text
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.passage_prompts import asked, first_of_articles, squad_head
from llama_jax.evals.protocol import AnswerFormat, Benchmark, Metric, Protocol, Rule, Source
from llama_jax.evals.types import Example, Generate, Generated, Score
from llama_jax.evals.word_overlap import best, exact, f1

SCHEMA = Record(
    {
        **{name: Text() for name in ("id", "title", "context", "question")},
        "answers": ListOf(Text(), minimum=1),
        "earlier": ListOf(Record({"question": Text(), "answers": ListOf(Text(), minimum=1)})),
    }
)
EXACT = Metric("exact_match", "The normalised text is one of the normalised gold answers.")
F1 = Metric("f1", "F1 of the words shared with the gold answer that is nearest.")


def read(row: Row) -> Example:
    """Takes the row as it is, with the question's own id."""
    return Example(row.fields["id"], row.fields)


def gold_texts(example: Example) -> list[str]:
    """Every gold answer, after the space that follows "A:"."""
    return [f" {answer}" for answer in example.row["answers"]]


def prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """Greedy, one line of at most 32 tokens."""
    answered = [f"{asked(squad_head(s), s)} {s.row['answers'][0]}\n\n" for s in shots]
    return Generate("".join(answered) + asked(squad_head(example), example), 32, ("\n",))


def score(example: Example, response: Generated) -> Score:
    """Scores as evaluate-v1.1.py; spaces around a text do not matter to it."""
    golds = example.row["answers"]
    right = {
        EXACT: lambda text: best(exact, text, golds),
        F1: lambda text: best(f1, text, golds),
    }
    return extracted_score(golds, response, lambda text: text.strip() or None, right)


STANDARD = Protocol(
    name="standard",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(EXACT, F1, EXTRACTED),
    primary="exact_match",
    shots=(0, 1, 4, 5),
    pick_shots=first_of_articles,
    gold_texts=gold_texts,
    rules=(
        Rule("exact match and F1", "SQuAD, evaluate-v1.1.py"),
        Rule("title, passage, earlier questions with answers", "GPT-3, appendix G, Figure G.28"),
        Rule("one line, 32 new tokens", "Llama 3.1, eval_details.md"),
        Rule("a shot is the first question about an article", "not stated", guess=True),
    ),
)

BENCHMARK = Benchmark(
    name="squad_v1",
    title="SQuAD 1.1",
    citation='Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text"',
    examples=Source(SCHEMA, read, passage_rows),
    protocols=(STANDARD,),
    shots=Source(SCHEMA, read, passage_rows),
    answer_formats=(
        AnswerFormat(
            "verbatim",
            "The whole output is the answer, compared as SQuAD's evaluate-v1.1.py does.",
            score,
            (EXACT, F1, EXTRACTED),
        ),
    ),
)
