"""SST-2, IMDb, AG News, MNLI and WiC: prompts word for word, rows refused, gold answers."""

import re
from pathlib import Path

import pytest

from llama_jax import samples
from llama_jax.data.rows import Row, checked_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import ag_news, imdb, mnli, sst2, wic
from llama_jax.evals.plan import plan_task
from llama_jax.evals.run import evaluate
from llama_jax.evals.self_check import self_check
from llama_jax.evals.types import Example, Loglikelihood
from llama_jax.tokenizer import load_tokenizer


def asked(request):
    return [choice.given for choice in request.choices]


def after(context, *words):
    return [Loglikelihood(context, f" {word}") for word in words]


def test_sst2_prompts():
    example = sst2.read(Row("validation.jsonl", 5, {"sentence": "so dull . ", "label": 0}))
    assert asked(sst2.prompt(example)) == after(
        "Review: so dull .\nSentiment:", "Negative", "Positive"
    )
    assert asked(sst2.harness_prompt(example)) == after(
        "so dull . \nQuestion: Is this sentence positive or negative?\nAnswer:",
        "negative",
        "positive",
    )


def review(name, text):
    return imdb.read(Row("f", 0, {"id": name, "text": text, "label": name[:3]}))


def test_imdb_prompt_and_shots():
    pool = [review(name, name) for name in ("neg/0", "neg/1", "neg/2", "pos/0", "pos/1")]
    shots = imdb.pick_shots(pool[0], pool, 4)
    assert [shot.id for shot in shots] == ["neg/0", "pos/0", "neg/1", "pos/1"]
    assert len(imdb.pick_shots(pool[0], pool, 8)) == 4  # too few: the plan refuses it
    context = (
        "Review: neg/0\nSentiment: Negative\n\nReview: pos/0\nSentiment: Positive\n\n"
        "Review: Good.<br />\nSentiment:"
    )
    request = imdb.prompt(review("pos/9", "Good.<br />"), shots[:2])
    assert asked(request) == after(context, "Negative", "Positive")


def test_imdb_shots_come_from_the_training_file():
    tokenizer = load_tokenizer(samples.TOKENIZER)
    plan = plan_task(imdb.BENCHMARK, imdb.STANDARD, tokenizer, 4096, data_dir=None, shots=4)
    assert plan.shots_known.files[0].path == "imdb_shots_sample.jsonl"
    labels = re.findall("Sentiment: (.*)", plan.requests[0].choices[0].given.context)
    assert labels == ["Negative", "Positive", "Negative", "Positive"]


def test_ag_news_prompt():
    row = {"class": "4", "title": "A #39;s", "description": " quot;b\\c #39;ll #39;d"}
    example = ag_news.read(Row("test.csv", 0, row))
    context = (
        "Classify the news articles into the categories of World, Sports, Business, and "
        "Technology.\n\nArticle: A's. \"b c'll #39;d\nAnswer:"
    )
    assert asked(ag_news.prompt(example)) == after(
        context, "World", "Sports", "Business", "Technology"
    )


def test_mnli_prompts_and_subtasks():
    row = {"label": "neutral", "premise": "It rains .", "hypothesis": "He is wet "}
    example = mnli.read(Row("mnli_mismatched_1000.txt", 2, row))
    assert (example.id, example.subtask) == ("mismatched:2", "mismatched")
    assert mnli.read(Row("mnli_matched_1000.txt", 2, row)).subtask == "matched"
    assert asked(mnli.prompt(example)) == after(
        "It rains .\nQuestion: He is wet  True, False, or Neither?\nAnswer:",
        *("True", "Neither", "False"),
    )
    assert asked(mnli.harness_prompt(example)) == after(
        "It rains .\nQuestion: He is wet. True, False or Neither?\nAnswer:",
        *("True", "Neither", "False"),
    )


WIC = {
    "word": "run",
    "sentence1": "Runs were made.",
    "sentence2": "A run.",
    "start1": 0,
    "end1": 4,
    "label": "true",
}


