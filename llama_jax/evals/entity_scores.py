"""Named entities in generated texts: counts for each sentence, precision and recall of the corpus.

F1 is no mean over sentences: the counts of all sentences are added, then divided. A text in which
no answer could be extracted has found nothing, and all of its tags are wrong.
"""

from collections.abc import Callable, Sequence

from llama_jax.evals.classification import Rates
from llama_jax.evals.entities import (
    Hits,
    bio,
    entities,
    entity_hits,
    hit_rates,
    is_tag,
    tags_right,
    token_hits,
)
from llama_jax.evals.entity_lines import entity_lines, parse_lines, place
from llama_jax.evals.generated import EXTRACTED
from llama_jax.evals.metrics import mean
from llama_jax.evals.protocol import AnswerFormat, Metric
from llama_jax.evals.types import Example, Generated, Score, Value

TYPES = ("PER", "ORG", "LOC", "MISC")
Counts = dict[str, float]


def _counts(found: Hits, tokens: Hits, tags: tuple[int, int], extracted: bool) -> Counts:
    return {
        "entities_right": found.right,
        "entities_found": found.found,
        "entities_gold": found.gold,
        "tokens_right": tokens.right,
        "tokens_found": tokens.found,
        "tokens_gold": tokens.gold,
        "tags_right": tags[0],
        "tags": tags[1],
        EXTRACTED.name: float(extracted),
    }


def _judged(gold: Sequence[str], found: Sequence[str] | None, lost: int = 0) -> Counts:
    """The counts of a sentence; `lost` more entities were found that stand nowhere in it."""
    tags = ["O"] * len(gold) if found is None else found
    hits = entity_hits(gold, tags)
    right = 0 if found is None else tags_right(gold, tags)
    return _counts(
        Hits(hits.right, hits.found + lost, hits.gold),
        token_hits(gold, tags),
        (right, len(gold)),
        found is not None,
    )


def _score(gold: str, extracted: Sequence[str | None], values: Sequence[Counts]) -> Score:
    """Counts of several outputs are added, so that each weighs as much as a sentence."""
    total = {name: sum(value[name] for value in values) for name in values[0]}
    total[EXTRACTED.name] = mean([value[EXTRACTED.name] for value in values])
    return Score(total, gold, tuple(extracted), tuple(values))


def lines_score(example: Example, response: Generated) -> Score:
    """Scores lines "TYPE: text"; tags are compared as BIO, whichever scheme the file has."""
    tokens = example.row["tokens"]
    gold = entities(example.row["tags"])
    extracted, values = [], []
    for output in response.outputs:
        lines = parse_lines(output.text, TYPES)
        placed, lost = place(tokens, gold, lines or ())
        shown = None if lines is None else "\n".join(f"{k}: {t}" for k, t in lines) or "none"
        tags = None if lines is None else bio(placed, len(tokens))
        extracted.append(shown)
        values.append(_judged(bio(gold, len(tokens)), tags, lost))
    return _score(entity_lines(tokens, gold), extracted, values)


def tags_score(example: Example, response: Generated) -> Score:
    """Scores tags between blanks, one for each token; another number of them is no answer."""
    gold = example.row["tags"]
    extracted, values = [], []
    for output in response.outputs:
        tags = output.text.split()
        usable = len(tags) == len(gold) and all(map(is_tag, tags))
        extracted.append(" ".join(tags) if usable else None)
        values.append(_judged(gold, tags if usable else None))
    return _score(" ".join(gold), extracted, values)


def _over_corpus(counted: str, rate: Callable[[Rates], float]) -> Callable[..., Value | None]:
    def aggregate(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
        if not scores:
            return None
        names = [f"{counted}_{part}" for part in ("right", "found", "gold")]
        hits = Hits(*(int(sum(score.values[name] for score in scores)) for name in names))
        return Value(rate(hit_rates(hits)), None)

    return aggregate


def _accuracy(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
    tags = sum(score.values["tags"] for score in scores)
    return Value(sum(s.values["tags_right"] for s in scores) / tags, None) if tags else None


ENTITY_F1 = Metric(
    "entity_f1",
    "F1 of entities, right in type, begin and end, over the corpus (conlleval).",
    aggregate=_over_corpus("entities", lambda rates: rates.f1),
)
METRICS = (
    ENTITY_F1,
    Metric(
        "entity_precision",
        "Right entities of those found.",
        aggregate=_over_corpus("entities", lambda rates: rates.precision),
    ),
    Metric(
        "entity_recall",
        "Right entities of the gold ones.",
        aggregate=_over_corpus("entities", lambda rates: rates.recall),
    ),
    Metric(
        "token_f1",
        "F1 of tokens inside an entity, right in type.",
        aggregate=_over_corpus("tokens", lambda rates: rates.f1),
    ),
    Metric("token_accuracy", "Tags, O among them, right to the letter.", aggregate=_accuracy),
    EXTRACTED,
)
ENTITIES = AnswerFormat(
    "entities",
    'Lines "TYPE: text" with TYPE one of PER, ORG, LOC and MISC, or "none"; other lines are passed '
    "over. A text that stands in the sentence several times is placed in favour of the answer.",
    lines_score,
    METRICS,
)
TAGS = AnswerFormat(
    "tags",
    "Tags between blanks, one for each token, in the scheme of the file (BIO or IOB1; entities are "
    "read in either, token_accuracy compares letters). A wrong number of tags, or what is no tag, "
    "counts as not extracted.",
    tags_score,
    METRICS,
)
