r"""Pure: BLEU and chrF of a whole test set, by sacrebleu (Post 2018, "A Call for Clarity").

A corpus score is no mean over sentences: it is computed from counts over all of them. Signatures
are sacrebleu's defaults, for one reference

    BLEU  nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp
    chrF  nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no

and texts are taken as they are: no stripping, not even of a byte-order mark.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from llama_jax.errors import InputError


def corpus_bleu(texts: Sequence[str], references: Sequence[Mapping[str, str]]) -> float:
    """Returns BLEU in points, 0 to 100.

    Args:
        texts: the translations.
        references: for each of them its references by name; all have the same names.

    Raises:
        ValueError: lengths or names differ.
    """
    return float(_sacrebleu().BLEU().corpus_score(list(texts), streams(texts, references)).score)


def corpus_chrf(texts: Sequence[str], references: Sequence[Mapping[str, str]]) -> float:
    """Returns chrF2 (six characters, no words) in points; arguments as `corpus_bleu`."""
    return float(_sacrebleu().CHRF().corpus_score(list(texts), streams(texts, references)).score)


def streams(texts: Sequence[str], references: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """Returns the references as sacrebleu takes them: one list a name, one entry a text."""
    if not texts or len(texts) != len(references):
        raise ValueError(f"{len(texts)} texts and {len(references)} sets of references")
    names = list(references[0])
    for place, named in enumerate(references):
        if set(named) != set(names) or not names:
            raise ValueError(
                f"text {place} has the references {sorted(named)}, text 0 has {sorted(names)}"
            )
    return [[named[name] for named in references] for name in names]


def _sacrebleu() -> Any:
    try:
        from sacrebleu import metrics
    except ImportError:
        raise InputError(
            "sacrebleu computes BLEU and chrF and is missing; pip install sacrebleu"
        ) from None
    return metrics
