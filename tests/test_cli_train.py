"""`llama-jax train` in this process: what it prints and leaves, and what it refuses."""

import json
import re
import sys

import pytest

from llama_jax import checkpoint, cli, samples
from llama_jax.training.log import read_log

SHAPE = (
    *("model.dim=32", "model.layers=2", "model.heads=4", "model.kv_heads=2", "model.ffn_size=48"),
    *("model.vocab_size=512", "model.context=256", "length=32", "batch_size=4"),
)
SCHEDULE = ("steps=6", "optimizer.steps=6", "optimizer.warmup_steps=1", "save_every=2")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text(samples.CORPUS.read_text(encoding="utf-8")[:20_000], encoding="utf-8")
    return path


@pytest.fixture
def call(corpus, monkeypatch, capsys):
    def call(out, *arguments, settings=(), data=corpus):
        words = ["llama-jax", "train", "--config", "books", "--data", str(data), "--out", str(out)]
        words += ["--tokenizer", str(samples.TOKENIZER), "--set", *SHAPE, *SCHEDULE]
        words += [word for one in settings for word in ("--set", one)]
        monkeypatch.setattr(sys, "argv", [*words, *arguments])
        monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "false")
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return call


def test_a_run_that_goes_on_evaluates_and_samples(call, tmp_path):
    watch = ("--sample-every", "3", "--sample-prompt", "One day", "--sample-tokens", "4")
    evals = ("--eval-tasks", "hellaswag", "--eval-limit", "2", "--eval-every", "3")
    code, out, _ = call(tmp_path, "--stop-after", "3", "--keep", "1", *watch, *evals)
    assert code == 0 and out.startswith("step 3: loss ")
    code, out, _ = call(tmp_path, "--keep", "1", *watch, *evals)
    assert code == 0 and out.startswith("step 6, gone on from step 3: loss ")
    assert out.endswith(f"{tmp_path / 'index.html'}\n")

    lines = list(read_log(tmp_path / "train_log.jsonl"))
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in lines if "eval/hellaswag" in line] == [3, 6]
    texts = [line["sample"] for line in lines if "sample" in line]
    assert len(texts) == 2 and all(texts)
    assert checkpoint.steps(tmp_path)[-1] == 6
    assert (tmp_path / "evals" / "6" / "results.json").exists()

    page = (tmp_path / "index.html").read_text()
    assert "<svg " in page and "One day" in page and "hellaswag" in page
    assert not re.search(r'(src|href)="https?://', page)
    assert (tmp_path / "loss.svg").read_text().startswith("<svg ")
    boards = list((tmp_path / "tensorboard").iterdir())
    assert len(boards) == 2
    written = b"".join(board.read_bytes() for board in boards)
    assert b"validation_loss" in written and b"learning_rate" in written
    assert b"eval/hellaswag" in written

    code, _, err = call(tmp_path, settings=["optimizer.b2=0.99"])
    assert code == 2
    assert "holds another run: optimizer.b2 is 0.95 there and 0.99 here; " in err
    code, *_ = call(tmp_path, "--override", settings=["optimizer.b2=0.99"])
    assert code == 0
    (told,) = (
        line for line in read_log(tmp_path / "train_log.jsonl") if "changed_settings" in line
    )
    assert told == {"step": 6, "changed_settings": ["optimizer.b2 is 0.95 there and 0.99 here"]}
    settings = json.loads((tmp_path / "train_config.json").read_text())
    assert settings["identity"]["optimizer"]["b2"] == 0.99


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((), ["steps=4"], "schedule of the learning rate is 6 steps long and the run 4; --set opt"),
        ((), ["batch_siz=4"], "--set batch_siz: no such setting; near it: batch_size"),
        ((), ["model.vocab_size=300"], "the tokenizer has 512 pieces but the model's embedding"),
        ((), ["batch_size=0"], "batches of 0 rows"),
        (("--stop-after", "7"), (), "--stop-after 7 is not in 1 .. 6"),
        (("--mesh", "data=2,x=2"), (), "--mesh data=2,x=2: 'x=2' is not AXIS=DEVICES with one of"),
        (("--mesh", "data=2"), (), "needs 2 devices; JAX sees 1"),
        (("--eval-every", "2"), (), "--eval-every without --eval-tasks"),
        (("--eval-tasks", "helaswag"), (), "helaswag"),
        (("--sample-every", "0"), (), "sample_every is 0; it must be at least 1"),
        (("--validation", "1.5"), (), "validation fraction 1.5: must be at least 0 and below 1"),
    ],
)
def test_what_is_refused_leaves_nothing(call, tmp_path, arguments, settings, message):
    code, out, err = call(tmp_path / "out", *arguments, settings=settings)
    assert (code, out) == (2, "")
    assert message in err and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_empty_corpus(call, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.write_text(" \n\n")
    code, _, err = call(tmp_path / "out", data=empty)
    assert code == 2 and "white space" in err
    code, _, err = call(tmp_path / "out", data=tmp_path / "none")
    assert code == 2 and "none" in err
    (tmp_path / "folder").mkdir()
    code, _, err = call(tmp_path / "out", data=tmp_path / "folder")
    assert code == 2 and "no .txt or .jsonl file in this folder" in err
