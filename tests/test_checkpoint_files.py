"""Names, steps and the order in which steps are tried, without Orbax."""

import errno
import logging
import os

import pytest
from etils import epath

from llama_jax.checkpoint_files import (
    INTERRUPTED,
    BadStep,
    is_checkpoint,
    locate,
    newest_good,
    remove_interrupted,
    steps,
    steps_to_delete,
)
from llama_jax.errors import InputError


@pytest.fixture
def run(tmp_path):
    for name in ("9", "10", "100", "007", "latest", "11.orbax-checkpoint-tmp"):
        for item in ("params", "metadata"):
            (tmp_path / "checkpoints" / name / item).mkdir(parents=True)
    (tmp_path / "checkpoints" / "12").write_text("a file")
    return tmp_path


def read_unless(bad):
    def read(directory):
        if int(directory.name) in bad:
            raise BadStep(f"params/embedding {directory.name}")
        return directory.name

    return read


def test_steps_are_numbers_in_order(run, tmp_path):
    assert steps(run) == steps(run / "checkpoints") == steps(str(run)) == [9, 10, 100]
    assert steps(tmp_path / "absent") == []
    assert is_checkpoint(run) and is_checkpoint(run / "checkpoints" / "9")
    assert not is_checkpoint(run / "checkpoints" / "11.orbax-checkpoint-tmp")


def test_newest_first_and_a_named_step_alone(run):
    directory = run / "checkpoints"
    for path in (run, directory):
        found, order = locate(path)
        assert str(found) == str(directory) and order == [100, 10, 9]
        assert locate(path, 10)[1] == [10]
    found, order = locate(directory / "9")
    assert str(found) == str(directory) and order == [9]


@pytest.mark.parametrize(
    ("path", "step", "message"),
    [
        ("", 8, "no step 8; there are: 9, 10, 100"),
        ("checkpoints/9", 10, "is step 9, asked for step 10"),
        ("checkpoints/latest", None, "no finished checkpoint there"),
        ("absent", None, "no finished checkpoint there"),
    ],
)
def test_locate_refuses(run, path, step, message):
    with pytest.raises(InputError, match=message):
        locate(run / path, step)


def test_falls_back_with_one_warning_a_step(run, caplog):
    assert newest_good(run, None, read_unless({100, 10})) == "9"
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    first, second = (record.getMessage() for record in caplog.records)
    assert "step 100: params/embedding 100; falling back to step 10" in first
    assert "step 10: params/embedding 10; falling back to step 9" in second


def test_a_named_step_is_never_replaced_by_another(run, caplog):
    for path, step in ((run, 100), (run / "checkpoints" / "100", None)):
        with pytest.raises(InputError, match="no good checkpoint: step 100: params/embedding 100$"):
            newest_good(path, step, read_unless({100}))
    assert not caplog.records


def test_refuses_when_none_is_good(run):
    for step in range(1, 4):
        (run / "checkpoints" / str(step)).mkdir()
    with pytest.raises(InputError, match=r"step 100: .*; step 10: .*; step 9: .*; and 3 more$"):
        newest_good(run, None, read_unless({1, 2, 3, 9, 10, 100}))


@pytest.mark.parametrize(
    ("found", "step", "keep", "deleted"),
    [
        ([10, 20, 30], 30, 1, [10, 20]),
        ([10, 20, 30], 30, 2, [10]),
        ([10, 20, 30], 30, 3, []),
        ([10, 20, 30], 30, 9, []),
        ([10, 20, 90], 20, 1, [10]),
        ([10, 20, 90], 20, 2, []),
    ],
)
def test_retention_counts_up_to_the_step_just_saved(found, step, keep, deleted):
    assert steps_to_delete(found, step, keep) == deleted


def test_a_file_that_still_arrives_does_not_stop_the_next_save(tmp_path, monkeypatch):
    """As when arrays of a save that failed are written by threads that nobody can stop."""
    left = tmp_path / f"2{INTERRUPTED}"
    (left / "params").mkdir(parents=True)
    remove, tried = type(epath.Path(tmp_path)).rmtree, []

    def arriving(path, *rest):
        tried.append(path)
        if len(tried) < 3:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        remove(path, *rest)

    monkeypatch.setattr(type(epath.Path(tmp_path)), "rmtree", arriving)
    remove_interrupted(epath.Path(tmp_path))
    assert len(tried) == 3 and not left.exists()


def test_what_cannot_be_deleted_is_raised_at_once(tmp_path, monkeypatch):
    (tmp_path / f"2{INTERRUPTED}").mkdir()
    tried = []

    def refused(path, *_):
        tried.append(path)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(type(epath.Path(tmp_path)), "rmtree", refused)
    with pytest.raises(PermissionError):
        remove_interrupted(epath.Path(tmp_path))
    assert len(tried) == 1
