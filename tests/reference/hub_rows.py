"""Rows of the authors' files as the Hugging Face hub's data sets have them, for tests."""

from typing import Any

Row = dict[str, Any]


def hellaswag(row: Row) -> Row:
    """Rowan/hellaswag."""
    return {**row, "label": str(row["label"])}


def arc(row: Row) -> Row:
    """allenai/ai2_arc."""
    choices = row["question"]["choices"]
    return {
        "id": row["id"],
        "question": row["question"]["stem"],
        "choices": {key: [choice[key] for choice in choices] for key in ("text", "label")},
        "answerKey": row["answerKey"],
    }


def piqa(row: Row) -> Row:
    """baber/piqa."""
    return {**row, "label": int(row["label"])}


def boolq(row: Row) -> Row:
    """aps/super_glue, boolq and wic."""
    return {**row, "label": int(str(row["label"]).lower() == "true")}


def mmlu(row: Row) -> Row:
    """cais/mmlu, without its subject."""
    choices = [row[letter] for letter in "ABCD"]
    return {"question": row["question"], "choices": choices, "answer": "ABCD".index(row["answer"])}


def same(row: Row) -> Row:
    """Data sets whose rows are the authors'."""
    return row


def openbookqa(row: Row) -> Row:
    """allenai/openbookqa, main."""
    choices = {"text": row["choices"], "label": list("ABCD"[: len(row["choices"])])}
    return {"question_stem": row["stem"], "choices": choices, "answerKey": row["answer"]}


def mnli(row: Row) -> Row:
    """nyu-mll/glue, mnli."""
    label = ["entailment", "neutral", "contradiction"].index(row["label"])
    return {**row, "label": label}


def commonsense_qa(row: Row) -> Row:
    """tau/commonsense_qa."""
    return {key: value for key, value in arc(row).items() if key != "id"}


def triviaqa(row: Row) -> Row:
    """mandarjoshi/trivia_qa, rc.nocontext."""
    answer = {key: row[key] for key in ("value", "aliases", "normalized_aliases")}
    return {"question": row["question"], "answer": answer}


def mbpp_shot(row: Row) -> Row:
    """The harness marks its shots."""
    return {**row, "is_fewshot": True}
