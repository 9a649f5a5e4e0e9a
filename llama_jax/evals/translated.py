r"""Translations: from files of lines to rows, and from texts to corpus scores.

A row has its "source" (where the files have one) and "references", a mapping of file name to text.
All the references of a row count together; who wants fewer leaves the others out of the rows.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from llama_jax.data.lines import parallel_lines
from llama_jax.errors import InputError
from llama_jax.evals.corpus_scores import corpus_bleu, corpus_chrf
from llama_jax.evals.generated import EXTRACTED, extracted_score
from llama_jax.evals.protocol import AnswerFormat, Metric
from llama_jax.evals.types import Example, Generated, Score, Value


def one_text_each(examples: Sequence[Example], scores: Sequence[Score]) -> list[str]:
    """Returns the text of every example; no text at all (nothing was given) is the empty one.

    Raises:
        InputError: an example has several, of which no corpus score could take one.
    """
    texts = []
    for example, score in zip(examples, scores, strict=True):
        if len(score.extracted) > 1:
            raise InputError(
                f"example {example.id} has {len(score.extracted)} outputs; a score of the whole "
                "corpus takes one for each example"
            )
        texts.append((score.extracted or (None,))[0] or "")
    return texts


def _over_corpus(
    measure: Callable[..., float],
) -> Callable[[Sequence[Example], Sequence[Score]], Value | None]:
    def aggregate(examples: Sequence[Example], scores: Sequence[Score]) -> Value | None:
        if not examples:
            return None
        texts = one_text_each(examples, scores)
        return Value(measure(texts, [example.row["references"] for example in examples]), None)

    return aggregate


BLEU = Metric(
    "bleu",
    "BLEU of all texts together: sacrebleu, case:mixed|eff:no|tok:13a|smooth:exp.",
    "points",
    _over_corpus(corpus_bleu),
)
CHRF = Metric(
    "chrf",
    "chrF2 of all texts together: sacrebleu, case:mixed|eff:yes|nc:6|nw:0|space:no.",
    "points",
    _over_corpus(corpus_chrf),
)
METRICS = (BLEU, CHRF, EXTRACTED)


def verbatim_score(example: Example, response: Generated) -> Score:
    """Keeps the texts as they are; the score is the corpus's."""
    golds = list(example.row["references"].values())
    return extracted_score(golds, response, lambda text: text if text.strip() else None, {})


VERBATIM = AnswerFormat(
    "verbatim",
    "The whole output is the translation, with nothing stripped; sacrebleu scores the corpus.",
    verbatim_score,
    METRICS,
)


def reference_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row) of a file of references that has no source beside it."""
    for number, (line,) in enumerate(zip(*parallel_lines(path, ()).values(), strict=True), 1):
        yield number, {"references": {path.name: line}}


def source_rows(path: Path, suffix: str, beside: Sequence[str]) -> Iterator[tuple[int, dict]]:
    """Yields (line, row) of a file of sources with files of references beside it.

    Args:
        path: the sources.
        suffix: the part of their name that stands for the source (".src.en").
        beside: what stands in its place in the names of the references.
    """
    if suffix not in path.name:
        raise ValueError(f"{path.name}: no {suffix} in the name of a file of sources")
    names = tuple(path.name.replace(suffix, other) for other in beside)
    lines = parallel_lines(path, names)
    for number, source in enumerate(lines[path.name], start=1):
        references = {name: lines[name][number - 1] for name in names}
        yield number, {"source": source, "references": references}
