import json
import math

import pytest

from llama_jax import samples
from llama_jax.data.rows import Row, checked_rows
from llama_jax.errors import InputError
from llama_jax.evals import word_pairs
from llama_jax.evals.benchmarks import benchmark, simlex999, wordsim353
from llama_jax.evals.plan import plan_task
from llama_jax.evals.results import task_result
from llama_jax.evals.self_check import self_check
from llama_jax.evals.types import ChosenFrom, Example, Likelihood, Loglikelihood
from llama_jax.report.results import parse_task
from llama_jax.report.runs import RunFiles
from llama_jax.report.tables import benchmark_table
from llama_jax.tokenizer import load_tokenizer


def pair(score, name="0"):
    return Example(name, {"word1": "ladder", "word2": "stair", "score": score})


def rated(rating):
    """The response of a model that is sure of one rating."""
    given = tuple(Likelihood(-0.001 if k == rating else -99.0, 2, False) for k in range(11))
    return ChosenFrom(tuple(f"{k}\n" for k in range(11)), given)


def test_prompts_word_for_word():
    request = wordsim353.prompt(pair(5.0))
    context = (
        "Rate how related two words are, from 0 (totally unrelated) to 10 (very closely related, "
        "or the same).\nWord 1: ladder\nWord 2: stair\nRelatedness:"
    )
    expected = [Loglikelihood(context, f" {k}\n") for k in range(11)]
    assert [choice.given for choice in request.choices] == expected
    context = simlex999.prompt(pair(5.0)).choices[0].given.context
    assert context == (
        "Rate how similar in meaning two words are, from 0 (not at all) to 10 (the same meaning). "
        "Words that are related but do not mean the same, such as needle and thread, are not "
        "similar.\nWord 1: ladder\nWord 2: stair\nSimilarity:"
    )


def test_the_expected_rating():
    thirds = [math.log(2), *[-99.0] * 9, 0.0]  # 0 twice as likely as 10
    assert word_pairs.expected_rating(thirds) == pytest.approx(10 / 3)
    assert word_pairs.expected_rating([-7.0] * 11) == pytest.approx(5)
    with pytest.raises(ValueError, match="shorter|longer"):
        word_pairs.expected_rating([0.0, 0.0])


def correlation(golds, ratings):
    examples = [pair(gold, str(i)) for i, gold in enumerate(golds)]
    scores = [word_pairs.score(e, rated(r)) for e, r in zip(examples, ratings, strict=True)]
    return word_pairs.SPEARMAN.of(examples, scores)


def test_the_correlation_is_the_whole_task_s():
    score = word_pairs.score(pair(7.35), rated(8))
    assert (score.gold, score.predicted) == (7.35, score.values["rating"])
    assert score.predicted == pytest.approx(8)
    assert correlation([1.5, 9.9, 6], [2, 9, 8]).value == 1
    assert correlation([1.5, 9.9, 6], [2, 8, 9]).value == 0.5
    assert correlation([1, 2], [3, 3]) is correlation([2], [3]) is None


def result(ratings):
    """The entry in results.json of the sample when its first pairs are rated so."""
    task = benchmark("wordsim353")
    tokenizer = load_tokenizer(samples.TOKENIZER)
    plan = plan_task(task, task.protocols[0], tokenizer, 1 << 20, data_dir=None, limit=len(ratings))
    pairs = zip(plan.examples, ratings, strict=True)
    scores = [word_pairs.score(example, rated(rating)) for example, rating in pairs]
    return json.loads(json.dumps(task_result(plan, scores, "0"), allow_nan=False))


def test_the_report_shows_a_correlation_as_it_is():
    task = parse_task("wordsim353", result([6, 10, 7, 1, 5, 8, 0, 7]), "here")
    assert task.metrics["spearman"].scale == 1
    runs = [RunFiles("run", {}, {"wordsim353": task}, {}, {})]
    (row,) = benchmark_table(runs).rows
    assert row[2:4] == (f"{task.metrics['spearman'].value:.2f} correlation", "0.0")
    assert 0.8 < task.metrics["spearman"].value < 1


def test_one_pair_has_no_correlation_and_a_result():
    found = result([6])
    assert (found["primary"], list(found["metrics"])) == ("mean_rating", ["mean_rating"])
    assert parse_task("wordsim353", found, "here").shown[0].value == pytest.approx(6)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a b\t3", ":2: 2 tab-separated fields; expected 3: word1, word2, score"),
        ("a\tb\thigh", ":2: the score 'high' is no number from 0 to 10"),
        ("a\tb\t10.5", ":2: the score '10.5' is no number from 0 to 10"),
        ("a\tb\tnan", ":2: the score 'nan' is no number from 0 to 10"),
        ("a\t \t3", ":2: word2: the text is empty"),
    ],
)
def test_bad_lines_are_refused(tmp_path, line, said):
    path = tmp_path / "pairs.txt"
    path.write_text(f"sun\tmoon\t4.5\n{line}\n")
    with pytest.raises(InputError) as error:
        list(checked_rows(path, word_pairs.pair_rows, word_pairs.SCHEMA))
    assert str(error.value) == f"{path}{said}"


def test_the_self_check_says_that_there_are_no_right_answers():
    task = benchmark("simlex999")
    with pytest.raises(InputError, match="simlex999: its examples have no right answers"):
        self_check(task, task.protocols[0], load_tokenizer(samples.TOKENIZER), None)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "file", "rows", "first"),
    [
        ("wordsim353", "EN-WS-353-ALL.txt", 353, ("love", "sex", 6.77)),
        ("simlex999", "EN-SIMLEX-999.txt", 999, ("old", "new", 1.58)),
    ],
)
def test_every_row_of_the_authors_files(shared, name, file, rows, first):
    path = shared / "benchmarks" / name / file
    source = benchmark(name).examples
    found = [
        source.read(Row(file, i, row))
        for i, row in enumerate(checked_rows(path, source.parse, source.schema))
    ]
    assert len(found) == rows
    assert tuple(found[0].row.values()) == first
    golds = [example.row["score"] for example in found]
    nearest = [round(gold) for gold in golds]  # a model that rates as people do, in whole numbers
    scores = [word_pairs.score(e, rated(r)) for e, r in zip(found, nearest, strict=True)]
    assert word_pairs.SPEARMAN.of(found, scores).value > 0.98
