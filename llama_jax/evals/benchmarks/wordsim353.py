r"""WordSim-353: how related are two words.

Paper     Finkelstein et al. 2002, "Placing Search in Context: The Concept Revisited"
Raw file  EN-WS-353-ALL.txt, 353 lines of word, word and mean rating (0 to 10), tabs between; one
          pair is there twice. The subsets by Agirre et al. 2009 (SIM, REL) are not read.
Fills     no table of the Llama 2 paper.

`standard` asks for the likelihoods of the ratings 0 to 10 and correlates the expected rating with
people's (`word_pairs.py`). experiments/word_similarity.py does the same with the word embeddings.
"""

from collections.abc import Sequence

from llama_jax.evals import word_pairs
from llama_jax.evals.protocol import Benchmark, Source
from llama_jax.evals.types import Choices, Example

INSTRUCTION = (
    "Rate how related two words are, from 0 (totally unrelated) to 10 (very closely related, or "
    "the same)."
)


def prompt(example: Example, shots: Sequence[Example] = ()) -> Choices:
    """Asks for every rating of relatedness."""
    return word_pairs.rating_request(INSTRUCTION, example, "Relatedness")


BENCHMARK = Benchmark(
    name="wordsim353",
    title="WordSim-353",
    citation='Finkelstein et al. 2002, "Placing Search in Context: The Concept Revisited"',
    examples=Source(word_pairs.SCHEMA, word_pairs.read, word_pairs.pair_rows),
    protocols=(word_pairs.standard(prompt, "Finkelstein et al. 2002"),),
    chance=0.0,
)
