"""The sample files: formats, balance, nothing of them in the corpus, no giveaway, reproducible."""

import hashlib
import json
import math
from collections import Counter

import pytest

from llama_jax.samples import CORPUS, FOLDER
from llama_jax.samples.generator import build
from llama_jax.samples.generator.grammar import Draw


def fold(text):
    return " ".join(text.lower().split())


def read(path):
    return [json.loads(line) for line in (FOLDER / path).read_text("ascii").splitlines()]


@pytest.fixture(scope="module")
def corpus():
    return CORPUS.read_text("ascii")


@pytest.fixture(scope="module")
def folded(corpus):
    return fold(corpus)


@pytest.fixture(scope="module")
def hellaswag():
    return read(build.HELLASWAG)


@pytest.fixture(scope="module")
def arc():
    return read(build.ARC)


@pytest.fixture(scope="module")
def asked(hellaswag, arc):
    """Both samples as (name, context, choices, index of the right one)."""
    items = [("hellaswag", row["ctx"], row["endings"], row["label"]) for row in hellaswag]
    for row in arc:
        choices = row["question"]["choices"]
        right = [c["label"] for c in choices].index(row["answerKey"])
        items.append(("arc", row["question"]["stem"], [c["text"] for c in choices], right))
    return items


def test_hellaswag_has_the_fields_of_the_authors_file(hellaswag):
    assert len(hellaswag) == 200
    assert [row["ind"] for row in hellaswag] == list(range(200))
    for row in hellaswag:
        assert list(row) == [
            "ind", "activity_label", "ctx_a", "ctx_b", "ctx", "split", "split_type", "label",
            "endings", "source_id",
        ]  # fmt: skip
        assert row["ctx"] == f"{row['ctx_a']} {row['ctx_b']}".strip()
        assert row["split"] == "val"
        assert row["split_type"] in ("indomain", "zeroshot")
        assert len(set(row["endings"])) == 4
        assert type(row["label"]) is int
        assert row["label"] in range(4)
    assert len({row["source_id"] for row in hellaswag}) == 200
    assert len({row["ctx"] for row in hellaswag}) == 200
    assert 10 < sum(row["ctx_b"] == "" for row in hellaswag) < 60


def test_arc_has_the_fields_of_the_authors_file(arc):
    assert len(arc) == 200
    assert len({row["id"] for row in arc}) == 200
    assert len({row["question"]["stem"] for row in arc}) == 200
    sizes, alphabets = Counter(), Counter()
    for row in arc:
        assert list(row) == ["id", "question", "answerKey"]
        assert list(row["question"]) == ["stem", "choices"]
        labels = "".join(choice["label"] for choice in row["question"]["choices"])
        texts = [choice["text"] for choice in row["question"]["choices"]]
        assert labels in ("ABC", "ABCD", "ABCDE", "123", "1234", "12345")
        assert row["answerKey"] in labels
        assert len(set(texts)) == len(texts)
        sizes[len(labels)] += 1
        alphabets[labels[0]] += 1
    assert sizes == {4: 190, 3: 5, 5: 5}
    assert alphabets == {"A": 190, "1": 10}


def test_the_right_place_is_even(asked):
    for name in ("hellaswag", "arc"):
        places = Counter(right for n, _, choices, right in asked if n == name and len(choices) == 4)
        assert set(places) == {0, 1, 2, 3}
        assert max(places.values()) - min(places.values()) <= 1


def test_every_ending_is_wrong_three_times_as_often_as_right(hellaswag):
    right, wrong = Counter(), Counter()
    for row in hellaswag:
        subject = "" if row["ctx_b"] else row["endings"][0].split(" ")[0]
        for place, ending in enumerate(row["endings"]):
            bare = ending.removeprefix(subject).strip()
            family = row["source_id"].split("~")[1].split("-")[0]
            # A whole ending of an effect begins with its thing ("The butter melted ...").
            if family in ("task", "need", "helper"):
                (right if place == row["label"] else wrong)[bare] += 1
    assert wrong == {ending: 3 * count for ending, count in right.items()}
    assert sum(right.values()) == 140


def test_nothing_of_the_samples_stands_in_the_corpus(asked, folded):
    for name, context, choices, _ in asked:
        assert fold(context) not in folded, context
        joint = " answer: " if name == "arc" else " "
        for choice in choices:
            assert fold(context + joint + choice) not in folded


def test_no_rule_without_the_context_finds_the_right_choice(asked, folded):
    words = Counter(folded.replace(".", "").split())
    total = sum(words.values())

    def unigram(choice):
        parts = fold(choice).replace(".", "").split()
        return sum(math.log((words[part] + 1) / total) for part in parts)

    rules = {
        "longest": len,
        "shortest": lambda choice: -len(choice),
        "most words": lambda choice: len(choice.split()),
        "unigram sum": unigram,
        "rarest": lambda choice: -unigram(choice),
        "unigram mean": lambda choice: unigram(choice) / len(choice.split()),
        "first in the alphabet": lambda choice: [-ord(letter) for letter in choice],
    }
    for name in ("hellaswag", "arc"):
        rows = [(choices, right) for n, _, choices, right in asked if n == name]
        chance = sum(1 / len(choices) for choices, _ in rows) / len(rows)
        limit = 3 * math.sqrt(chance * (1 - chance) / len(rows))
        for rule, score in rules.items():
            hits = sum(
                max(range(len(choices)), key=lambda i, c=choices, s=score: s(c[i])) == right
                for choices, right in rows
            )
            assert abs(hits / len(rows) - chance) < limit, (name, rule, hits)


def test_the_corpus_is_documents_of_plain_text(corpus):
    assert 800_000 < len(corpus) < 1_200_000
    assert corpus.endswith("\n")
    assert "\n\n\n" not in corpus
    documents = corpus.strip().split("\n\n")
    assert len(documents) == len(set(documents)) > 5000
    assert "  " not in corpus
    assert "{" not in corpus
    questions = [text for text in documents if text.startswith("Question: ")]
    assert 0.3 < len(questions) / len(documents) < 0.7
    for text in documents:
        if text in questions:
            assert [line.split(" ")[0] for line in text.splitlines()] in (
                ["Question:", "Answer:"] * n for n in (1, 2, 3)
            )
        else:
            assert text[0].isupper()
            assert text[-1] in '.?!"'
            assert "\n" not in text


def test_the_generator_writes_the_same_bytes_again(tmp_path):
    paths = build.write(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in paths} == {
        build.CORPUS, build.HELLASWAG, build.ARC, build.TOKENIZER, build.MANIFEST,
    }  # fmt: skip
    for path in paths:
        assert path.read_bytes() == (FOLDER / path.relative_to(tmp_path)).read_bytes(), path


def test_another_seed_writes_another_world():
    one, two, again = (build.documents(Draw(seed), 10_000) for seed in (1, 2, 1))
    assert one == again
    assert one != two


def test_the_manifest_describes_the_files():
    files = json.loads((FOLDER / build.MANIFEST).read_text("ascii"))["files"]
    assert len(files) == 4
    for path, facts in files.items():
        data = (FOLDER / path).read_bytes()
        assert facts["bytes"] == len(data)
        assert facts["sha256"] == hashlib.sha256(data).hexdigest()
    assert files[build.HELLASWAG]["rows"] == files[build.ARC]["rows"] == 200
