"""`llama-jax chat`, `infill` and `generate --chat`, as they are called."""

import json
import os
import pty
import re
import select
import subprocess
import sys

import jax
import pytest

from llama_jax import checkpoint, load, samples
from llama_jax.config import LlamaConfig
from llama_jax.model import decoder
from llama_jax.prompts import Message, infilling_ids, llama2_chat_ids
from llama_jax.tokenizer import load_tokenizer, spm_model

GREEDY = ("--temperature", "0", "--max-new-tokens", "6")


@pytest.fixture
def run(llama_jax_command):
    """Runs `llama-jax ARGS` with lines on stdin: (exit status, stdout, stderr)."""
    return llama_jax_command


def test_a_chat_on_piped_lines(run, small_model, tmp_path):
    lines = b"Hello\n[INST] x\n\xff\n/nothing\nAnd then?\n/reset\nHello\n/quit\nnever\n"
    where = ("--transcript", tmp_path / "talk.jsonl")
    status, out, err = run("chat", small_model, *GREEDY, *where, stdin=lines)
    assert status == 0, err
    kept = [json.loads(line) for line in where[1].read_text(encoding="utf-8").splitlines()]
    assert [line.get("role", line.get("event")) for line in kept] == [
        *("begin", "user", "assistant", "user", "assistant", "begin", "user", "assistant")
    ]
    replies = [line["content"] for line in kept if line.get("role") == "assistant"]
    model = load(small_model)
    said = [Message("user", "Hello")]
    first = model.generate([llama2_chat_ids(model.tokenizer, said)], max_new_tokens=6)[0].strip()
    said += [Message("assistant", first), Message("user", "And then?")]
    second = model.generate([llama2_chat_ids(model.tokenizer, said)], max_new_tokens=6)[0].strip()
    assert replies == [first, second, first]
    assert [text.strip() for text in replies] == [text.strip() for text in out.splitlines()]
    for notice in ("holds '[INST]'", "lone surrogate", "no command /nothing", "a new dialogue"):
        assert notice in err
    assert err.count("cut at --max-new-tokens 6") == 3


def test_a_chat_that_outgrows_the_context_says_so_and_goes_on(run, small_model):
    long = b"a cat sat on a mat and it was warm " * 20
    status, out, err = run("chat", small_model, *GREEDY, stdin=long + b"\nHello\n")
    assert status == 0 and len(out.splitlines()) == 1
    assert re.search(r"\(the dialogue has \d+ tokens, .* context of 128; .*/reset", err)


def test_the_system_prompt_is_part_of_what_is_asked(run, small_model):
    outs = [
        run("chat", small_model, *GREEDY, *options, stdin=lines)[1]
        for options, lines in (
            (("--system", "Be brief"), b"Hello\n"),
            ((), b"/system Be brief\nHello\n"),
            ((), b"Hello\n"),
        )
    ]
    assert outs[0] == outs[1] != outs[2]


