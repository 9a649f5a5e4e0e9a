r"""MBPP: short functions of Python, written from one sentence and three assertions.

Paper     Austin et al. 2021, "Program Synthesis with Large Language Models"
Raw file  mbpp.jsonl, 974 problems; the 500 with task_id 11 to 510 are the test split, and 2, 3
          and 4 of the same file are the shots. Code has CRLF line ends there, which prompts keep.
Fills     Llama 2, Table 21, columns MBPP pass@1 (3-shot, temperature 0.1) and pass@80 (temperature
          0.8), both with top-p 0.95.

The prompt is that of Austin et al., as lm-evaluation-harness writes it: the task, its assertions,
and the code between [BEGIN] and [DONE]. `paper` and `paper-pass80` sample at the two temperatures;
`lm-eval` is greedy. No protocol runs a program: the sample file holds them, and pass@k follows from
their outcomes. The assertion `f(x) == -1,-6` of problem 436 is one with a message, as published.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_jax.data.parquet import Hub
from llama_jax.data.rows import Row, jsonl_rows
from llama_jax.data.schema import Integer, ListOf, Record, Text
from llama_jax.evals.generated import EXTRACTED
from llama_jax.evals.outcomes import outcome_rule
from llama_jax.evals.programs import mbpp_program, program_score, verbatim
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.types import Example, Generate, Generated, Score

SCHEMA = Record(
    {
        "task_id": Integer(minimum=1),
        "text": Text(),
        "code": Text(),
        "test_setup_code": Text(blank=True),
        "test_list": ListOf(Text(), minimum=3, maximum=3),
    }
)
# The shots are three of the authors' file; the hub has them among the ten of another split.
HUB = Hub("full/test-*.parquet", "test", tuple(SCHEMA.fields), dict)
TEST, SHOTS = range(11, 511), (2, 3, 4)


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row) of the test split; a row without a number is left to the schema."""
    return _with_ids(path, TEST)


def parse_shots(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row) of the three shots."""
    return _with_ids(path, SHOTS)


def _with_ids(path: Path, ids: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, row in jsonl_rows(path):
        if not isinstance(row.get("task_id"), int) or row["task_id"] in ids:
            yield line, row


def read(row: Row) -> Example:
    """Takes the row as it is; its id is the problem's number."""
    return Example(str(row.fields["task_id"]), row.fields)


def gold_texts(example: Example) -> list[str]:
    """The authors' code."""
    return [example.row["code"]]


def context(example: Example, shots: Sequence[Example]) -> str:
    """The answered shots and the problem, up to [BEGIN]."""
    answered = [f"{_asked(shot)}{shot.row['code']}\n[DONE]\n\n" for shot in shots]
    return "".join(answered) + _asked(example)


def _asked(example: Example) -> str:
    tests = "\n".join(example.row["test_list"])
    return (
        "You are an expert Python programmer, and here is your task: "
        f"{example.row['text']} Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
    )


def prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """Table 21, pass@1."""
    return Generate(context(example, shots), 512, ("[DONE]",), 0.1, 0.95, 20)


def prompt_of_many(example: Example, shots: Sequence[Example]) -> Generate:
    """Table 21, pass@80."""
    return Generate(context(example, shots), 512, ("[DONE]",), 0.8, 0.95, 200)


def harness_prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """lm-evaluation-harness, tasks/mbpp; 256 new tokens is its backend's default."""
    return Generate(context(example, shots), 256, ("[DONE]",))


def score(example: Example, response: Generated) -> Score:
    """Builds the programs."""
    row = example.row
    return program_score(row["code"], response, lambda text: mbpp_program(row, text))


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(EXTRACTED,),
    primary="extracted",
    shots=(3, 0, 1, 2),
    gold_texts=gold_texts,
    rules=(
        Rule("3-shot, temperature 0.1, top-p 0.95", "Llama 2, Table 21"),
        Rule("pass@k estimated without bias", "Llama 1, section 3; Chen et al. 2021, section 2.1"),
        Rule("prompt and shots of Austin et al. 2021; 512 new tokens", "not stated", guess=True),
        Rule("20 samples: the estimate of pass@1 has no bias with any", "not stated", guess=True),
    ),
)

PAPER_80 = replace(
    PAPER,
    name="paper-pass80",
    prompt=prompt_of_many,
    rules=(
        Rule("3-shot, temperature 0.8, top-p 0.95", "Llama 2, Table 21"),
        *PAPER.rules[1:3],
        Rule("200 samples", "not stated", guess=True),
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    prompt=harness_prompt,
    rules=(Rule("prompt, shots, stop, greedy", "lm-evaluation-harness, tasks/mbpp"),),
)

BENCHMARK = Benchmark(
    name="mbpp",
    title="MBPP",
    citation='Austin et al. 2021, "Program Synthesis with Large Language Models"',
    examples=Source(SCHEMA, read, parse, HUB),
    protocols=(PAPER, PAPER_80, LM_EVAL),
    paper=PaperColumn("21", "MBPP pass@1", "pass@1"),
    shots=Source(SCHEMA, read, parse_shots),
    answer_formats=(verbatim(score),),
    outcomes=outcome_rule((1, 10, 80)),
)