def test_wic_prompts():
    example = wic.read(Row("val.jsonl", 0, WIC))
    assert asked(wic.prompt(example)) == after(
        "Runs were made.\nA run.\nquestion: Is the word 'run' used in the same way in the two "
        "sentences above?\nanswer:",
        *("no", "yes"),
    )
    assert asked(wic.harness_prompt(example)) == after(
        "Sentence 1: Runs were made.\nSentence 2: A run.\nQuestion: Is the word 'Runs' used in the "
        "same way in the two sentences above?\nAnswer:",
        *("no", "yes"),
    )
    with pytest.raises(InputError, match=r"val\.jsonl, row 3: start1 0 and end1 40 are no place"):
        wic.read(Row("val.jsonl", 3, {**WIC, "end1": 40}))


@pytest.mark.parametrize(
    ("module", "row", "said"),
    [
        (sst2, {"sentence": "s", "label": "1"}, "label: str '1' is not one of [0, 1]"),
        (imdb, {"id": "1", "text": "t", "label": "unsup"}, "label: str 'unsup' is not one of"),
        (ag_news, {"class": "5", "title": "t", "description": "d"}, "class: str '5' is not one of"),
        (mnli, {"label": "-", "premise": "p", "hypothesis": "h"}, "label: str '-' is not one of"),
        (wic, {**WIC, "label": "yes"}, "label: str 'yes' is not one of"),
        (wic, {**WIC, "start1": "0"}, "start1: expected an integer, got str '0'"),
    ],
)
def test_rows_that_cannot_be_asked(module, row, said):
    with pytest.raises(InputError, match=re.escape(f"file:7: {said}")):
        list(checked_rows(Path("file"), lambda path: iter([(7, row)]), module.SCHEMA))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3,t,d\n", ":1: header ['3', 't', 'd']; expected ['Class Index',"),
        ("Class Index,Title,Description\n3,t\n", ":2: 2 columns; expected 3: Class Index, Title"),
    ],
)
def test_ag_news_files_that_cannot_be_read(tmp_path, text, said):
    path = tmp_path / "test.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(said)):
        list(ag_news.parse(path))


@pytest.mark.parametrize("module", [sst2, imdb, ag_news, mnli, wic], ids=lambda m: m.BENCHMARK.name)
def test_results_have_every_metric_and_samples_the_prediction(
    module, engine_class, tokenizer, model_info
):
    task = module.BENCHMARK
    found = evaluate(engine_class(), tokenizer, [task], model_info=model_info, limit=3)
    result = found.summary["tasks"][task.name]
    assert set(result["metrics"]) == {metric.name for metric in task.protocols[0].metrics}
    assert result["n"] == (6 if task is mnli.BENCHMARK else 3)
    assert all("predicted" in line for line in found.samples[task.name])
    if task is mnli.BENCHMARK:
        assert set(result["subtasks"]) == {"matched", "mismatched"}


@pytest.mark.shared
@pytest.mark.parametrize("module", [sst2, ag_news, mnli, wic], ids=lambda m: m.BENCHMARK.name)
def test_gold_answers_on_the_authors_files(shared, module):
    tokenizer = load_tokenizer(shared / "tokenizer" / "llama2_tokenizer.model")
    for way in module.BENCHMARK.protocols:
        found = self_check(module.BENCHMARK, way, tokenizer, shared / "benchmarks", 100)
        assert (found.gold, found.wrong, found.unreachable) == (1, 0, ())


@pytest.mark.shared
def test_imdb_files(shared):
    """Every row is as it must be, and no id occurs twice."""
    folder = shared / "benchmarks" / "imdb"
    for name in ("train.jsonl", "test.jsonl"):
        rows = list(checked_rows(folder / name, imdb.BENCHMARK.examples.parse, imdb.SCHEMA))
        assert len({row["id"] for row in rows}) == len(rows) == 25000
        assert sum(imdb.gold(Example("", row)) for row in rows) == 12500
