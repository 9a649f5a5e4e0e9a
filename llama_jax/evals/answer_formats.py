r"""Pure rules that find the answer in outputs that other programs saved. Imports no jax.

    after_answer_is     "So the answer is (A)."                      "(A)"
    a_line              "7 + 2 = <<7+2=9>>9\nA: 9"                   "9"
    boxed_or_output     "Ann has $\boxed{1{,}200}$ left."            "1{}200"
    zero_shot_number    "... \nTherefore, the answer (arabic numerals) is $26.00."   "26.00"
    zero_shot_letter    "... \nTherefore, among A through E, the answer is B."       "B"
    last_letter         "It is closest to B) 12, not C) 14."         "C"

None says that nothing was found. Digits are ASCII digits and letters ASCII letters: those of other
scripts are never an answer. `as_float` reads what programs and models print as a number.
"""

import math
import re
from collections.abc import Sequence

_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_BRACES = re.compile(r"\\boxed\s*\{|[{}]")
_OUTPUT = re.compile(r"```output[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_AMONG = re.compile(r"\nTherefore, among A through [A-Z], the answer is")


def verbatim(text: str) -> str | None:
    """Returns the text as it is; None for an empty one."""
    return text or None


def after_answer_is(text: str) -> str | None:
    """Returns what follows the last "answer is ", stripped, without one final full stop.

    Without the phrase the whole text is taken so (BIG-Bench Hard, Suzgun et al. 2022).
    """
    found = text.rpartition("answer is ")[2].strip().removesuffix(".")
    return found or None


def a_line(text: str) -> str | None:
    """Returns the rest of the last line that begins with "A:", without commas and dollar signs.

    OpenAI's grade-school-math prints the final line of a solution so. Calculator annotations,
    "<<7+2=9>>", stay in the text and play no part.
    """
    lines = [line for line in text.split("\n") if line.startswith("A:")]
    return _bare(lines[-1].removeprefix("A:")) or None if lines else None


def _bare(text: str) -> str:
    return text.replace(",", "").replace("$", "").strip()


def boxed_or_output(text: str) -> str | None:
    r"""Returns the last \boxed{...}, else the last ```output block, else the last number.

    Dollar and percent signs, plain or with a backslash, commas and \text{...} are dropped (ToRA,
    Gou et al. 2023). What is found first is the answer, also where it is no number.
    """
    found = last_boxed(text)
    if found is None:
        blocks = _OUTPUT.findall(text)
        found = blocks[-1] if blocks else None
    if found is None:
        numbers = _NUMBER.findall(text.replace(",", ""))
        found = numbers[-1].removesuffix(".") if numbers else ""
    found = re.sub(r"\\text\s*\{[^{}]*\}", "", found)
    found = re.sub(r"\\?[$%]", "", found).replace(",", "").strip()
    return found or None


def last_boxed(text: str) -> str | None:
    r"""Returns the content of the last \boxed{...}, braces inside it balanced; None without one.

    A box that is never closed is none.
    """
    open_braces: list[int | None] = []  # where a box's content begins; None for another brace
    last: tuple[int, int] | None = None
    for brace in _BRACES.finditer(text):
        if brace[0] != "}":
            open_braces.append(brace.end() if brace[0] != "{" else None)
        elif open_braces:
            begin = open_braces.pop()
            if begin is not None and (last is None or begin > last[0]):
                last = (begin, brace.start())
    return None if last is None else text[last[0] : last[1]]


def zero_shot_number(text: str) -> str | None:
    """Returns the first number behind the second prompt of zero-shot chain of thought.

    The prompt's sentence is part of the text; without it the whole text is searched. Commas and
    colons are dropped, and one full stop behind the number (Kojima et al. 2022).
    """
    before, found, after = text.partition("\nTherefore, the answer (arabic numerals) is")
    rest = (after if found else before).replace(",", "").replace(":", "")
    number = re.search(r"-?\d+\.?\d*", rest, re.ASCII)
    return None if number is None else number[0].removesuffix(".")


def zero_shot_letter(text: str, letters: Sequence[str]) -> str | None:
    """Returns the first of `letters` behind the second prompt, also inside a word.

    The prompt's sentence, "among A through E", is part of the text; without it the whole text is
    searched (Kojima et al. 2022).
    """
    prompt = _AMONG.search(text)
    rest = text if prompt is None else text[prompt.end() :]
    return next((character for character in rest if character in letters), None)


def last_letter(text: str, letters: Sequence[str]) -> str | None:
    """Returns the last of `letters` that stands right before a closing parenthesis."""
    found = re.findall(f"([{''.join(letters)}])\\)", text)
    return found[-1] if found else None


def as_float(text: str | None) -> float | None:
    r"""Returns a decimal number, with an exponent or without; None for anything else.

    >>> as_float(" 1e3\n"), as_float("1,234.50"), as_float("-3/4"), as_float("50%")
    (1000.0, None, None, None)
    """
    if text is None or not _FLOAT.fullmatch(text.strip()):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def majority(found: Sequence[str | float | None]) -> str | float | None:
    """Returns the answer that was found most often; of several the one that was found first.

    What could not be extracted (None) has no vote. Llama 1, Table 7, maj1@k; the rule for ties is
    that of lm-evaluation-harness's `majority_vote`, the paper has none.

    >>> majority([None, 5.0, 7.0, 7.0, 5.0, None, None])
    5.0
    """
    votes = [answer for answer in found if answer is not None]
    return max(votes, key=votes.count) if votes else None
