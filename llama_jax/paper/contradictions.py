"""Where the paper disagrees with itself, cell by cell."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Contradiction:
    """A printed cell and the value that the paper's other tables imply for it."""

    table: str
    row: str
    column: str
    printed: float
    implied: float
    why: str


CONTRADICTIONS: tuple[Contradiction, ...] = (
    Contradiction(
        "3", "Llama 2 7B", "Math", 14.6, 8.55, "Table 25: GSM8K alone, not the mean with MATH"
    ),
    Contradiction(
        "3", "Llama 2 13B", "Math", 28.7, 16.3, "Table 25: GSM8K alone, not the mean with MATH"
    ),
    Contradiction(
        "3", "Falcon 40B", "AGI Eval", 37.0, 38.1, "Table 24: the mean over its questions"
    ),
    Contradiction("6", "Total", "comparisons", 2919326, 2920903, "the rows' sum"),
    Contradiction("19", "Llama 2 70B", "Humanities", 65.0, 65.3, "Table 51"),
    Contradiction("20", "Llama 2 7B", "HellaSwag", 77.2, 73.3, "Table 51"),
    Contradiction("20", "Llama 2 70B", "HellaSwag", 85.3, 82.5, "Table 51"),
    Contradiction(
        "24",
        "Falcon 40B",
        "Avg",
        37.0,
        38.1,
        "the mean over the questions of the tasks beside it, of which SAT-en (w/o Psg.) may be a "
        "copy of SAT-en: 44.7 there would give 37.0",
    ),
)
"""Every place known where a printed number does not follow from the others, rounding apart.

Table 2's total, 539.00, is not one: its rows sum to 538.98, which rounding explains.
"""
