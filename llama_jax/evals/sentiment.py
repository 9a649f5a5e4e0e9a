"""VADER's sentiment of a text: a lexicon and rules, no model (Hutto and Gilbert 2014)."""

import functools
from typing import Any

from llama_jax.errors import InputError


def compound(text: str) -> float:
    """Returns VADER's compound score, from -1 (most negative) to 1, as its authors compute it.

    Raises:
        InputError: the package vaderSentiment is not installed.
    """
    return float(_analyser().polarity_scores(text)["compound"])


@functools.cache
def _analyser() -> Any:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError as error:
        raise InputError(
            "sentiment needs the package vaderSentiment: pip install vaderSentiment"
        ) from error
    return SentimentIntensityAnalyzer()
