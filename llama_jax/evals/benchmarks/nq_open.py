r"""NQ-open: questions asked of a search engine, answered without a passage.

Paper     Lee et al. 2019, "Latent Retrieval for Weakly Supervised Open Domain Question Answering",
          from Kwiatkowski et al. 2019, "Natural Questions"
Raw file  NQ-open.dev.jsonl, 3610 rows, each a question and a list of answers. The shots are the
          first questions of NQ-open.efficientqa.dev.1.1.jsonl, 1800 of the same kind; the paper
          does not say which it took, and Lee et al. would take them from the training split.
Fills     Llama 2, Table 22, column NQ 5-shot.

`paper`: LLaMA's prompt and its exact match (lower case; no articles, punctuation or double blanks).
`lm-eval`: a blank line after the header, and the harness's own exact match. Both stop at a newline,
a full stop or a comma: gold answers that hold one of these in every form cannot be reached.
"""

from collections.abc import Sequence
from dataclasses import replace

from llama_jax.data.parquet import Hub
from llama_jax.data.schema import ListOf, Record, Text
from llama_jax.evals.answers import harness_normalise, normalise_answer
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.protocol import Benchmark, Metric, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.types import Example, Generate, Generated, Score

SCHEMA = Record({"question": Text(), "answer": ListOf(Text(), minimum=1)})
EXACT = Metric("exact_match", "The normalised text is one of the normalised gold answers.")
STOP = ("\n", ".", ",")


HUB = Hub("nq_open/validation-*.parquet", "validation", ("question", "answer"), dict)


def gold_texts(example: Example) -> list[str]:
    """Every gold answer, after the space that follows "A:"."""
    return [f" {answer}" for answer in example.row["answer"]]


def context(header: str, example: Example, shots: Sequence[Example]) -> str:
    """Header, questions with their first answers, the question; each gets a question mark."""
    answered = [f"Q: {s.row['question']}?\nA: {s.row['answer'][0]}\n" for s in shots]
    return f"{header}{''.join(answered)}Q: {example.row['question']}?\nA:"


def prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """LLaMA, appendix A."""
    return Generate(context("Answer these questions:\n", example, shots), 64, STOP)


def harness_prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """lm-evaluation-harness, tasks/nq_open; 256 new tokens is its backend's default."""
    return Generate(context("Answer these questions:\n\n", example, shots), 256, STOP)


def _scored(example: Example, response: Generated, normalise) -> Score:
    answers = example.row["answer"]
    accepted = {normalise(answer) for answer in answers}
    right = {EXACT: lambda text: normalise(text.strip()) in accepted}
    return extracted_score(answers, response, lambda text: text.strip() or None, right)


def score(example: Example, response: Generated) -> Score:
    """LLaMA's exact match."""
    return _scored(example, response, normalise_answer)


def harness_score(example: Example, response: Generated) -> Score:
    """The harness's exact match."""
    return _scored(example, response, harness_normalise)


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(EXACT, EXTRACTED),
    primary="exact_match",
    shots=(5, 0, 1, 64),
    gold_texts=gold_texts,
    rules=(
        Rule("5-shot; 0, 1 and 64 are printed too", "Llama 2, Table 22"),
        Rule("prompt, greedy, cut at newline, full stop or comma", "Llama 1, appendix A"),
        Rule("exact match after normalisation", "Llama 1, appendix A"),
        Rule(
            "a question mark ends every question",
            "Llama 1, appendix A prints one; the file has none",
            guess=True,
        ),
        Rule("the first answer in a shot, the first shots of the file", "not stated", guess=True),
        Rule("64 new tokens", "not stated", guess=True),
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    prompt=harness_prompt,
    score=harness_score,
    rules=(
        Rule("prompt, stops, exact match", "lm-evaluation-harness, tasks/nq_open"),
        Rule("the first shots of the file", "the harness draws them at random", guess=True),
    ),
)

BENCHMARK = Benchmark(
    name="nq_open",
    title="NQ-open",
    citation='Kwiatkowski et al. 2019, "Natural Questions"; Lee et al. 2019',
    examples=Source(SCHEMA, read, hub=HUB),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("22", "NQ 5-shot", "exact_match"),
    shots=Source(SCHEMA, read),
)