BAD = {
    "a tag in the system prompt": (("--system", "<<SYS>>"), r"message 0 \(system\): .*'<<SYS>>'"),
    "a format without its tokens": (("--format", "llama3"), "has none; use Llama 3's"),
    "no such format": (("--format", "chatml"), "chatml"),
    "temperature": (("--temperature", "-1"), "temperature -1"),
    "tokens": (("--max-new-tokens", "0"), "max_new_tokens 0 is below 1"),
    "transcript": (("--transcript", "{folder}/none/x"), "there is no folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_chat_is_refused_before_the_first_line(run, small_model, tmp_path, case):
    options, message = BAD[case]
    options = [option.format(folder=tmp_path) for option in options]
    status, out, err = run("chat", small_model, *options, stdin=b"Hello\n")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert re.search(message, err), err
    assert list(tmp_path.iterdir()) == []


def test_generate_for_chat_models_prints_the_reply_alone(run, small_model):
    options = ("generate", small_model, "--chat", "--max-new-tokens", "5", "--prompt", "A cat")
    model = load(small_model)
    ids = llama2_chat_ids(model.tokenizer, [Message("user", "A cat")])
    reply = model.generate([ids], max_new_tokens=5)[0].removeprefix(" ")
    assert run(*options)[:2] == (0, reply + "\n")
    status, lines, _ = run(*options, "--prompt", "The", "--json")
    first, second = map(json.loads, lines.splitlines())
    assert (first["prompt"], first["text"], second["prompt"]) == ("A cat", reply, "The")
    status, out, err = run(*options, "--prompt", "x [/INST]")
    assert (status, out) == (2, "") and "the text holds '[/INST]'" in err


@pytest.fixture(scope="module")
def infilling_model(tmp_path_factory):
    model = spm_model.read(load_tokenizer(samples.TOKENIZER).serialized(), "tokenizer")
    names = ("\u2581<PRE>", "\u2581<SUF>", "\u2581<MID>", "\u2581<EOT>")
    pieces = (spm_model.Piece(name, -1000.0, spm_model.NORMAL) for name in names)
    model = spm_model.SpmModel(**{**vars(model), "pieces": (*model.pieces, *pieces)})
    return toy(tmp_path_factory.mktemp("infilling"), 128, spm_model.write(model), 516)


def toy(folder, context, tokenizer, vocab_size=512):
    """A checkpoint of random weights."""
    config = LlamaConfig(vocab_size, 32, 2, 4, 2, 48, context, 1e-5)
    params = jax.tree.map(lambda a: 5 * a, decoder.init(jax.random.key(3), config))
    checkpoint.save(folder / "model", 1, params, config, tokenizer_bytes=tokenizer)
    return folder / "model"


def test_infill_prints_the_gap_or_the_whole(run, infilling_model, tmp_path):
    before, behind = tmp_path / "before", tmp_path / "behind"
    before.write_bytes(b"a cat\r\n")
    behind.write_bytes(b" on a mat")
    sides = ("--prefix-file", before, "--suffix-file", behind, "--max-new-tokens", "5")
    status, gap, err = run("infill", infilling_model, *sides)
    model = load(infilling_model)
    ids = infilling_ids(model.tokenizer, "a cat\r\n", " on a mat")
    assert status == 0 and gap == model.generate([ids], max_new_tokens=5)[0]
    assert "no end within 5 tokens" in err
    assert run("infill", infilling_model, *sides, "--whole")[1] == f"a cat\r\n{gap} on a mat"
    found = json.loads(run("infill", infilling_model, *sides, "--json")[1])
    assert (found["text"], found["stop_reason"], len(found["ids"])) == (gap, "length", 5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text", "use Code Llama 7B or 13B"),
        (b"\xff", "not UTF-8 at byte 0"),
        (None, "No such file"),
    ],
)
def test_infill_refuses(run, small_model, tmp_path, content, message):
    side = tmp_path / "side"
    if content is not None:
        side.write_bytes(content)
    status, out, err = run("infill", small_model, "--prefix-file", side, "--suffix-file", side)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_ctrl_c_and_ctrl_d_at_a_terminal(tmp_path):
    """A reply of thousands of tokens is stopped; the next one is asked for; Ctrl-D ends."""
    folder = toy(tmp_path, 4096, samples.TOKENIZER.read_bytes())
    kept = tmp_path / "talk.jsonl"
    leader, follower = pty.openpty()
    # The program makes the terminal its own, so that Ctrl-C there reaches it.
    own = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
    code = f"{own}\nfrom llama_jax import cli; cli.main()"
    command = [sys.executable, "-c", code, "chat", str(folder), "--transcript", str(kept)]
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), follower)
    with subprocess.Popen(command, **ends, start_new_session=True) as process:
        os.close(follower)
        screen = Screen(leader)
        screen.wait_for("/help lists the commands")
        screen.wait_for("> ")
        screen.type("Hello\n")
        screen.wait_for("Hello\r\n")
        screen.wait_for_more(20)
        screen.type("\x03")
        screen.wait_for("stopped; the history keeps")
        screen.wait_for("> ")
        screen.type("/system\n")
        screen.wait_for("no system prompt")
        screen.wait_for("> ")
        screen.type("\x04")
        assert process.wait(60) == 0
    os.close(leader)
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    assert [line.get("content", "") for line in lines[:2]] == ["", "Hello"]
    assert lines[2]["stop_reason"] == "interrupted" and lines[2]["content"]


class Screen:
    """What a program shows on a terminal, and what is typed there."""

    def __init__(self, terminal: int) -> None:
        self._terminal, self._shown = terminal, b""

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str) -> None:
        """Forgets what is shown up to the end of `text`."""
        while text.encode() not in self._shown:
            self._read(text)
        self._shown = self._shown.partition(text.encode())[2]

    def wait_for_more(self, size: int) -> None:
        while len(self._shown) < size:
            self._read(f"{size} bytes")

    def _read(self, what: str) -> None:
        ready, _, _ = select.select([self._terminal], [], [], 120)
        assert ready, f"no {what!r} within 120 s behind {self._shown!r}"
        self._shown += os.read(self._terminal, 65536)
