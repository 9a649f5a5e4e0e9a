"""Generated SQL: from texts to a score, and Spider's numbers of a whole test set.

Precision of a component is the share of right ones among the predictions that have it, recall among
the gold queries that have it; F1 is their harmonic mean, as the official script computes it. Where
no prediction and no gold query has a component, there is no F1 (the official script prints 1), and
where all are wrong it is 0 (it prints 1 there too).
"""

import math
from collections.abc import Callable, Sequence

from llama_jax.evals.generated import EXTRACTED, mean_of_outputs
from llama_jax.evals.metrics import mean, standard_error
from llama_jax.evals.protocol import Metric
from llama_jax.evals.sql.components import (
    COMPONENTS,
    comparable,
    compare,
    exact_set_match,
)
from llama_jax.evals.sql.hardness import LEVELS
from llama_jax.evals.sql.parse import parse
from llama_jax.evals.sql.query import Query, Schema
from llama_jax.evals.sql.tokens import normalise_sql
from llama_jax.evals.types import Example, Generated, Score, Value

EXACT_TEXT = Metric(
    "exact_match", "The normalised text (case, blanks, quotes, semicolon) is a gold query."
)
EXACT_SET = Metric(
    "exact_set_match", "Every component and the tables are the gold query's, values left out."
)


def normalised(text: str) -> str | None:
    """Returns the text as it is compared, or None where it is blank or a quote is not closed."""
    try:
        return normalise_sql(text) or None
    except ValueError:
        return None


def text_score(golds: Sequence[str], response: Generated) -> Score:
    """Returns the exact match with any of the gold queries."""
    accepted = {normalise_sql(gold) for gold in golds}
    found = tuple(normalised(output.text) for output in response.outputs)
    values = tuple(
        {EXACT_TEXT.name: float(one in accepted), EXTRACTED.name: float(one is not None)}
        for one in found
    )
    return Score(mean_of_outputs(values), list(golds), found, values)


def set_score(gold: str, schema: Schema, response: Generated) -> Score:
    """Returns exact set match, exact match of texts, and the components, of Spider.

    Of a component the values say whether a prediction has it and has it right, ("where"), has it
    ("where_predicted"), and whether the gold query does ("where_gold").
    """
    right = parse(gold, schema)
    found, values = [], []
    for output in response.outputs:
        try:
            query = parse(output.text, schema)
            found.append(output.text.strip())
        except ValueError:
            query = Query()  # scored as an empty one, which is what the official script does
            found.append(None)
        numbers = _numbers(query, right, schema)
        same = found[-1] is not None and normalised(output.text) == normalise_sql(gold)
        numbers |= {EXACT_TEXT.name: float(same), EXTRACTED.name: float(found[-1] is not None)}
        values.append(numbers)
    return Score(mean_of_outputs(values), gold, tuple(found), tuple(values))


def _numbers(query: Query, right: Query, schema: Schema) -> dict[str, float]:
    query, right = comparable(query, schema), comparable(right, schema)
    parts = compare(query, right, schema)
    numbers = {EXACT_SET.name: float(exact_set_match(query, right, parts))}
    for name, part in parts.items():
        numbers[name] = float(part.right and part.predicted > 0)
        numbers[f"{name}_predicted"] = float(part.predicted > 0)
        numbers[f"{name}_gold"] = float(part.gold > 0)
    return numbers


def component_f1(name: str) -> Metric:
    """F1 of one of COMPONENTS."""

    def aggregate(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
        right, predicted, gold = (
            math.fsum(score.values[name + part] for score in scores)
            for part in ("", "_predicted", "_gold")
        )
        # 2 P R / (P + R) of P = right / predicted and R = right / gold
        return Value(2 * right / (predicted + gold), None) if predicted + gold else None

    return Metric(f"f1_{name}", f"F1 of the {COMPONENTS[name]}.", aggregate=aggregate)


def at_level(level: str, level_of: Callable[[Example], str]) -> Metric:
    """Exact set match over the examples of one level of hardness."""

    def aggregate(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
        values = [
            score.values[EXACT_SET.name]
            for example, score in zip(examples, scores, strict=True)
            if level_of(example) == level
        ]
        return Value(mean(values), standard_error(values)) if values else None

    name = f"{EXACT_SET.name}_{level}"
    return Metric(name, f"The same over the questions that are {level}.", aggregate=aggregate)


def set_metrics(level_of: Callable[[Example], str]) -> tuple[Metric, ...]:
    """All that is reported of Spider."""
    levels = (at_level(level, level_of) for level in LEVELS)
    return (EXACT_SET, *levels, *map(component_f1, COMPONENTS), EXACT_TEXT, EXTRACTED)
