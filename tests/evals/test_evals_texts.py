"""Translations and summaries: rows, prompts, corpus scores and ROUGE."""

import math
import re

import pytest

from llama_jax.data.rows import Row
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import (
    benchmark,
    cnn_dailymail,
    protocol,
    wmt17_en_de,
    wmt22_en_de,
    xsum,
)
from llama_jax.evals.corpus_scores import corpus_bleu, corpus_chrf, streams
from llama_jax.evals.rouge import rouge, sentences
from llama_jax.evals.translated import METRICS, source_rows
from llama_jax.evals.types import Generated, Output

SCORED_ONLY = [wmt17_en_de, cnn_dailymail, xsum]


def said(*texts):
    return Generated(tuple(Output(text, "stop") for text in texts))


def test_bleu_by_hand():
    """Seven words, of which 6, 5, 4 and 3 n-grams of 7, 6, 5 and 4 occur in the reference."""
    text = "the cat sat on the red mat"
    references = [{"A": "the cat sat on the red hat"}]
    precisions = (6 / 7, 5 / 6, 4 / 5, 3 / 4)
    expected = 100 * math.exp(sum(map(math.log, precisions)) / 4)
    assert corpus_bleu([text], references) == pytest.approx(expected)
    # The corpus adds counts up: 13 of 14, 11 of 12, 9 of 10, 7 of 8.
    precisions = (13 / 14, 11 / 12, 9 / 10, 7 / 8)
    expected = 100 * math.exp(sum(map(math.log, precisions)) / 4)
    both = [*references, {"A": text}]
    assert corpus_bleu([text, text], both) == pytest.approx(expected)


def test_the_best_reference_counts():
    references = [{"A": "ein anderer Satz mit Wörtern", "B": "das ist der ganze Satz"}]
    text = ["das ist der ganze Satz"]
    assert corpus_bleu(text, references) == pytest.approx(100)
    assert corpus_chrf(text, references) == pytest.approx(100)
    assert corpus_chrf(text, [{"A": references[0]["A"]}]) < 50


def test_references_have_the_same_names():
    assert streams(["a", "b"], [{"x": "1", "y": "2"}, {"y": "4", "x": "3"}]) == [
        ["1", "3"],
        ["2", "4"],
    ]
    with pytest.raises(ValueError, match=r"text 1 has the references \['y'\], text 0 has \['x'\]"):
        streams(["a", "b"], [{"x": "1"}, {"y": "2"}])
    with pytest.raises(ValueError, match="2 texts and 1 sets of references"):
        streams(["a", "b"], [{"x": "1"}])


def test_wmt22_row_prompt_and_scores(tmp_path):
    for name, text in (("src.en", "One."), ("ref.A.de", "Eins."), ("ref.B.de", "Eine.")):
        (tmp_path / f"x.{name}").write_text(f"{text}\n")
    (_, row), *_ = wmt22_en_de.parse(tmp_path / "x.src.en")
    assert row == {"source": "One.", "references": {"x.ref.A.de": "Eins.", "x.ref.B.de": "Eine."}}
    example = wmt22_en_de.read(Row("x.src.en", 4, row))
    request = wmt22_en_de.prompt(example)
    assert request.prompt == "English phrase: One.\nGerman phrase:"
    assert (example.id, request.max_new_tokens, request.stop) == ("4", 256, ("\n",))
    assert wmt22_en_de.score(example, said(" Eins. ")).extracted == ("Eins.",)
    verbatim = wmt22_en_de.BENCHMARK.answer_formats[0].score
    assert verbatim(example, said("\ufeff Eins. ")).extracted == ("\ufeff Eins. ",)
    with pytest.raises(ValueError, match=r"no \.src\.en in the name"):
        next(source_rows(tmp_path / "y", ".src.en", (".ref.A.de",)))


def test_a_corpus_score_takes_one_text_each():
    example = wmt22_en_de.read(Row("f", 0, {"source": "One.", "references": {"A": "Eins."}}))
    verbatim = wmt22_en_de.BENCHMARK.answer_formats[0].score
    bleu, chrf, extracted = METRICS
    scores = [verbatim(example, said("Eins."))]
    assert chrf.of([example], scores).value == pytest.approx(100)
    assert (bleu.unit, chrf.unit, bleu.of([example], scores).stderr) == ("points", "points", None)
    assert extracted.of([example], scores).value == 1
    with pytest.raises(InputError, match="example 0 has 2 outputs; a score of the whole corpus"):
        bleu.of([example], [verbatim(example, said("Eins.", "Zwei."))])
    assert bleu.of([example], [verbatim(example, said(" "))]).value == 0
    assert bleu.of([], []) is None


def test_rouge_by_hand():
    """The same six words, three of five pairs, five words in the same order."""
    found = rouge("the cat sat on a mat", "on the cat sat a mat")
    assert found["rouge1"] == pytest.approx(1)
    assert found["rouge2"] == pytest.approx(3 / 5)
    assert found["rougeL"] == pytest.approx(5 / 6)
    assert rouge("boats", "boat")["rouge1"] == 1  # stemmed
    assert rouge("", "boat") == dict.fromkeys(found, 0.0)


def test_sentences_end_at_a_full_stop_between_spaces():
    assert sentences("a 1.5 b . c . d .") == "a 1.5 b .\nc .\nd ."
    swapped = rouge("the cat sat . a dog ran .", "a dog ran . the cat sat .")
    assert swapped["rougeLsum"] == 1
    assert swapped["rougeL"] == 0.5


def test_summaries_are_scored_as_they_are():
    example = cnn_dailymail.BENCHMARK.examples.read(Row("f", 3, {"reference": "a boat"}))
    found = cnn_dailymail.BENCHMARK.answer_formats[0].score(example, said("a boat", "no"))
    assert found.values["rouge1"] == 0.5
    assert found.extracted == ("a boat", "no")


@pytest.mark.parametrize("module", SCORED_ONLY, ids=lambda module: module.BENCHMARK.name)
def test_tasks_without_inputs_are_only_scored(module, tmp_path):
    task = module.BENCHMARK
    assert benchmark(task.name).protocols == ()
    for name in (None, "paper"):
        with pytest.raises(InputError, match=f"{task.name} cannot be run: its files hold the ref"):
            protocol(task, name)
    path = tmp_path / "references"
    path.write_text("one\ntwo\n")
    rows = [row for _, row in task.examples.parse(path)]
    field = {"references": {"references": "one"}} if module is wmt17_en_de else {"reference": "one"}
    assert rows[0] == field
    path.write_text("one\n\n")
    with pytest.raises(InputError, match=re.escape("references:2: the line is blank")):
        list(task.examples.parse(path))
