"""`llama-jax tokenizer train`, from text to a file that is read."""

import functools
import json
import subprocess
import sys

import pytest

from llama_jax import samples
from llama_jax.tokenizer import load_tokenizer


@pytest.fixture
def run(llama_jax_command):
    """Runs the command in this process; (exit status, stdout, stderr)."""

    return functools.partial(llama_jax_command, "tokenizer")


CORPUS = samples.FOLDER / "corpus.txt"


def test_bpe_in_two_processes(tmp_path):
    command = [sys.executable, "-m", "llama_jax.cli", "tokenizer", "train", str(CORPUS)]
    for name in ("one.model", "two.model"):
        words = [*command, "--out", str(tmp_path / name), "--vocab-size", "600"]
        subprocess.run(words, check=True, capture_output=True)
    assert (tmp_path / "one.model").read_bytes() == (tmp_path / "two.model").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.model", "two.model"]


def test_what_is_printed(run, tmp_path):
    out = tmp_path / "tokenizer.model"
    status, printed, _ = run("train", CORPUS, "--out", out, "--vocab-size", 512)
    made = load_tokenizer(tmp_path)
    assert status == 0
    assert printed.startswith(f"{out}: bpe, 512 pieces, ")
    assert f"sha256 {made.sha256}" in printed
    text = CORPUS.read_text(encoding="utf-8")[:1_000_000]
    assert (
        f"; {len(made.encode(text))} tokens for the corpus's first {len(text.encode())} " in printed
    )


def test_characters_of_jsonl_and_text(run, tmp_path):
    (tmp_path / "a.txt").write_text("ab\n")
    (tmp_path / "b.jsonl").write_text('{"text": "c ü"}\n')
    out = tmp_path / "char.model"
    words = ("train", tmp_path / "a.txt", tmp_path / "b.jsonl", "--out", out, "--kind", "char")
    status, printed, _ = run(*words, "--no-byte-fallback", "--json")
    assert status == 0
    found = json.loads(printed)
    assert found["vocab_size"] == 3 + len("ab\nc ü")
    assert (found["sample_tokens"], found["sample_bytes"]) == (6, 7)
    assert found["sha256"] == load_tokenizer(out).sha256


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--out", "new.model"), "bpe: give --vocab-size"),
        (("--out", "new.model", "--vocab-size", "99999"), "vocab_size 99999: the corpus of"),
        (("--out", "new.model", "--vocab-size", "99"), "vocab_size 99: the special pieces"),
        (("--out", "old.model", "--vocab-size", "300"), "old.model: exists"),
        (("--out", "no/new.model", "--vocab-size", "300"), "no: no such folder"),
        (("absent.txt", "--out", "new.model", "--vocab-size", "300"), "absent.txt: no such file"),
        (("--out", "new.model", "--vocab-size", "300", "--no-byte-fallback"), "--kind char"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(run, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("the cat sat on the mat\n" * 20)
    (tmp_path / "old.model").write_text("old")
    status, printed, error = run("train", "a.txt", *words)
    assert (status, printed) == (2, "")
    assert said in error and error.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "old.model"]
    assert (tmp_path / "old.model").read_text() == "old"


def test_an_unknown_action(run, tmp_path):
    status, _, error = run("teach", CORPUS, "--out", tmp_path / "x.model")
    assert status == 2
    assert "train" in error and error.count("\n") == 1
