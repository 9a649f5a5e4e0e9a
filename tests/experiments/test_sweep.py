"""The sweep over settings of a preset, on the samples inside the package."""

import random

import pytest
import sweep
import tyro

from llama_jax import samples
from llama_jax.errors import InputError

SMALL = ["model.vocab_size=512", "model.dim=32", "model.heads=2", "model.kv_heads=2"]
SMALL += ["model.layers=1", "model.ffn_size=64", "length=32", "batch_size=2", "steps=3"]
SMALL += ["optimizer.steps=3", "optimizer.warmup_steps=1"]


def test_a_grid_is_every_combination_and_a_range_needs_a_count():
    assert sweep.choices(("a=1,2", "b=x"), None, 0) == [("a=1", "b=x"), ("a=2", "b=x")]
    drawn = sweep.choices(("a=log:1e-3:1e-1",), 50, 0)
    values = [float(value.partition("=")[2]) for (value,) in drawn]
    assert all(1e-3 <= value <= 1e-1 for value in values)
    assert sum(value < 1e-2 for value in values) > 15
    assert drawn == sweep.choices(("a=log:1e-3:1e-1",), 50, 0)
    with pytest.raises(InputError, match="a range needs --random"):
        sweep.choices(("a=lin:0:1",), None, 0)
    with pytest.raises(InputError, match="lin:LOW:HIGH"):
        sweep.draw("lin:a:1", random.Random(0))


def test_trains_each_once_and_goes_on_where_it_was(tmp_path, capsys):
    arguments = ["--config", "books", "--data", str(samples.CORPUS), "--out", str(tmp_path / "s")]
    arguments += ["--tokenizer", str(samples.TOKENIZER)]
    arguments += [word for setting in SMALL for word in ("--set", setting)]
    arguments += ["--vary", "optimizer.peak_learning_rate=1e-3,1e-2"]
    tyro.cli(sweep.main, args=[*arguments, "--limit", "1"])
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").rglob("train_log.jsonl")}
    assert len(first) == 1
    tyro.cli(sweep.main, args=arguments)
    table = (tmp_path / "s" / "sweep.md").read_text()
    assert capsys.readouterr().out.endswith(table)
    assert table.count("optimizer.peak_learning_rate=") == 2
    assert (tmp_path / "s" / "sweep.svg").read_text().lstrip().startswith("<")
    logs = [path.read_text() for path in (tmp_path / "s").rglob("train_log.jsonl")]
    assert [log.count('"learning_rate"') for log in logs] == [3, 3]
