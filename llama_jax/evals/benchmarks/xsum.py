r"""XSum: news articles, summarised in one sentence.

Paper     Narayan et al. 2018, "Don't Give Me the Details, Just the Summary!"
Raw file  test.xsum.reference: the first 2000 lines of the 11334 reference summaries of the test
          split, lower-cased and tokenised, as SimCLS (arXiv 2106.01890) published them.
Fills     nothing: Llama 2 has no summaries.

The articles are not in the file, so the task has no protocol: it scores summaries that somebody
saved, by ROUGE-1, -2, -L and -Lsum.
"""

from llama_jax.evals.protocol import Benchmark, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.summarised import SCHEMA, VERBATIM, reference_rows

BENCHMARK = Benchmark(
    name="xsum",
    title="XSum",
    citation='Narayan et al. 2018, "Don\'t Give Me the Details, Just the Summary!"',
    examples=Source(SCHEMA, read, reference_rows),
    protocols=(),
    answer_formats=(VERBATIM,),
)
