import json

import pytest

from llama_jax.errors import InputError
from llama_jax.evals.journal import Journal, identity, item_key, read_journal
from llama_jax.evals.types import Likelihood, Output
from llama_jax.inference.types import GenerateItem, ScoreItem

OWNER = {"schema": 1, "params_sha256": "a", "tokenizer_sha256": "b", "dtype": "float32"}
ANSWERS = {"k1": Likelihood(-1.25, 3, True), "k2": Output("a\nb\u2028é", "stop")}


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "journal" / "task.jsonl"
    with Journal(path, OWNER, 0) as journal:
        for key, answer in ANSWERS.items():
            journal.append(key, answer)
    return path


def test_what_was_written_is_read(written):
    assert read_journal(written, OWNER) == (ANSWERS, written.stat().st_size)
    assert json.loads(written.read_text().splitlines()[0]) == OWNER


def test_no_journal_is_no_answers(tmp_path):
    assert read_journal(tmp_path / "absent.jsonl", OWNER) == ({}, 0)


def test_every_answer_is_on_disk_before_the_next_is_asked(tmp_path):
    path = tmp_path / "task.jsonl"
    with Journal(path, OWNER, 0) as journal:
        journal.append("k1", ANSWERS["k1"])
        assert read_journal(path, OWNER)[0] == {"k1": ANSWERS["k1"]}


def test_a_torn_last_line_is_cut_off_wherever_it_broke(written):
    data = written.read_bytes()
    lines = data.splitlines(keepends=True)
    for size in range(len(data)):
        written.write_bytes(data[:size])
        answers, whole = read_journal(written, OWNER)
        complete = data[:size].count(b"\n")
        assert answers == dict(list(ANSWERS.items())[: max(0, complete - 1)])
        with Journal(written, OWNER, whole) as journal:
            for key in list(ANSWERS)[len(answers) :]:
                journal.append(key, ANSWERS[key])
        assert written.read_bytes().splitlines(keepends=True) == lines


def test_a_damaged_line_inside_is_named(written):
    lines = written.read_text().splitlines(keepends=True)
    written.write_text(lines[0] + lines[1][:20] + "\n" + lines[2])
    with pytest.raises(InputError, match=r"task.jsonl:2: damaged line .* delete the file"):
        read_journal(written, OWNER)


@pytest.mark.parametrize("name", ["params_sha256", "tokenizer_sha256", "dtype"])
def test_another_models_journal_is_refused(written, name):
    with pytest.raises(InputError) as error:
        read_journal(written, OWNER | {name: "other"})
    assert f"another model: {name} {OWNER[name]}, this run's is other" in str(error.value)
    assert "give another --out" in str(error.value)


def test_an_item_key_depends_on_everything_asked():
    items = [
        ScoreItem((1, 2, 3), 1),
        ScoreItem((1, 2, 3), 2),
        ScoreItem((1, 2, 4), 1),
        GenerateItem((1, 2, 3), 4),
        GenerateItem((1, 2, 3), 5),
        GenerateItem((1, 2, 3), 5, stop=("\n",)),
        GenerateItem((1, 2, 3), 5, temperature=0.5),
        GenerateItem((1, 2, 3), 5, temperature=0.5, seed=1),
    ]
    assert len({item_key(item) for item in items}) == len(items)
    assert item_key(items[0]) == item_key(ScoreItem((1, 2, 3), 1))


def test_identity_is_what_answers_depend_on(model_info, tokenizer):
    assert identity(model_info, tokenizer) == {
        "schema": 1,
        "params_sha256": "a" * 64,
        "tokenizer_sha256": "b" * 64,
        "dtype": "float32",
    }


def test_a_journal_that_is_no_text_is_damaged(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"a": 1}\n\xff\n')
    with pytest.raises(InputError, match=r"journal.jsonl:2: damaged line"):
        read_journal(path, {"a": 1})
