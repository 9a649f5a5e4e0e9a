r"""NER: the names of persons, organizations, locations and others in sentences of news.

Paper     Tjong Kim Sang and De Meulder 2003, "Introduction to the CoNLL-2003 Shared Task:
          Language-Independent Named Entity Recognition"
Raw file  the shared task's format: a token a line with its tag in the last column, a blank line
          behind a sentence, -DOCSTART- lines; tags in BIO or IOB1 with PER, ORG, LOC and MISC. The
          shared task's texts are Reuters' and cannot be had without their licence: no file but the
          package's own sample is known.
Fills     no table of the Llama 2 paper.

`standard` asks for one entity a line, "TYPE: text". Saved outputs may be such lines ("entities") or
a tag for each token ("tags"). Entities are scored as the script conlleval does.
"""

from collections.abc import Sequence

from llama_jax.data.conll import conll_rows
from llama_jax.data.schema import ListOf, Record, Text
from llama_jax.evals.entities import entities
from llama_jax.evals.entity_lines import entity_lines
from llama_jax.evals.entity_scores import ENTITIES, METRICS, TAGS, TYPES, lines_score
from llama_jax.evals.protocol import Benchmark, Protocol, Rule, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.types import Example, Generate

SCHEMA = Record(
    {
        "tokens": ListOf(Text(), minimum=1),
        "tags": ListOf(Text(pattern=f"^(O|[BI]-({'|'.join(TYPES)}))$"), minimum=1),
    }
)
INSTRUCTION = (
    "List the named entities of the sentence, one on each line, as TYPE: text. TYPE is PER for a "
    "person, ORG for an organization, LOC for a location and MISC for any other name. Write none "
    "if there is no named entity."
)


def gold_texts(example: Example) -> list[str]:
    """The entities in the order of the sentence, or "none"."""
    return [entity_lines(example.row["tokens"], entities(example.row["tags"])) + "\n"]


def prompt(example: Example, shots: Sequence[Example] = ()) -> Generate:
    """Asks for lines; tokens are separated by blanks, as the answer's are to be."""
    sentence = " ".join(example.row["tokens"])
    return Generate(
        f"{INSTRUCTION}\n\nSentence: {sentence}\nEntities:\n", 256, ("\n\n", "Sentence:")
    )


STANDARD = Protocol(
    name="standard",
    version=1,
    prompt=prompt,
    score=lines_score,
    metrics=METRICS,
    primary="entity_f1",
    gold_texts=gold_texts,
    rules=(
        Rule("an entity is right in type, begin and end", "Tjong Kim Sang and De Meulder 2003"),
        Rule("0-shot, one entity a line as `TYPE: text`", "no prompt is in wide use", guess=True),
        Rule("256 new tokens, cut at an empty line", "not stated anywhere", guess=True),
        Rule(
            "a text that stands there several times is placed in favour of the answer",
            "lines say no place",
            guess=True,
        ),
    ),
)

BENCHMARK = Benchmark(
    name="ner",
    title="NER",
    citation='Tjong Kim Sang and De Meulder 2003, "Introduction to the CoNLL-2003 Shared Task: '
    'Language-Independent Named Entity Recognition"',
    examples=Source(SCHEMA, read, conll_rows),
    protocols=(STANDARD,),
    answer_formats=(ENTITIES, TAGS),
)
