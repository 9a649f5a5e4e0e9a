r"""WMT17, English to German: newstest2017, of which the references are at hand and no sources.

Paper     Bojar et al. 2017, "Findings of the 2017 Conference on Machine Translation (WMT17)"
Raw file  newstest2017-ende-ref.de, 3004 lines.
Fills     nothing: Llama 2 has no translation.

There is nothing to translate in the file, so the task has no protocol: it scores translations that
somebody saved, by BLEU and chrF of the corpus.
"""

from llama_jax.data.schema import Record
from llama_jax.evals.protocol import Benchmark, Source
from llama_jax.evals.protocol import row_as_it_is as read
from llama_jax.evals.translated import VERBATIM, reference_rows

BENCHMARK = Benchmark(
    name="wmt17_en_de",
    title="WMT17 en-de",
    citation='Bojar et al. 2017, "Findings of the 2017 Conference on Machine Translation (WMT17)"',
    examples=Source(Record({"references": Record({})}), read, reference_rows),
    protocols=(),
    answer_formats=(VERBATIM,),
)
