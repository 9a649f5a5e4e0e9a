r"""HumanEval: functions of Python, written from their signature and documentation.

Paper     Chen et al. 2021, "Evaluating Large Language Models Trained on Code"
Raw file  HumanEval.jsonl, 164 problems: prompt, canonical solution, tests, name of the function.
Fills     Llama 2, Table 21, columns HumanEval pass@1 (0-shot, temperature 0.1) and pass@100
          (temperature 0.8), both with top-p 0.95.

The prompt is the row's, with nothing stripped. `paper` and `paper-pass100` sample at the two
temperatures; `lm-eval` is greedy, one sample. No protocol runs a program: the sample file holds
them, and pass@k follows from their outcomes (`outcomes`).
"""

from collections.abc import Sequence
from dataclasses import replace

from llama_jax.data.parquet import Hub
from llama_jax.data.rows import Row
from llama_jax.data.schema import Record, Text
from llama_jax.evals.generated import EXTRACTED
from llama_jax.evals.outcomes import outcome_rule
from llama_jax.evals.programs import humaneval_program, program_score, verbatim
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.types import Example, Generate, Generated, Score

SCHEMA = Record(
    {
        "task_id": Text(),
        "prompt": Text(pattern=r"\n\Z"),
        "canonical_solution": Text(),
        "test": Text(pattern=r"def check\("),
        "entry_point": Text(pattern=r"\A\w+\Z"),
    }
)
HUB = Hub("**/test-*.parquet", "test", tuple(SCHEMA.fields), dict)
STOP = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")


def read(row: Row) -> Example:
    """Takes the row as it is, with the problem's own id."""
    return Example(row.fields["task_id"], row.fields)


def gold_texts(example: Example) -> list[str]:
    """The authors' solution."""
    return [example.row["canonical_solution"]]


def sampled(example: Example, temperature: float, samples: int) -> Generate:
    """Samples of at most 512 tokens."""
    return Generate(example.row["prompt"], 512, STOP, temperature, 0.95, samples)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """Table 21, pass@1."""
    return sampled(example, 0.1, 20)


def prompt_of_many(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """Table 21, pass@100."""
    return sampled(example, 0.8, 200)


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """lm-evaluation-harness, tasks/humaneval."""
    return Generate(example.row["prompt"], 1024, STOP)


def score(example: Example, response: Generated) -> Score:
    """Builds the programs."""
    row = example.row
    return program_score(
        row["canonical_solution"], response, lambda text: humaneval_program(row, text)
    )


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(EXTRACTED,),
    primary="extracted",
    gold_texts=gold_texts,
    rules=(
        Rule("0-shot, temperature 0.1, top-p 0.95", "Llama 2, Table 21"),
        Rule("pass@k estimated without bias", "Llama 1, section 3; Chen et al. 2021, section 2.1"),
        Rule("20 samples: the estimate of pass@1 has no bias with any", "not stated", guess=True),
        Rule("stop strings of Chen et al. 2021; 512 new tokens", "not stated", guess=True),
    ),
)

PAPER_100 = replace(
    PAPER,
    name="paper-pass100",
    prompt=prompt_of_many,
    rules=(
        Rule("0-shot, temperature 0.8, top-p 0.95", "Llama 2, Table 21"),
        *PAPER.rules[1:2],
        Rule("200 samples, as Chen et al. 2021", "not stated", guess=True),
        *PAPER.rules[3:],
    ),
)

LM_EVAL = replace(
    PAPER,
    name="lm-eval",
    prompt=harness_prompt,
    rules=(Rule("prompt, stops, greedy", "lm-evaluation-harness, tasks/humaneval"),),
)

BENCHMARK = Benchmark(
    name="humaneval",
    title="HumanEval",
    citation='Chen et al. 2021, "Evaluating Large Language Models Trained on Code"',
    examples=Source(SCHEMA, read, hub=HUB),
    protocols=(PAPER, PAPER_100, LM_EVAL),
    paper=PaperColumn("21", "HumanEval pass@1", "pass@1"),
    answer_formats=(verbatim(score),),
    outcomes=outcome_rule((1, 10, 100)),
)
