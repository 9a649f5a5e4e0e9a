r"""Pure rules for answers in LaTeX: where a solution states them, how they compare as texts.

    "so $x = \dfrac12$.\nFinal Answer: The final answer is $x = \dfrac12$. I hope it is correct."
    minerva_answer        "$x = \dfrac12$"
    minerva_normalise     "\dfrac{1}{2}"     what `math_symbolic` then reads
    hendrycks_normalise   "\frac{1}{2}"      of "x = \dfrac12"

Rules of other people are followed with their quirks, which are named where they happen: a better
rule would give other scores than theirs.
"""

import re

_SUBSTITUTED = (
    ("an ", ""),
    ("a ", ""),
    (".$", "$"),
    (r"\$", ""),
    (r"\ ", ""),
    (" ", ""),
    ("mbox", "text"),
    (r",\text{and}", ","),
    (r"\text{and}", ","),
    (r"\text{m}", r"\text{}"),
)
_REMOVED = (
    *("square", "ways", "integers", "dollars", "mph", "inches", "ft", "hours", "km", "units"),
    r"\ldots",
    *("sue", "points", "feet", "minutes", "digits", "cents", "degrees", "cm", "gm", "pounds"),
    *("meters", "meals", "edges", "students", "childrentickets", "multiples"),
    *(r"\text{s}", r"\text{.}", "\\text{\ns}", r"\text{}^2", r"\text{}^3", "\\text{\n}"),
    *(r"\text{}", r"\mathrm{th}", r"^\circ", r"^{\circ}", r"\;", r",\!", "{,}", '"', r"\dots"),
)


def minerva_answer(text: str) -> str | None:
    """Returns the answer between "Final Answer: The final answer is" and ". I hope it is correct.".

    Lewkowycz et al. 2022, appendix D, as lm-evaluation-harness reads it: the first one counts, it
    ends on its line, and of a text that stops before "I hope" only one that has got as far as the
    blank after the full stop is completed.
    """
    whole = f"{text}I hope it is correct."
    found = re.search(r"Final Answer: The final answer is(.*?). I hope it is correct.", whole)
    return None if found is None else found[1].strip() or None


def minerva_normalise(text: str) -> str:
    r"""Returns an answer as Minerva compares it (Lewkowycz et al. 2022, appendix D).

    What stands before the last "=", blanks, units and dollars go; so do texts around the first
    "$...$". Words are removed wherever they stand: "\left(" loses its "ft" and becomes "\le(".
    "0,1" is taken for a number with a thousands comma and becomes "01"; "\sqrt[3]{8}" becomes
    "\sqrt{[}3]{8}". All this happens to gold and given answers alike.
    """
    text = text.split("=")[-1]
    for before, after in _SUBSTITUTED:
        text = text.replace(before, after)
    for word in _REMOVED:
        text = text.replace(word, "")
    text = _shorthand_fractions(_unwrapped(text))
    text = re.sub(r"sqrt([^{])", r"sqrt{\1}", text).replace("$", "")
    digits = text.replace(",", "")
    return digits if digits.isdigit() else text


def harness_normalise_math(text: str) -> str:
    r"""Returns an answer as lm-evaluation-harness's minerva_math (version 3.1) compares it.

    As `minerva_normalise`, but names of commands keep their letters, indices of roots are left
    alone, and commas go only where they part groups of three digits.
    """
    text = text.split("=")[-1]
    for word in filter(str.isalpha, _REMOVED):
        text = re.sub(rf"(?<!\\)\b{word}\b", "", text)
    for before, after in _SUBSTITUTED:
        text = text.replace(before, after)
    for word in _REMOVED:
        text = _outside_commands(text, word) if word.isalpha() else text.replace(word, "")
    text = _shorthand_fractions(_unwrapped(text))
    text = re.sub(r"sqrt(\[[^\]]*\])(\w)", r"sqrt\1{\2}", text)
    text = re.sub(r"sqrt(?!\[)([^{])", r"sqrt{\1}", text).replace("$", "")
    return text.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+", text) else text


def _outside_commands(text: str, word: str) -> str:
    """Removes a word except from the names of commands."""
    parts = re.split(r"(\\[a-zA-Z]+)", text)
    return "".join(part if i % 2 else part.replace(word, "") for i, part in enumerate(parts))


