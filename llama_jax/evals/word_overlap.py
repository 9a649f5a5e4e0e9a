r"""Pure: what words a text and the gold answers share, as the scripts of SQuAD and QuAC count them.

    text "the cat sat", gold "a cat sat down": normalised "cat sat", "cat sat down"
    exact    0       the normalised texts differ
    f1       0.8     2 words in common: precision 2/2, recall 2/3

Normalisation is SQuAD's (`answers.normalise_answer`); a word counts as often as it occurs. Where
nothing is left of a text (gold "the") the versions of SQuAD differ: v1.1 gives F1 0 even to equal
ones, v2.0 gives 1 to equal ones, since there nothing is the answer to an unanswerable question.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from llama_jax.evals.answers import normalise_answer
from llama_jax.evals.metrics import mean

CANNOT = "CANNOTANSWER"  # QuAC's answer to a question that the passage does not answer
HUMAN_F1 = 0.4  # QuAC scores only questions on which the annotators agree at least this much


def exact(text: str, gold: str) -> float:
    """Returns 1 where the normalised texts are equal (`exact_match_score`, `compute_exact`)."""
    return float(normalise_answer(text) == normalise_answer(gold))


def f1(text: str, gold: str) -> float:
    """Returns the F1 of words as SQuAD v1.1's `f1_score`: no common word gives 0, always."""
    words, right = normalise_answer(text).split(), normalise_answer(gold).split()
    same = sum((Counter(words) & Counter(right)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(words), same / len(right)
    return 2 * precision * recall / (precision + recall)


def f1_v2(text: str, gold: str) -> float:
    """Returns the F1 of words as SQuAD v2.0's `compute_f1`: two texts without words give 1."""
    if not normalise_answer(text) or not normalise_answer(gold):
        return exact(text, gold)
    return f1(text, gold)


def best(score: Callable[[str, str], float], text: str, golds: Sequence[str]) -> float:
    """Returns the best score of a text over the gold answers.

    Raises:
        ValueError: there are none.
    """
    if not golds:
        raise ValueError("there are no gold answers to compare with")
    return max(score(text, gold) for gold in golds)


def answers_v2(answers: Sequence[str]) -> list[str]:
    """Returns the gold answers that SQuAD v2.0's script compares with.

    Those of which normalisation leaves something; where that is none, the empty text alone.
    """
    return [answer for answer in answers if normalise_answer(answer)] or [""]


def quac_answers(answers: Sequence[str]) -> list[str]:
    """Returns the gold answers that QuAC's script compares with (`handle_cannot`).

    CANNOTANSWER alone where at least half of the annotators said so, else the spans of the others.
    """
    spans = [answer for answer in answers if answer != CANNOT]
    return [CANNOT] if 2 * len(spans) <= len(answers) else spans


def quac_f1_of_one(text: str, gold: str) -> float:
    """Returns QuAC's score for one gold answer; CANNOTANSWER must be given letter for letter."""
    if gold == CANNOT:
        return float(text == CANNOT)
    return f1(text, gold)


def quac_f1(text: str, answers: Sequence[str]) -> float:
    """Returns QuAC's F1 of a text (`leave_one_out_max`).

    With several gold answers each is left out once, and the best F1 over the others is averaged: so
    people, of whom one is always the one to be judged, are measured by as many answers.
    """
    golds = quac_answers(answers)
    if len(golds) == 1:
        return quac_f1_of_one(text, golds[0])
    scores = [quac_f1_of_one(text, gold) for gold in golds]
    return mean([max(scores[:i] + scores[i + 1 :]) for i in range(len(scores))])


def quac_human_f1(answers: Sequence[str]) -> float:
    """Returns the annotators' own F1, each against the best of the others (`leave_one_out`)."""
    golds = quac_answers(answers)
    if len(golds) == 1:
        return 1.0
    others = [golds[:i] + golds[i + 1 :] for i in range(len(golds))]
    return mean([best(f1, gold, rest) for gold, rest in zip(golds, others, strict=True)])
