"""Every benchmark scores its own gold answers 100 % and wrong ones 0 %, through the whole path."""

import pytest

from llama_jax import samples
from llama_jax.evals.benchmarks import BENCHMARKS, benchmark
from llama_jax.evals.self_check import self_check
from llama_jax.tokenizer import load_tokenizer

# Judged generations (test_evals_judge.py) and BOLD's sentiment have no right answers;
# nor have pairs of words, rated by people: only the order of all ratings is scored;
# "paper-pass100" and the like differ from "paper" by hundreds of samples, each of the same text.
NO_RIGHT_ANSWERS = ("bold", "wordsim353", "simlex999")
PAIRS = [
    (task, way)
    for task in BENCHMARKS
    for way in task.protocols
    if way.judged is None and task.name not in NO_RIGHT_ANSWERS and "pass" not in way.name
]


@pytest.mark.parametrize(("task", "way"), PAIRS, ids=lambda value: value.name)
def test_gold_answers_on_the_samples(task, way):
    found = self_check(task, way, load_tokenizer(samples.TOKENIZER), None, limit=20)
    assert (found.gold, found.wrong, found.unreachable) == (1.0, 0.0, ())
    assert found.n >= 6


# Gold answers of NQ-open that hold a newline, a full stop or a comma in every form: no text that is
# cut at these can equal them, unless punctuation that ends the answer is all that is lost.
UNREACHABLE = {("nq_open", "paper"): 310, ("nq_open", "lm-eval"): 310}


@pytest.mark.shared
@pytest.mark.parametrize("name", ["hellaswag", "piqa", "winogrande", "boolq", "gsm8k", "nq_open"])
@pytest.mark.parametrize("protocol", ["paper", "lm-eval"])
def test_gold_answers_on_the_authors_files(shared, name, protocol):
    task = benchmark(name)
    way = next(way for way in task.protocols if way.name == protocol)
    tokenizer = load_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model")
    limit = None if name == "nq_open" else 100
    found = self_check(task, way, tokenizer, shared / "benchmarks", limit)
    assert len(found.unreachable) == UNREACHABLE.get((name, protocol), 0)
    assert found.gold == pytest.approx(1 - len(found.unreachable) / found.n)
    assert found.wrong == 0
