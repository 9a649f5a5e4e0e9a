r"""CommonsenseQA: five-answer questions about a concept.

Paper     Talmor et al. 2019, "CommonsenseQA: A Question Answering Challenge Targeting Commonsense
          Knowledge"
Raw file  dev_rand_split.jsonl, 1221 rows (the test labels are not public). The shots are the seven
          exemplars of Wei et al. 2022 (arXiv 2201.11903), in shots_wei2022.json; three of them have
          four answers, as published.
Fills     Llama 2, Table 20, column CSQA, 7-shot.

Both protocols compare the likelihoods of the answers' letters: `paper` after Wei's prompt without
the explanations, `lm-eval` after the answers in lines.
"""

from collections.abc import Sequence

from llama_jax.data.rows import Row, json_list_rows
from llama_jax.data.schema import ListOf, MemberOf, OneOf, Record, Text
from llama_jax.evals.choices import ACC, choice_score
from llama_jax.evals.letter_formats import letter_formats
from llama_jax.evals.protocol import Benchmark, PaperColumn, Protocol, Rule, Source
from llama_jax.evals.types import Choices, ChosenFrom, Example, Score, shared_context

LETTERS = ("A", "B", "C", "D", "E")
ANSWER = Record({"label": OneOf(LETTERS), "text": Text()})
QUESTION = Record({"stem": Text(), "choices": ListOf(ANSWER, 5, 5, distinct="label")})
SCHEMA = Record(
    {"id": Text(), "question": QUESTION, "answerKey": MemberOf("question.choices.label")}
)
SHOT_SCHEMA = Record(
    {"question": Text(), "choices": ListOf(Text(), 4, 5), "answer": OneOf(LETTERS)}
)


def read(row: Row) -> Example:
    """Flattens a row: question, answers by letter, the letter of the right one."""
    question = row.fields["question"]
    by_letter = {choice["label"]: choice["text"] for choice in question["choices"]}
    fields = {
        "question": question["stem"],
        "choices": [by_letter[letter] for letter in LETTERS],
        "answer": row.fields["answerKey"],
    }
    return Example(row.fields["id"], fields)


def read_shot(row: Row) -> Example:
    """Takes the exemplar as it is."""
    return Example(str(row.index), row.fields)


def gold(example: Example) -> str:
    """The letter of the right answer."""
    return example.row["answer"]


def question(example: Example) -> str:
    """Wei's question: the answers in its line, behind small letters."""
    choices = zip(LETTERS, example.row["choices"], strict=False)
    answers = " ".join(f"({letter.lower()}) {text}" for letter, text in choices)
    return f"Q: {example.row['question']} Answer Choices: {answers}\nA: The answer is"


def prompt(example: Example, shots: Sequence[Example]) -> Choices:
    """The answered exemplars and the question; asked for " (a)" to " (e)"."""
    answered = [f"{question(shot)} ({gold(shot).lower()}).\n\n" for shot in shots]
    texts = [f"({letter.lower()})" for letter in LETTERS]
    return shared_context("".join(answered) + question(example), texts)


def harness_prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """lm-evaluation-harness, tasks/commonsense_qa."""
    row = example.row
    choices = zip(LETTERS, row["choices"], strict=True)
    lines = [f"Question: {row['question'].strip()}", *(f"{k}. {text}" for k, text in choices)]
    return shared_context("\n".join([*lines, "Answer:"]), LETTERS)


def score(example: Example, response: ChosenFrom) -> Score:
    """Scores the most likely letter."""
    return choice_score(LETTERS.index(gold(example)), response, (ACC,))


PAPER = Protocol(
    name="paper",
    version=1,
    prompt=prompt,
    score=score,
    metrics=(ACC,),
    primary="acc",
    shots=(7, *range(7)),
    rules=(
        Rule("7-shot", "Llama 2, Table 20"),
        Rule("the exemplars of Wei et al. 2022, answers in the prompt", "Llama 3, eval_details.md"),
        Rule("the likelihoods of the letters are compared", "Llama 3, eval_details.md"),
        Rule('without explanations, after "The answer is"', "not stated", guess=True),
        Rule("validation split, 1221 rows", "the test labels are not public"),
    ),
)

LM_EVAL = Protocol(
    name="lm-eval",
    version=1,
    prompt=harness_prompt,
    score=score,
    metrics=(ACC,),
    primary="acc",
    rules=(Rule("prompt, letters, 0-shot", "lm-evaluation-harness, tasks/commonsense_qa"),),
)

BENCHMARK = Benchmark(
    name="commonsense_qa",
    title="CommonsenseQA",
    citation='Talmor et al. 2019, "CommonsenseQA: A Question Answering Challenge Targeting '
    'Commonsense Knowledge"',
    examples=Source(SCHEMA, read),
    protocols=(PAPER, LM_EVAL),
    paper=PaperColumn("20", "CSQA", "acc"),
    chance=0.2,
    shots=Source(SHOT_SCHEMA, read_shot, json_list_rows),
    answer_formats=letter_formats(gold),
)
