r"""WiC: does a word mean the same in two sentences.

Paper     Pilehvar and Camacho-Collados 2019, "WiC: the Word-in-Context Dataset for Evaluating
          Context-Sensitive Meaning Representations"
Raw file  val.jsonl of SuperGLUE's packaging, 638 rows (validation): word, sentence1, sentence2, the
          places of the word in them, and label, true or false, in some copies as text.
Fills     no table of the Llama 2 paper.

`standard` is GPT-3's prompt (appendix G), which names the word; `lm-eval` names it as the first
sentence writes it. Both compare " no" and " yes".
"""

from collections.abc import Sequence
from dataclasses import replace

from llama_jax.data.rows import Row
from llama_jax.data.schema import Integer, OneOf, Record, Text
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks.boolq import ANSWERS, LABELS
from llama_jax.evals.choices import ACC
from llama_jax.evals.classified import ECE, MCC, classification_score, f1_of
from llama_jax.evals.protocol import Benchmark, Protocol, Rule, Source
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

SCHEMA = Record(
    {
        "word": Text(),
        "sentence1": Text(),
        "sentence2": Text(),
        "start1": Integer(minimum=0),
        "end1": Integer(minimum=1),
        "label": OneOf(tuple(LABELS)),
    }
)


def read(row: Row) -> Example:
    """Takes the row as it is; its place is its id.

    Raises:
        InputError: start1 and end1 are no place in sentence1.
    """
    start, end = row.fields["start1"], row.fields["end1"]
    if not start < end <= len(row.fields["sentence1"]):
        raise InputError(
            f"wic: {row.file}, row {row.index}: start1 {start} and end1 {end} are no place in "
            f"sentence1, which has {len(row.fields['sentence1'])} characters"
        )
    return Example(str(row.index), row.fields)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """GPT-3's prompt."""
    row = example.row
    asked = f"Is the word '{row['word']}' used in the same way in the two sentences above?"
    context = f"{row['sentence1']}\n{row['sentence2']}\nquestion: {asked}\nanswer:"
    return shared_context(context, ANSWERS)


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """lm-evaluation-harness, tasks/super_glue/wic."""
    row = example.row
    word = row["sentence1"][row["start1"] : row["end1"]]
    context = (
        f"Sentence 1: {row['sentence1']}\nSentence 2: {row['sentence2']}\n"
        f"Question: Is the word '{word}' used in the same way in the two sentences above?\nAnswer:"
    )
    return shared_context(context, ANSWERS)


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the more likely answer."""
    return classification_score(LABELS[example.row["label"]], response)


STANDARD = Protocol(
    name="standard",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(ACC, f1_of(1, "yes"), MCC, ECE),
    primary="acc",
    rules=(
        Rule("prompt, the more likely of no and yes", "GPT-3, appendix G (WiC)"),
        Rule("0-shot", "the training split is not among the known files"),
        Rule("validation split, 638 rows", "the test labels are not public"),
    ),
)

LM_EVAL = replace(
    STANDARD,
    name="lm-eval",
    prompt=harness_prompt,
    metrics=(ACC,),
    rules=(Rule("prompt, answers and metric", "lm-evaluation-harness, tasks/super_glue/wic"),),
)

BENCHMARK = Benchmark(
    name="wic",
    title="WiC",
    citation='Pilehvar and Camacho-Collados 2019, "WiC: the Word-in-Context Dataset for Evaluating '
    'Context-Sensitive Meaning Representations"',
    examples=Source(SCHEMA, read),
    protocols=(STANDARD, LM_EVAL),
    chance=0.5,
)
