r"""MATH: competition mathematics in seven subjects, answered by a worked solution.

Paper     Hendrycks et al. 2021, "Measuring Mathematical Problem Solving With the MATH Dataset"
Raw file  test.jsonl, 5000 rows, as ToRA joins the 5000 files of the authors: the gold answer is
          what the last \boxed{} of a solution holds. The shots are the four problems of Lewkowycz
          et al. 2022 (Minerva), in shots_minerva.json: problem and solution.
Fills     Llama 2, Table 25, column MATH, 4-shot, greedy.

An answer stands between "The final answer is" and ". I hope it is correct."; without these it is
not extracted and wrong. Two answers are equal if their normalised texts are, or if SymPy finds
their difference to be 0; what SymPy cannot read in 5 seconds is equal to nothing but its own text.
`paper` normalises as Minerva's appendix D does and reads the whole of an answer; `lm-eval` is
minerva_math 3.1, which reads only as far as it can ("1,2" is 1 there). The harness's second metric,
`math_verify`, is another package's judgement and is left out.

The shots' file has what older harnesses had: one backslash in place of two at the end of a line,
and a "}" too many, which Minerva's own listing has as well. Backslashes are restored in both
protocols; the "}" stays in `paper` and goes in `lm-eval`, as there.
"""

import re
from collections.abc import Callable, Sequence

from llama_jax.data.rows import Row, json_list_rows
from llama_jax.data.schema import OneOf, Record, Text
from llama_jax.errors import InputError
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.math_answers import (
    harness_normalise_math,
    hendrycks_equal,
    last_boxed,
    minerva_answer,
    minerva_normalise,
)
from llama_jax.evals.math_symbolic import same_expression
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

SUBJECTS = {
    "Algebra": "algebra",
    "Counting & Probability": "counting_and_probability",
    "Geometry": "geometry",
    "Intermediate Algebra": "intermediate_algebra",
    "Number Theory": "number_theory",
    "Prealgebra": "prealgebra",
    "Precalculus": "precalculus",
}
SCHEMA = Record(
    {
        "problem": Text(),
        "level": Text(),
        "type": OneOf(tuple(SUBJECTS)),
        "solution": Text(pattern=r"\\boxed"),
    }
)
SHOT_SCHEMA = Record(
    {
        "problem": Text(),
        "solution": Text(pattern=r"Final Answer: The final answer is .*\. I hope it is correct\."),
    }
)
EXACT = Metric(
    "exact_match", "The extracted answer is the gold answer, as a text or as an expression."
)
BOXED_EXACT = Metric("exact_match", "The boxed answer is the gold answer after normalisation.")


def read(row: Row) -> Example:
    """Takes the row with its gold answer; its place is its id, its subject the subtask."""
    answer = last_boxed(row.fields["solution"])
    if not answer:
        raise InputError(
            f"{row.file}: row {row.index}: solution: the last \\boxed holds no answer or is not "
            "closed; mend the row"
        )
    return Example(str(row.index), {**row.fields, "answer": answer}, SUBJECTS[row.fields["type"]])


def read_shot(row: Row) -> Example:
    r"""Takes a shot and restores "\\" at the end of a line."""
    mended = {k: re.sub(r"(?<!\\)\\\n", r"\\\\\n", row.fields[k]) for k in ("problem", "solution")}
    return Example(str(row.index), mended)


def pick_shots(example: Example, pool: Sequence[Example], count: int) -> tuple[Example, ...]:
    """The first ones, whatever the subject."""
    return tuple(pool[:count])


def gold_texts(example: Example) -> list[str]:
    """The solution, ended as the shots end, in one line; the end alone, where that is too long."""
    answer = example.row["answer"].replace("\n", " ")
    end = f"\nFinal Answer: The final answer is ${answer}$. I hope it is correct."
    return [f" {example.row['solution']}{end}", end]


def question(example: Example) -> str:
    """A problem, up to "Solution:"."""
    return f"Problem:\n{example.row['problem']}\n\nSolution:"


def prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """Minerva's listing: a solution begins on its own line. Greedy, until the next problem."""
    answered = [f"{question(shot)}\n{shot.row['solution']}\n\n" for shot in shots]
    return Generate("".join(answered) + question(example), 512, ("Problem:",))


def harness_prompt(example: Example, shots: Sequence[Example]) -> Generate:
    """lm-evaluation-harness, tasks/minerva_math: 256 new tokens is its backend's default."""
    answered = [f"{question(s)} {s.row['solution']}\n\n" for s in shots]
    text = "".join(answered).replace("$.}\n\nSolution:", "$.\n\nSolution:")
    return Generate(text + question(example), 256, ("Problem:",))


def _scored(response: Generated, normalise: Callable[[str], str], gold: str, strict: bool) -> Score:
    """Shows and compares answers as they are after normalisation."""

    def extract(text: str) -> str | None:
        found = minerva_answer(text)
        return None if found is None else normalise(found)

    def right(text: str) -> bool:
        found = extract(text)
        return found is not None and same_expression(found, gold, strict)

    return extracted_score(gold, response, extract, {EXACT: right})


def score(example: Example, response: Generated) -> Score:
    """Compares as Minerva does, the gold answer between dollars as the shots have theirs.

    So a full stop inside a box (one row has it) is no part of the answer. SymPy must read all of
    an answer.
    """
    gold = minerva_normalise(f"${example.row['answer']}$")
    return _scored(response, minerva_normalise, gold, strict=True)


def harness_score(example: Example, response: Generated) -> Score:
    """Compares as minerva_math 3.1 does."""
    gold = harness_normalise_math(example.row["answer"])
    return _scored(response, harness_normalise_math, gold, strict=False)


def boxed_score(example: Example, response: Generated) -> Score:
    """Compares what the last box holds, as the authors do."""
    gold = example.row["answer"]
    right = {BOXED_EXACT: lambda text: hendrycks_equal(last_boxed(text), gold)}
    return extracted_score(gold, response, last_boxed, right)


METRICS = (EXACT, EXTRACTED)
PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="exact_match",
    shots=(4, *range(4)),
    pick_shots=pick_shots,
    gold_texts=gold_texts,
    rules=(
        Rule("4-shot, greedy, one answer; every problem weighs the same", "Llama 2, Table 25"),
        Rule("Minerva's four problems; 512 new tokens", "Llama 3, eval_details.md"),
        Rule("the prompt, the normalisation, SymPy", "Lewkowycz et al. 2022, appendix D"),
        Rule("answers are extracted and compared as Minerva's are", "not stated", guess=True),
        Rule("SymPy must read the whole of both answers", "not stated", guess=True),
        Rule('generation ends at "Problem:"', "lm-evaluation-harness, minerva_math", guess=True),
    ),
)

LM_EVAL = Protocol(
    name="lm-eval",
    version=1,
    prompt=harness_prompt,
    score=harness_score,
    metrics=METRICS,
    primary="exact_match",
    shots=PAPER.shots,
    pick_shots=pick_shots,
    gold_texts=gold_texts,
    rules=(
        Rule(
            "prompt, stop, exact_match (not math_verify)",
            "lm-evaluation-harness, tasks/minerva_math, version 3.1",
        ),
    ),
)

BENCHMARK = Benchmark(
    name="math",
    title="MATH",
    citation=(
        'Hendrycks et al. 2021, "Measuring Mathematical Problem Solving With the MATH Dataset"'
    ),
    examples=Source(SCHEMA, read),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("25", "MATH", "exact_match"),
    shots=Source(SHOT_SCHEMA, read_shot, json_list_rows),
    answer_formats=(
        AnswerFormat(
            "minerva",
            'The answer between "Final Answer: The final answer is" and ". I hope it is '
            'correct.", compared as a text and by SymPy (Lewkowycz et al. 2022, appendix D).',
            score,
            METRICS,
        ),
        AnswerFormat(
            "boxed",
            r"What the last \boxed{} holds, compared as is_equiv of hendrycks/math does.",
            boxed_score,
            (BOXED_EXACT, EXTRACTED),
        ),
    ),
)
