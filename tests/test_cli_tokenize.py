"""`llama-jax data tokenize`."""

import json

import pytest

from llama_jax.data.token_store import open_token_store
from llama_jax.tokenizer import load_tokenizer


@pytest.fixture
def run(monkeypatch, llama_jax_command, tmp_path, repository):
    monkeypatch.chdir(tmp_path)
    tokenizer = repository / "llama_jax/samples/tokenizer.model"
    (tmp_path / "a.txt").write_text("One.\n\nTwo.\n")
    (tmp_path / "b.jsonl").write_text('{"body": "Three."}\n')

    def call(*args):
        return llama_jax_command("data", "tokenize", *args, "--tokenizer", tokenizer)

    return call


def test_texts_and_jsonl_become_a_store(run, tmp_path, repository):
    words = ["a.txt", "b.jsonl", "--field", "body", "--out", "store", "--workers", "1"]
    status, out, _ = run(*words)
    store = open_token_store(tmp_path / "store")
    tokenizer = load_tokenizer(repository / "llama_jax/samples/tokenizer.model")
    texts = [tokenizer.decode(store[d].tolist()) for d in range(len(store))]
    assert (status, texts) == (0, ["One.", "Two.", "Three."])
    assert out == (
        f"store: 3 documents, {len(store.tokens)} tokens of a vocabulary of 512; "
        f"SHA-256 {store.sha256[:16]}\n"
    )
    status, out, _ = run(*words, "--json")
    assert status == 0 and json.loads(out)["sha256"] == store.sha256


@pytest.mark.parametrize(
    "words, message",
    [
        (["none.txt", "--out", "store"], "none.txt: no such text file"),
        (["b.jsonl", "--out", "store"], "b.jsonl:1: no text under 'text'; the line has: body"),
        (["a.txt", "--out", "b.jsonl/store"], "b.jsonl is a file, not a folder"),
        (["a.txt"], "--out"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(run, tmp_path, words, message):
    status, out, err = run(*words, "--workers", "1")
    assert (status, out) == (2, "")
    assert message in err and err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.jsonl"]
