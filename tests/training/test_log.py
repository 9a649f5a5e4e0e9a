import io
import json

import jax.numpy as jnp
import pytest

from llama_jax.training.log import NonFiniteError, TrainLog, forget_after, read_log


def metrics(loss, tokens=3.0):
    return {"loss": jnp.float32(loss), "tokens": jnp.float32(tokens)}


def test_a_step_is_written_when_the_next_one_is_pushed(tmp_path):
    path = tmp_path / "log.jsonl"
    with TrainLog(path, 0, 3, progress=False) as log:
        log.push(1, metrics(2.5))
        assert list(read_log(path)) == []
        log.push(2, metrics(1.5))
        assert [line["step"] for line in read_log(path)] == [1]
        log.flush()
        log.flush()
        log.validation(2, 1.25, 7)
    lines = list(read_log(path))
    assert lines[0].pop("seconds") >= 0
    assert lines[0] == {"step": 1, "loss": 2.5, "tokens": 3}
    assert lines[1]["step"] == 2
    assert lines[2] == {"step": 2, "validation_loss": 1.25, "validation_tokens": 7}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_raises_and_is_not_written(tmp_path, bad):
    path = tmp_path / "log.jsonl"
    with TrainLog(path, 5, 9, progress=False) as log:
        log.push(6, metrics(1.0))
        log.push(7, metrics(bad))
        with pytest.raises(NonFiniteError, match=f"step 7: loss is {bad}; finite up to step 6"):
            log.flush()
    assert [line["step"] for line in read_log(path)] == [6]


def test_the_seconds_of_a_pause_belong_to_no_step(tmp_path, monkeypatch):
    clock = iter([0.0, 10.0, 25.0, 100.0, 103.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    path = tmp_path / "log.jsonl"
    with TrainLog(path, 0, 3, progress=False) as log:
        log.push(1, metrics(1.0))
        log.push(2, metrics(1.0))
        log.flush()
        log.restart_clock()
        log.push(3, metrics(1.0))
        log.flush()
    assert [line["seconds"] for line in read_log(path)] == [10.0, 15.0, 3.0]


def test_lines_after_a_checkpoint_are_forgotten(tmp_path):
    path = tmp_path / "log.jsonl"
    lines = [{"step": 1}, {"step": 2}, {"step": 2, "validation_loss": 1.0}, {"step": 3}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 4, "lo')
    forget_after(path, 2)
    assert list(read_log(path)) == lines[:3]
    assert path.read_text().endswith("\n")
    forget_after(tmp_path / "none.jsonl", 2)
    assert not (tmp_path / "none.jsonl").exists()


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (None, False), (False, False)])
def test_the_bar_goes_to_stderr_and_only_where_wanted(tmp_path, monkeypatch, progress, shown):
    stderr = io.StringIO()  # not a terminal
    monkeypatch.setattr("sys.stderr", stderr)
    with TrainLog(tmp_path / "log.jsonl", 0, 2, progress=progress) as log:
        log.push(1, metrics(1.5))
        log.flush()
        log.push(2, metrics(1.0))
        log.flush()
    assert ("loss=1.0" in stderr.getvalue()) == shown
    assert ("tokens/s=" in stderr.getvalue()) == shown
    assert ("2/2" in stderr.getvalue()) == shown
