import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llama_jax import checkpoint
from llama_jax.config import LlamaConfig
from llama_jax.data.batches import batch_at
from llama_jax.data.packing import pack
from llama_jax.errors import InputError
from llama_jax.training import batch_source, loop, validation
from llama_jax.training.log import NonFiniteError, read_log
from llama_jax.training.optimizer import OptimizerConfig
from llama_jax.training.step import TrainState

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5)
TIMES = ("seconds", "tokens_per_second", "flops_per_second")
OPTIMIZER = OptimizerConfig(peak_learning_rate=1e-2, steps=6, warmup_steps=1)


def some_rows(seed, documents=9):
    rng = np.random.default_rng(seed)
    return pack([rng.integers(3, 64, size=n).astype(np.int32) for n in range(5, 5 + documents)], 16)


ROWS, VALIDATION = some_rows(0), some_rows(1, documents=5)


def train(out_dir, steps=6, **changes):
    settings = {"config": CONFIG, "optimizer_config": OPTIMIZER, "rows": ROWS, "batch_size": 2}
    settings |= {"seed": 4, "validation_rows": VALIDATION, "validate_every": 2}
    settings |= {"tokenizer_bytes": b"a tokenizer", "progress": False}
    return loop.train(**(settings | changes), steps=steps, out_dir=out_dir)


def without_times(path):
    return [{k: v for k, v in line.items() if k not in TIMES} for line in read_log(path)]


@pytest.fixture(scope="module")
def compiled():
    """The functions that the runs of this module compile, by kind."""
    homes = {"compile_train_step": loop, "compile_eval_step": validation}
    kept = {name: [] for name in homes}

    def keeping(name, original):
        def compile_and_keep(*args, **options):
            kept[name].append(original(*args, **options))
            return kept[name][-1]

        return compile_and_keep

    with pytest.MonkeyPatch.context() as patch:
        for name, home in homes.items():
            patch.setattr(home, name, keeping(name, getattr(home, name)))
        yield kept


@pytest.fixture(scope="module")
def straight(tmp_path_factory, compiled):
    out = tmp_path_factory.mktemp("straight")
    return out, train(out, save_every=2)


@pytest.fixture(scope="module")
def resumed(tmp_path_factory, compiled):
    """Without validation, which must not matter either."""
    out = tmp_path_factory.mktemp("resumed")
    train(out, steps=3, validation_rows=None)
    return out, train(out, validation_rows=None)


def test_three_steps_and_three_more_are_bitwise_six(straight, resumed):
    assert (straight[1].resumed_at, resumed[1].resumed_at) == (None, 3)
    assert straight[1].state.step == resumed[1].state.step == 6
    for a, b in zip(*(jax.tree.leaves(run[1].state) for run in (straight, resumed)), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_each_run_compiles_each_step_once(straight, resumed, compiled):
    assert [step._cache_size() for step in compiled["compile_train_step"]] == [1, 1, 1]
    assert [step._cache_size() for step in compiled["compile_eval_step"]] == [1]


def test_the_logs_agree_except_for_times(straight, resumed):
    one, two = (without_times(run[0] / loop.LOG_FILE) for run in (straight, resumed))
    assert two == [line for line in one if "loss" in line]


def test_what_the_log_says(straight):
    lines = list(read_log(straight[0] / loop.LOG_FILE))
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4, 5, 6]
    names = "step loss learning_rate gradient_norm parameter_norm"
    assert list(steps[0])[:5] == names.split()
    assert list(steps[0])[-4:] == ["tokens", "seconds", "tokens_per_second", "flops_per_second"]
    assert "gradient_norm.attention" in steps[0]
    for number, line in enumerate(steps):
        assert line["tokens"] == batch_at(ROWS, 4, number, 2).loss_mask.sum()
        assert line["seconds"] > 0
        assert line["gradient_norm"] > 0
        assert line["parameter_norm"] > 0
    rates = [line["learning_rate"] for line in steps]
    assert rates[:2] == [0, pytest.approx(1e-2)]
    validations = [line for line in lines if "validation_loss" in line]
    assert [line["step"] for line in validations] == [2, 4, 6]
    assert {line["validation_tokens"] for line in validations} == {VALIDATION.loss_mask.sum()}
    assert validations[0]["validation_loss"] == pytest.approx(np.log(64), abs=0.5)


def test_the_validation_loss_is_the_mean_over_all_targets(straight, compiled):
    """Three rows in batches of two: here one after the other, each beside a row of padding."""
    (step,) = compiled["compile_eval_step"]
    assert len(VALIDATION.tokens) == 3
    total = count = 0.0
    for row in range(3):
        batch = VALIDATION._make(np.stack([a[row], np.zeros_like(a[row])]) for a in VALIDATION)
        added = step(straight[1].state.params, batch)
        total, count = total + float(added[0]), count + float(added[1])
    last = list(read_log(straight[0] / loop.LOG_FILE))[-1]
    assert last["validation_loss"] == pytest.approx(total / count, rel=1e-5)


