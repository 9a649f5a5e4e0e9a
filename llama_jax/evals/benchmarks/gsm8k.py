r"""GSM8K: word problems of primary-school arithmetic, answered by a chain of thought.

Paper     Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems"
Raw file  test.jsonl, 1319 rows; an answer ends with "#### N". The shots are the eight exemplars of
          Wei et al. 2022 (arXiv 2201.11903), in shots_wei2022.json: question and answer.
Fills     Llama 2, Table 25, column GSM8K, 8-shot, greedy.

Both protocols ask for what follows "Q: {question}\nA:" after the answered exemplars. `paper` takes
the number after the last "answer is" and compares numbers; `lm-eval` reports both filters of
gsm8k_cot. An answer that cannot be found counts as wrong, and `extracted` says how often one was.
"""

from collections.abc import Sequence

from llama_jax.data.parquet import Hub
from llama_jax.data.rows import json_list_rows
from llama_jax.data.schema import Record, Text
from llama_jax.evals.answers import (
    answer_is_number,
    equal_numbers,
    harness_flexible,
    harness_same_number,
    harness_strict,
)
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.gsm8k_formats import EXACT, FORMATS, gold
from llama_jax.evals.protocol import Benchmark, Metric, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.types import Example, Generate, Generated, Score

SCHEMA = Record({"question": Text(), "answer": Text(pattern=r"#### -?[\d,.]*\d\s*$")})
SHOT_SCHEMA = Record({"question": Text(), "answer": Text(pattern=r"The answer is -?\d")})
FLEXIBLE = Metric("exact_match_flexible", "The last number is the gold answer.")


HUB = Hub("main/test-*.parquet", "test", ("question", "answer"), dict)


def gold_texts(example: Example) -> list[str]:
    """The reasoning, ended as the exemplars end; the end alone, where that is too long."""
    reasoning = example.row["answer"].rpartition("####")[0].strip()
    end = f" The answer is {gold(example)}."
    return [f" {reasoning}{end}", end]


def context(example: Example, shots: Sequence[Example]) -> str:
    """The answered exemplars and the question."""
    answered = [f"Q: {shot.row['question']}\nA: {shot.row['answer']}\n\n" for shot in shots]
    return f"{''.join(answered)}Q: {example.row['question']}\nA:"


def prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """Greedy, until the next question would begin."""
    return Generate(context(example, shots), 512, stop=("Q:",))


def harness_prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """lm-evaluation-harness, tasks/gsm8k/gsm8k-cot: 256 new tokens is its backend's default."""
    return Generate(context(example, shots), 256, stop=("Q:", "</s>", "<|im_end|>"))


def score(example: Example, response: Generated) -> Score:
    """Scores the number after "answer is"."""
    right = {EXACT: lambda text: equal_numbers(answer_is_number(text), gold(example))}
    return extracted_score(gold(example), response, answer_is_number, right)


def harness_score(example: Example, response: Generated) -> Score:
    """Scores both filters."""
    right = {
        EXACT: lambda text: harness_same_number(harness_strict(text), gold(example)),
        FLEXIBLE: lambda text: harness_same_number(harness_flexible(text), gold(example)),
    }
    return extracted_score(gold(example), response, harness_strict, right)


SHOTS = (8, *range(8))
PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(EXACT, EXTRACTED),
    primary="exact_match",
    shots=SHOTS,
    gold_texts=gold_texts,
    rules=(
        Rule("8-shot, greedy, one answer", "Llama 2, Table 25"),
        Rule("the exemplars of Wei et al. 2022; 512 new tokens", "Llama 3, eval_details.md"),
        Rule('the number after the last "answer is"', "not stated", guess=True),
        Rule('generation ends at "Q:"', "not stated", guess=True),
    ),
)

LM_EVAL = Protocol(
    name="lm-eval",
    version=1,
    prompt=harness_prompt,
    score=harness_score,
    metrics=(EXACT, FLEXIBLE, EXTRACTED),
    primary="exact_match",
    shots=SHOTS,
    gold_texts=gold_texts,
    rules=(Rule("prompt, stops, filters", "lm-evaluation-harness, tasks/gsm8k/gsm8k-cot"),),
)

BENCHMARK = Benchmark(
    name="gsm8k",
    title="GSM8K",
    citation='Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems"',
    examples=Source(SCHEMA, read, hub=HUB),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("25", "GSM8K", "exact_match"),
    shots=Source(SHOT_SCHEMA, read, json_list_rows),
    answer_formats=FORMATS,
)
