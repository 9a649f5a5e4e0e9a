import dataclasses

import pytest

from llama_jax.errors import InputError
from llama_jax.training.presets import train_preset
from llama_jax.training.settings import apply, field_types, parse

BOOKS = train_preset("books")


def test_values_have_the_types_of_their_fields():
    changed = apply(
        [
            "steps=1e3",
            "optimizer.steps=1_000",
            "optimizer.peak_learning_rate=5e-4",
            "options.chunk=32",
            "options.remat=full",
            "model.tied_embeddings=no",
            "seed=1",
            "seed=2",
        ],
        BOOKS,
    )
    assert (changed.steps, changed.optimizer.steps, changed.seed) == (1000, 1000, 2)
    assert type(changed.steps) is int
    assert changed.optimizer.peak_learning_rate == 5e-4
    assert (changed.options.chunk, changed.options.remat) == (32, "full")
    assert changed.model.tied_embeddings is False
    kept = dataclasses.replace(changed.optimizer, steps=3300, peak_learning_rate=2e-3)
    assert kept == BOOKS.optimizer


def test_every_simple_field_can_be_set():
    kinds = field_types(type(BOOKS))
    assert {"model.dim", "optimizer.clip_norm", "options.accumulation", "batch_size"} <= set(kinds)
    assert not any("rope_scaling" in name for name in kinds)  # a structure, no value


def test_all_change_at_once_before_they_are_checked():
    """Neither alone would pass: 3,500 steps of warm-up are more than the preset's 3,300."""
    changed = apply(["optimizer.warmup_steps=3500", "optimizer.steps=4000"], BOOKS)
    assert changed.optimizer.warmup_steps == 3500


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("steps", "--set steps: not key=value"),
        ("step=3", "--set step: no such setting; near it: steps"),
        ("dim=3", "no such setting; near it: model.dim"),
        ("optimizer=3", "no such setting; near it: optimizer."),
        ("qqq=3", "no such setting; there are: model.vocab_size, model.dim, "),
        ("steps=ten", "--set steps: 'ten' is not int"),
        ("steps=1.5", "--set steps: '1.5' is not int"),
        ("options.chunk=x", "'x' is not int"),
        ("model.tied_embeddings=maybe", "'maybe' is not bool"),
        ("options.remat=some", "remat is 'some'; choose one of none, full"),
        ("length=100000", "length 100000 exceeds the model's context 256"),
    ],
)
def test_what_cannot_be_set(setting, message):
    with pytest.raises(InputError) as error:
        apply([setting], BOOKS)
    assert message in str(error.value)


def test_parse_takes_words_for_what_they_are():
    assert parse("none", str, "x") == "none"
    assert parse("inf", float, "x") == float("inf")
