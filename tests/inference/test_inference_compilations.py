"""How many programs a run over every benchmark compiles: one per shape that the engine names."""

import jax
import pytest

from llama_jax.config import LlamaConfig
from llama_jax.evals.benchmarks import BENCHMARKS
from llama_jax.evals.run import evaluate
from llama_jax.evals.types import ModelInfo
from llama_jax.inference.engine import Engine
from llama_jax.inference.types import GenerateItem
from llama_jax.model import decoder
from llama_jax.tokenizer import load_tokenizer

# References without inputs, a file that is not there, a sample that lives in the package only.
NOT_RUN = {"wmt17_en_de", "cnn_dailymail", "xsum", "truthfulqa", "ner"}


@pytest.mark.parametrize("rows", [1, 4])
def test_generation_compiles_what_it_names(params, config, make_tokenizer, compilations, rows):
    engine = Engine(params, config, make_tokenizer(), batch_rows=rows)
    items = [GenerateItem((1, 3 + n, 5 + n % 3), 60 - n, temperature=n % 2) for n in range(9)]
    engine.generate(items[:1])  # makes the decode layout
    jax.clear_caches()
    engine.compiled_shapes.clear()
    compilations.clear()
    engine.generate(items)
    assert len(compilations) == len(engine.compiled_shapes) > 3
    engine.generate(items[::-1])
    assert len(compilations) == len(engine.compiled_shapes)


@pytest.mark.slow
def test_a_run_over_every_benchmark_compiles_once_per_shape(shared, compilations):
    config = LlamaConfig(32000, 16, 1, 2, 1, 24, 8192, 1e-5)
    tokenizer = load_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model")
    engine = Engine(decoder.init(jax.random.key(0), config), config, tokenizer)
    info = ModelInfo("random", "0" * 64, 1, "float32", config.context)
    engine.generate([GenerateItem((1, 2), 1)])  # makes the decode layout
    jax.clear_caches()
    engine.compiled_shapes.clear()
    compilations.clear()
    names = [benchmark.name for benchmark in BENCHMARKS if benchmark.name not in NOT_RUN]
    assert len(names) >= 30
    options = {"model_info": info, "data_dir": shared / "benchmarks", "limit": 2}
    evaluate(engine, tokenizer, names, **options)
    assert len(compilations) == len(engine.compiled_shapes)
