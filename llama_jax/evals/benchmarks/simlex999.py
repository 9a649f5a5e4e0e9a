r"""SimLex-999: how similar are two words, where related is not enough.

Paper     Hill et al. 2015, "SimLex-999: Evaluating Semantic Models With (Genuine) Similarity
          Estimation"
Raw file  EN-SIMLEX-999.txt, 999 lines of word, word and mean rating (0 to 10), tabs between; the
          authors' other columns (part of speech, concreteness) are not in it.
Fills     no table of the Llama 2 paper.

`standard` asks for the likelihoods of the ratings 0 to 10 and correlates the expected rating with
people's (`word_pairs.py`). experiments/word_similarity.py does the same with the word embeddings.
"""

from collections.abc import Sequence

from llama_jax.evals import word_pairs
from llama_jax.evals.protocol import Benchmark, Source
from llama_jax.evals.types import Choices, Example

INSTRUCTION = (
    "Rate how similar in meaning two words are, from 0 (not at all) to 10 (the same meaning). "
    "Words that are related but do not mean the same, such as needle and thread, are not similar."
)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for every rating of similarity."""
    return word_pairs.rating_request(INSTRUCTION, example, "Similarity")


BENCHMARK = Benchmark(
    name="simlex999",
    title="SimLex-999",
    citation='Hill et al. 2015, "SimLex-999: Evaluating Semantic Models With (Genuine) Similarity '
    'Estimation"',
    examples=Source(word_pairs.SCHEMA, word_pairs.read, word_pairs.pair_rows),
    protocols=(word_pairs.standard(prompt, "Hill et al. 2015"),),
    chance=0.0,
)
