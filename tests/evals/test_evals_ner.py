import pytest

from llama_jax import samples
from llama_jax.data.conll import conll_rows
from llama_jax.data.rows import checked_rows
from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import ner
from llama_jax.evals.entities import Entity, bio
from llama_jax.evals.entity_lines import entity_lines, parse_lines, place
from llama_jax.evals.entity_scores import ENTITIES, METRICS, TAGS, TYPES, lines_score, tags_score
from llama_jax.evals.types import Example, Generated, Output

TOKENS = ["Ada", "met", "Ada", "Byron", "in", "York", "."]
GOLD = [Entity("PER", 0, 1), Entity("PER", 2, 4), Entity("LOC", 5, 6)]
TAGGED = "B-PER O B-PER I-PER O B-LOC O"


def sentence(tags=TAGGED, name="0"):
    return Example(name, {"tokens": TOKENS, "tags": tags.split()})


def said(*texts):
    return Generated(tuple(Output(text, "eos") for text in texts))


def test_prompt_word_for_word():
    request = ner.prompt(sentence())
    assert request.prompt == (
        "List the named entities of the sentence, one on each line, as TYPE: text. TYPE is PER for "
        "a person, ORG for an organization, LOC for a location and MISC for any other name. Write "
        "none if there is no named entity.\n\n"
        "Sentence: Ada met Ada Byron in York .\nEntities:\n"
    )
    assert (request.max_new_tokens, request.stop) == (256, ("\n\n", "Sentence:"))
    assert ner.gold_texts(sentence()) == ["PER: Ada\nPER: Ada Byron\nLOC: York\n"]
    assert ner.gold_texts(sentence("O O O O O O O")) == ["none\n"]


def test_lines_are_found():
    text = "PER: Ada Byron \nSo: it is\nLOC:York\nORG:\n per: Ada\n"
    assert parse_lines(text, TYPES) == [("PER", "Ada Byron"), ("LOC", "York")]
    assert parse_lines("ORG: Acme: Tools", TYPES) == [("ORG", "Acme: Tools")]
    assert parse_lines(" None\n", TYPES) == []
    assert parse_lines("", TYPES) is parse_lines("There are none.", TYPES) is None
    assert entity_lines(TOKENS, GOLD[1:]) == "PER: Ada Byron\nLOC: York"
    assert entity_lines(TOKENS, []) == "none"


@pytest.mark.parametrize(
    ("lines", "expected", "lost"),
    [
        ("LOC: York\nPER: Ada Byron\nPER: Ada", [*GOLD], 0),
        ("PER: AdaByron", [GOLD[1]], 0),  # blanks do not count
        ("PER: Ada\nPER: Ada\nPER: Ada", [GOLD[0], Entity("PER", 2, 3)], 1),
        ("ORG: York", [Entity("ORG", 5, 6)], 0),
        ("LOC: Ada", [Entity("LOC", 0, 1)], 0),  # no gold entity: the first place
        ("LOC: Ada\nPER: Ada", [GOLD[0], Entity("LOC", 2, 3)], 0),  # the right line goes first
        ("LOC: London\nPER: ada", [], 2),
        ("PER: Byron in", [Entity("PER", 3, 5)], 0),
    ],
)
def test_where_lines_stand(lines, expected, lost):
    found = place(TOKENS, GOLD, parse_lines(lines, TYPES))
    assert found == (expected, lost)
    bio(found[0], len(TOKENS))  # nothing overlaps


def values(score):
    names = ("entities_right", "entities_found", "entities_gold")
    names += ("tokens_right", "tokens_found", "tokens_gold", "tags_right", "tags", "extracted")
    return tuple(score.values[name] for name in names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PER: Ada\nPER: Ada Byron\nLOC: York", (3, 3, 3, 4, 4, 4, 7, 7, 1)),
        ("PER: Ada Byron\nORG: York\nLOC: London", (1, 3, 3, 2, 3, 4, 5, 7, 1)),
        ("none", (0, 0, 3, 0, 0, 4, 3, 7, 1)),
        ("I see no names.", (0, 0, 3, 0, 0, 4, 0, 7, 0)),
    ],
)
def test_scores_of_lines(text, expected):
    for tags in (TAGGED, "I-PER O I-PER I-PER O I-LOC O"):  # BIO and IOB1
        assert values(lines_score(sentence(tags), said(text))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TAGGED, (3, 3, 3, 4, 4, 4, 7, 7, 1)),
        ("I-PER O I-PER I-PER O I-LOC O\n", (3, 3, 3, 4, 4, 4, 4, 7, 1)),
        ("B-PER O B-PER O O B-XY O", (1, 3, 3, 2, 3, 4, 5, 7, 1)),
        ("B-PER O B-PER I-PER O B-LOC", (0, 0, 3, 0, 0, 4, 0, 7, 0)),  # one short
        ("B-PER O B-PER I-PER O LOC O", (0, 0, 3, 0, 0, 4, 0, 7, 0)),  # no tag
    ],
)
def test_scores_of_tags(text, expected):
    assert values(tags_score(sentence(), said(text))) == expected


def test_f1_is_the_corpus_s():
    """3 of 3 entities, then 0 found of 1: precision 1, recall 3/4, F1 6/7; not the mean 1/2."""
    examples = [sentence(), sentence("O O O O O B-LOC O", "1")]
    texts = ("PER: Ada\nPER: Ada Byron\nLOC: York", "none")
    scores = [lines_score(e, said(t)) for e, t in zip(examples, texts, strict=True)]
    found = {metric.name: metric.of(examples, scores).value for metric in METRICS}
    assert found == {
        "entity_f1": pytest.approx(6 / 7),
        "entity_precision": 1,
        "entity_recall": 0.75,
        "token_f1": pytest.approx(8 / 9),  # 4 of 4 and 4 of 5
        "token_accuracy": 13 / 14,
        "extracted": 1,
    }
    assert [metric.of([], []) for metric in METRICS[:5]] == [None] * 5


def test_several_outputs_are_added():
    score = lines_score(sentence(), said("PER: Ada", "nothing"))
    assert values(score) == (1, 1, 6, 1, 1, 8, 4, 14, 0.5)
    assert score.extracted == ("PER: Ada", None)
    assert score.gold == "PER: Ada\nPER: Ada Byron\nLOC: York"


def test_the_formats_of_saved_outputs():
    assert [way.name for way in ner.BENCHMARK.answer_formats] == ["entities", "tags"]
    assert (ENTITIES.score, TAGS.score) == (lines_score, tags_score)
    path = samples.TOKENIZER.parent / "ner" / "news_sample.txt"
    rows = list(checked_rows(path, conll_rows, ner.SCHEMA))
    examples = [Example(str(i), row) for i, row in enumerate(rows)]
    scores = [tags_score(e, said(" ".join(e.row["tags"]))) for e in examples]
    assert [metric.of(examples, scores).value for metric in METRICS] == [1] * len(METRICS)


@pytest.mark.parametrize("tag", ["E-PER", "B-XYZ", "PER", "b-PER"])
def test_other_tags_in_a_file_are_refused(tmp_path, tag):
    path = tmp_path / "file.txt"
    path.write_text(f"Yes O\n\nAda B-PER\nByron {tag}\n")
    with pytest.raises(InputError, match=rf":3: tags\[1\]: str '{tag}' has nothing of the form"):
        list(checked_rows(path, conll_rows, ner.SCHEMA))
