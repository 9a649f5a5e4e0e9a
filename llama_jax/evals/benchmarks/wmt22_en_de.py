r"""WMT22, English to German: lines of the general test set, translated.

Paper     Kocmi et al. 2022, "Findings of the 2022 Conference on Machine Translation (WMT22)"
Raw files generaltest2022.en-de.src.en, 2037 lines, with the references ref.A.de and ref.B.de of
          two agencies, line by line.
Fills     nothing: Llama 2 has no translation.

`standard` asks for the line that follows the prompt with which lm-evaluation-harness asks for WMT16
(GPT-3's, 0-shot); it has no task for this set. The score is BLEU and chrF of the corpus by
sacrebleu, against both references together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_jax.data.schema import Record, Text
from llama_jax.evals.protocol import Benchmark, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.translated import METRICS, VERBATIM, source_rows
from llama_jax.evals.types import Example, Generate, Generated, Score

SCHEMA = Record({"source": Text(), "references": Record({})})


def parse(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line, row); the references come from the files beside."""
    return source_rows(path, ".src.en", (".ref.A.de", ".ref.B.de"))


def gold_texts(example: Example) -> list[str]:
    """Every reference, after the space that follows the colon."""
    return [f" {text}" for text in example.row["references"].values()]


def prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """Greedy, to the end of the line; 256 new tokens is the harness's default."""
    text = f"English phrase: {example.row['source']}\nGerman phrase:"
    return Generate(text, 256, ("\n",))


def score(example: Example, response: Generated) -> Score:
    """Takes the line without the blanks around it; the score is the corpus's."""
    outputs = tuple(replace(o, text=o.text.strip()) for o in response.outputs)
    return VERBATIM.score(example, Generated(outputs))


STANDARD = Protocol(
    name="standard",
    version=1,
    prompt=prompt,
    score=score,
    metrics=METRICS,
    primary="bleu",
    gold_texts=gold_texts,
    rules=(
        Rule("prompt and stop", "lm-evaluation-harness, tasks/translation, wmt16-en-de"),
        Rule("BLEU and chrF of the corpus", "sacrebleu's defaults, as WMT22's own scores"),
        Rule("references A and B together", "WMT22, automatic-scores.tsv, columns -all"),
    ),
)

BENCHMARK = Benchmark(
    name="wmt22_en_de",
    title="WMT22 en-de",
    citation='Kocmi et al. 2022, "Findings of the 2022 Conference on Machine Translation (WMT22)"',
    examples=Source(SCHEMA, read, parse),
    protocols=(STANDARD,),
    answer_formats=(VERBATIM,),
)