def _unwrapped(text: str) -> str:
    r"""Keeps what is inside the first "$...$" (of a line), \text, \textbf, \overline and \boxed."""
    text = re.sub(r".*?\$(.*?)\$.*", r"$\1$", text)
    for command in ("text", "textbf", "overline"):
        text = re.sub(rf"\\{command}\{{(.*?)\}}", r"\1", text)
    return re.sub(r"\\boxed\{(.*)\}", r"\1", text)


def _shorthand_fractions(text: str) -> str:
    r"""Writes braces: \frac12 as \frac{1}{2}."""
    return re.sub(r"frac([^{])(.)", r"frac{\1}{\2}", text)


def last_boxed(text: str) -> str | None:
    r"""Returns what the last \boxed{...} holds, nested braces and all; None without one.

    Hendrycks et al. 2021, math_equivalence.py. An unfinished last box is no answer, even where an
    earlier one is whole. "\boxed 5$" without braces reaches to the next "$".
    """
    _, found, rest = text.rpartition(r"\boxed")
    if found and rest.startswith(" "):
        return rest[1:].partition("$")[0] or None
    if not found or not rest.startswith("{"):
        return None
    depth = 0
    for place, character in enumerate(rest):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return rest[1:place]
    return None


def hendrycks_equal(found: str | None, gold: str) -> bool:
    """Returns whether two answers are the same text after `hendrycks_normalise`.

    Where one of them breaks that rule, the texts themselves are compared, as `is_equiv` does.
    """
    if found is None:
        return False
    try:
        return hendrycks_normalise(found) == hendrycks_normalise(gold)
    except ValueError:
        return found == gold


def hendrycks_normalise(text: str) -> str:
    r"""Returns an answer as Hendrycks et al. 2021 compare it (`_strip_string`).

    \dfrac and \tfrac are \frac; \left, \right, degrees, "\$", "\%", "%" and blanks go.
    Everything from "\text{ " on is taken for a unit ("5\text{ cm}"), "5\text{cm}" is not. "x="
    goes where at most two characters, blanks included, precede the only "=". 1/2 and 0.5 are
    \frac{1}{2}; 0.25 is no fraction, and "1,234" keeps its comma.

    Raises:
        ValueError: two units, or \sqrt or \frac at the end.
    """
    for before, after in (
        *(("\n", ""), (r"\!", ""), ("\\\\", "\\"), ("tfrac", "frac"), ("dfrac", "frac")),
        *((r"\left", ""), (r"\right", ""), (r"^{\circ}", ""), (r"^\circ", ""), (r"\$", "")),
    ):
        text = text.replace(before, after)
    text, *units = text.split(r"\text{ ")
    if len(units) > 1:
        raise ValueError(f"the answer has {len(units)} units: {units}")
    text = text.replace(r"\%", "").replace("%", "").replace(" .", " 0.").replace("{.", "{0.")
    text = f"0{text}" if text.startswith(".") else text
    name, *values = text.split("=")
    if len(values) == 1 and len(name) <= 2:
        text = values[0]
    text = _braced_fractions(_braced_roots(text).replace(" ", ""))
    text = r"\frac{1}{2}" if text == "0.5" else text
    return re.sub(r"\A(0|-?[1-9]\d*)/(0|-?[1-9]\d*)\Z", r"\\frac{\1}{\2}", text)


def _braced_roots(text: str) -> str:
    r"""Writes \sqrt3 as \sqrt{3}; of an index, too, only the first character: \sqrt{[}3]{8}."""
    head, *parts = text.split(r"\sqrt")
    if "" in parts:
        raise ValueError(f"nothing follows \\sqrt in {text!r}")
    braced = [part if part[0] == "{" else f"{{{part[0]}}}{part[1:]}" for part in parts]
    return r"\sqrt".join([head, *braced])


def _braced_fractions(text: str) -> str:
    r"""Writes \frac12 and \frac1{2} as \frac{1}{2}; a text with a lone \frac1 stays as it is."""
    head, *parts = text.split(r"\frac")
    braced = [head]
    for part in parts:
        if not part:
            raise ValueError(f"nothing follows \\frac in {text!r}")
        if part[0] != "{":
            if len(part) < 2:
                return text
            second = part[1] if part[1] == "{" else f"{{{part[1]}}}"
            part = f"{{{part[0]}}}{second}{part[2:]}"
        braced.append(part)
    return r"\frac".join(braced)
