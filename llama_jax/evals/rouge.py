r"""ROUGE (Lin 2004) of a summary and its reference, by Google's rouge_score, with Porter's stemmer.

    ROUGE-1, -2   F1 of words, of pairs of words
    ROUGE-L       F1 of the longest common subsequence of words
    ROUGE-Lsum    the same sentence by sentence, where sentences end with " . "

The tokenised copies of CNN/DailyMail and XSum have one line a summary, in which " . " ends a
sentence; rouge_score expects a newline there. The Perl script ROUGE-1.5.5, with which most papers
measured, splits words in another way and gives values that differ by some tenths of a point.
"""

import functools
from typing import Any

from llama_jax.errors import InputError

NAMES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def rouge(text: str, reference: str) -> dict[str, float]:
    """Returns the F-measure of each of `NAMES`, 0 to 1.

    >>> rouge("a cat sat .", "a cat stood .")["rouge1"]
    0.6666666666666666
    """
    found = _scorer(*NAMES[:3]).score(reference, text)
    by_sentence = _scorer(NAMES[3]).score(sentences(reference), sentences(text))
    return {name: float({**found, **by_sentence}[name].fmeasure) for name in NAMES}


def sentences(text: str) -> str:
    r"""Returns a text with a newline behind every full stop that stands between spaces.

    >>> sentences("one . two .")
    'one .\ntwo .'
    """
    return text.replace(" . ", " .\n")


@functools.cache
def _scorer(*names: str) -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise InputError(
            "rouge_score computes ROUGE and is missing; pip install rouge-score"
        ) from None
    return RougeScorer(list(names), use_stemmer=True)
