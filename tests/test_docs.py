"""Every code block of the documents runs: Python as it stands, commands with small settings."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCKS = [
    pytest.param(kind, code, id=f"{name}-{kind}-{index}")
    for name in ("README.md", "BUILD.md")
    for index, (kind, code) in enumerate(
        re.findall(r"```(\w*)\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    )
]


@pytest.fixture
def newcomer(tmp_path, small_model, monkeypatch):
    """A folder in which `make reproduce` has left a model (here: random weights)."""
    (tmp_path / "runs" / "reproduce").mkdir(parents=True)
    (tmp_path / "runs" / "reproduce" / "training").symlink_to(small_model)
    for name in ("experiments", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind, code", BLOCKS)
def test_block(kind, code, newcomer):
    assert kind in {"sh", "python", "text"}, f"a block of kind {kind!r}: how is it to be run?"
    if kind == "python":
        code = code.replace("limit=50", "limit=2")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    elif kind == "sh":
        for line in code.strip().splitlines():
            check_command(shlex.split(line, comments=True))


def check_command(words: list[str]) -> None:
    """Runs one command of ours; asks make and pip only whether they would know theirs."""
    if words[0] == "make":
        known = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert words[1] in known, words
        settings = [word.partition("=")[0] for word in words[2:]]
        assert all(f"$({name})" in (ROOT / "Makefile").read_text() for name in settings), words
    elif words[:2] == ["pip", "install"]:
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        for name in re.findall(r"\[(\w+)\]", " ".join(words)):
            assert name in extras["optional-dependencies"], words
    else:
        program = {"llama-jax": ["-m", "llama_jax.cli"], "python": []}[words[0]]
        words = small([sys.executable, *program, *words[1:]])
        done = subprocess.run(words, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, (words, done.stderr)


def small(words: list[str]) -> list[str]:
    """The same command on two examples and a few tokens."""
    limits = {"--limit": "2", "--max-new-tokens": "3", "--steps": "2"}
    for index, word in enumerate(words[:-1]):
        if word in limits:
            words[index + 1] = limits[word]
    return words
