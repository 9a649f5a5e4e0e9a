import subprocess
import sys

import pytest

from llama_jax.errors import InputError
from llama_jax.tokenizer import load_tokenizer

ACCEPTED = (
    "accepted are SentencePiece models .*tokenizer .bin, tiktoken files .*tokenizer.json, "
    "GGUF files, and a"
)


def test_a_file_or_its_folder(small, small_file, tmp_path):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(small_file)
    assert load_tokenizer(path).sha256 == small.sha256
    assert load_tokenizer(str(tmp_path)).sha256 == small.sha256
    assert load_tokenizer(path).encode("the cat") == small.encode("the cat")


def test_the_name_does_not_matter(small, small_file, tmp_path):
    (tmp_path / "tok.bin").write_bytes(small_file)
    assert load_tokenizer(tmp_path / "tok.bin").sha256 == small.sha256


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "an empty file"),
        (b"[1, 2]", r"an unknown file \(it begins with 5b 31 2c"),
        (b"PK\x03\x04....", "a zip archive"),
        (b"\x80\x02....", "a Python pickle"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a git-lfs pointer"),
        (b"<!DOCTYPE html>", "an HTML or XML page"),
        (b"\x01\x02\x03", r"an unknown file \(it begins with 01 02 03\)"),
    ],
)
def test_other_files_are_named_and_refused(tmp_path, content, named):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(content)
    for given in (path, tmp_path):
        with pytest.raises(InputError, match=rf"tokenizer\.model: {named}.*{ACCEPTED}") as error:
            load_tokenizer(given)
        assert "\n" not in str(error.value)


def test_a_folder_without_a_model_says_what_it_has(tmp_path):
    with pytest.raises(InputError, match=f"it has no tokenizer file; {ACCEPTED}"):
        load_tokenizer(tmp_path)
    (tmp_path / "vocab.json").write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text("{}")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="it has tokenizer_config.json, vocab.json; accepted"):
        load_tokenizer(tmp_path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.model: no such tokenizer file"):
        load_tokenizer(tmp_path / "nowhere.model")
    (tmp_path / "tokenizer.model").mkdir()
    with pytest.raises(InputError, match=r"tokenizer\.model: cannot be read: Is a directory"):
        load_tokenizer(tmp_path)


def test_a_truncated_file(small_file, tmp_path):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(small_file[:3000])
    with pytest.raises(InputError, match=r"model: truncated or corrupt SentencePiece model \(3000"):
        load_tokenizer(path)


def test_a_line_end_is_not_a_tokenizer(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("\n\n\n# Notes\n")
    with pytest.raises(InputError, match="truncated or corrupt SentencePiece model"):
        load_tokenizer(path)


def test_the_import_is_light(repository):
    heavy = "jax numpy tiktoken tokenizers google.protobuf torch transformers tensorflow"
    code = (
        f"import sys, llama_jax.tokenizer; print([m for m in {heavy.split()} if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
