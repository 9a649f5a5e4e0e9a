r"""Pure rules that find an answer in a text and compare it with the gold answer.

    "16 - 3 - 4 = 9. 9 * $2 = $18. The answer is $18."
    answer_is_number   "18"        the number after the last "answer is"
    last_number        "18"        the last number
    harness_strict     None        "$" is no part of lm-evaluation-harness's strict expression

None says that nothing could be extracted, which is counted apart from a wrong answer.
"""

import re
import string
from fractions import Fraction

_NUMBER = r"-?\$?\d[\d,]*(?:\.\d+)?|-?\$?\.\d+"
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def answer_is_number(text: str) -> str | None:
    """Returns the first number after the last "answer is", without "$" and thousands commas.

    Wei et al. 2022, appendix: the exemplars end with "The answer is N.".
    """
    _, found, rest = text.rpartition("answer is")
    return first_number(rest) if found else None


def first_number(text: str) -> str | None:
    """Returns the first number of `text`, without "$" and thousands commas."""
    found = re.search(_NUMBER, text, re.ASCII)
    return None if found is None else plain_number(found[0])


def last_number(text: str) -> str | None:
    """Returns the last number of `text`, without "$" and thousands commas."""
    found = re.findall(_NUMBER, text, re.ASCII)
    return plain_number(found[-1]) if found else None


def plain_number(text: str) -> str:
    """Removes "$" and thousands commas."""
    return text.replace("$", "").replace(",", "")


def equal_numbers(found: str | None, gold: str) -> bool:
    """Returns whether two decimal numbers are the same number ("18", "18.00", "1,800" = "1800").

    Raises:
        ValueError: `gold` is no number.
    """
    if found is None:
        return False
    return Fraction(plain_number(found)) == Fraction(plain_number(gold))


def harness_strict(text: str) -> str | None:
    r"""Returns what lm-evaluation-harness's `strict-match` of gsm8k_cot extracts.

    The first match of `The answer is (\-?[0-9\.\,]+).`; the last character, whatever it is but a
    newline, is left out, so a text that ends with the number loses its last digit.
    """
    found = re.search(r"The answer is (\-?[0-9\.\,]+).", text)
    return None if found is None else found[1].strip()


def harness_flexible(text: str) -> str | None:
    """Returns what lm-evaluation-harness's `flexible-extract` of gsm8k_cot extracts.

    The last match of `(-?[$0-9.,]{2,})|(-?[0-9]+)`: a lone "." is none, but ".." is one.
    """
    found = re.findall(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", text)
    return None if not found else (found[-1][0] or found[-1][1]).strip()


def harness_same_number(found: str | None, gold: str) -> bool:
    """Returns whether two texts are equal after `regexes_to_ignore` of gsm8k_cot, case ignored."""
    if found is None:
        return False
    return _without_marks(found) == _without_marks(gold)


def _without_marks(text: str) -> str:
    for pattern in (",", r"\$", r"(?s).*#### ", r"\.$"):
        text = re.sub(pattern, "", text)
    return text.lower()


def normalise_answer(text: str) -> str:
    """Lower-cases and removes punctuation, articles and repeated blanks.

    The SQuAD v1.1 script's `normalize_answer`; LLaMA (Touvron et al. 2023a, appendix A) names the
    same steps for NaturalQuestions and TriviaQA. Only ASCII punctuation is removed, as there.

    >>> normalise_answer("The  Beatles' drummer.")
    'beatles drummer'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def harness_normalise(text: str) -> str:
    """Returns a text as lm-evaluation-harness's nq_open (version 4) compares it.

    An article and the blank behind it are removed where a word begins, then case and ASCII
    punctuation are ignored; other blanks count.
    """
    text = re.sub(r"\b(?:The |the |An |A |a |an )", "", text)
    return text.lower().translate(_PUNCTUATION)


_TRIVIA_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation + "‘’´`", " "))


def trivia_normalise(text: str) -> str:
    """Returns a text as the authors' script of TriviaQA compares it (triviaqa_evaluation.py).

    Unlike SQuAD's rule it puts a blank in the place of a punctuation mark, curly quotes and the
    underscore among them.

    >>> trivia_normalise("The Rolling-Stones’ tour")
    'rolling stones tour'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_TRIVIA_PUNCTUATION)).split())


def without_case_and_marks(text: str) -> str:
    """Returns a text as lm-evaluation-harness's `ignore_case` and `ignore_punctuation` compare it.

    Articles and blanks count.
    """
    return text.lower().translate(_PUNCTUATION)