def test_what_the_folder_holds(straight):
    out, run = straight
    assert checkpoint.steps(out) == [2, 4, 6]
    restored = checkpoint.restore_params(out)
    assert restored.config == CONFIG
    np.testing.assert_array_equal(restored.params["output"], run.state.params["output"])
    settings = json.loads((out / "train_config.json").read_text())
    assert settings["identity"]["optimizer"]["peak_learning_rate"] == 1e-2
    assert settings["identity"]["model"]["dim"] == 32
    assert settings["options"]["save_every"] == 2
    assert restored.metadata.extra == settings["identity"]


def test_a_finished_run_is_given_back_as_it_is(straight):
    before = (straight[0] / loop.LOG_FILE).read_text()
    again = train(straight[0], save_every=2)
    assert again.resumed_at == 6
    np.testing.assert_array_equal(again.state.params["output"], straight[1].state.params["output"])
    assert (straight[0] / loop.LOG_FILE).read_text() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"config": LlamaConfig(64, 48, 2, 4, 2, 48, 64, 1e-5)},
            r"holds another run: model.dim is 32 there and 48 here; give the same",
        ),
        ({"seed": 5, "batch_size": 3}, "batch_size is 2 there and 3 here; seed is 4 there and 5"),
        ({"rows": some_rows(2)}, "data.sha256 is '"),
        ({"tokenizer_bytes": None}, "tokenizer_file_sha256 is '.*' there and None here"),
        ({"steps": 5}, "has a checkpoint of step 6, beyond the 5 steps asked for"),
    ],
)
def test_another_run_is_refused_and_nothing_changes(straight, change, message):
    def content():
        return {p: p.read_bytes() for p in straight[0].rglob("*") if p.is_file()}

    before = content()
    with pytest.raises(InputError, match=message):
        train(straight[0], **change)
    assert content() == before


def test_a_checkpoint_without_its_settings_is_refused(tmp_path, straight):
    (tmp_path / "checkpoints" / "6").mkdir(parents=True)
    with pytest.raises(InputError, match="has a checkpoint but no train_config.json"):
        train(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 7}, "7 steps, but the learning rate is defined for 1 to 6"),
        ({"batch_size": 9}, "batches of 9 rows, but there are 6 rows"),
        ({"validate_every": 0}, "validate_every is 0; it must be at least 1"),
        ({"seed": -1}, "seed -1; it must be from 0"),
        ({"rows": pack([np.arange(80)], 80)}, "rows: 80 tokens long, but the context is 64"),
        ({"rows": pack([np.arange(80)], 16)}, "token ids from 0 to 79, but the model has 0 to 63"),
        ({"validation_rows": pack([np.array([1])], 4)}, "validation rows: no target token"),
    ],
)
def test_impossible_runs_are_refused_before_anything_is_written(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        train(tmp_path / "out", **change)
    assert not (tmp_path / "out").exists()


def fake_step(bad_step):
    """A train step that costs nothing, and whose loss is not a number at one step."""

    def step(state, batch):
        number = int(state.step) + 1
        loss = jnp.float32(np.nan if number == bad_step else 1.0)
        one = jnp.float32(1)
        metrics = {"loss": loss, "tokens": one, "gradient_norm": one, "learning_rate": one}
        return TrainState(state.step + 1, state.params, state.opt_state), metrics

    return lambda *_, **__: step


def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_the_good_checkpoint(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(loop, "compile_train_step", fake_step(bad_step=4))
    with pytest.raises(NonFiniteError) as caught:
        train(tmp_path, save_every=2, validation_rows=None)
    assert str(caught.value).startswith(
        "step 4: loss is nan; finite up to step 3; stopped. The newest checkpoint is step 2 in "
    )
    assert checkpoint.steps(tmp_path) == [2]  # step 4 was due, and is not saved
    assert [line["step"] for line in read_log(tmp_path / loop.LOG_FILE)] == [1, 2, 3]


def test_without_a_checkpoint_the_message_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "compile_train_step", fake_step(bad_step=1))
    with pytest.raises(NonFiniteError, match="step 1: .* up to step 0; .* no checkpoint yet"):
        train(tmp_path, validation_rows=None)


def test_a_run_that_broke_off_between_checkpoints_goes_on_from_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "compile_train_step", fake_step(bad_step=None))
    with monkeypatch.context() as broken:
        broken.setattr(batch_source, "batch_at", batch_at_until_step_4)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, save_every=2, validation_rows=None)
    assert [line["step"] for line in read_log(tmp_path / loop.LOG_FILE)] == [1, 2, 3, 4]
    assert checkpoint.steps(tmp_path) == [2, 4]
    shutil.rmtree(tmp_path / "checkpoints" / "4")
    assert train(tmp_path, save_every=2, validation_rows=None).resumed_at == 2
    assert [line["step"] for line in read_log(tmp_path / loop.LOG_FILE)] == [1, 2, 3, 4, 5, 6]


def batch_at_until_step_4(rows, seed, step, batch_size):
    if step == 4:
        raise KeyboardInterrupt
    return batch_at(rows, seed, step, batch_size)
