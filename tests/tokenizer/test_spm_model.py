import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.errors import InputError
from llama_jax.tokenizer import spm_model
from llama_jax.tokenizer.spm_model import Piece, SpmModel

# What each setting is called in SentencePiece's own message definitions.
TRAINER = {
    "algorithm": "model_type",
    "byte_fallback": "byte_fallback",
    "whitespace_as_suffix": "treat_whitespace_as_suffix",
    "unk_id": "unk_id",
    "bos_id": "bos_id",
    "eos_id": "eos_id",
    "pad_id": "pad_id",
    "unk_piece": "unk_piece",
    "bos_piece": "bos_piece",
    "eos_piece": "eos_piece",
    "pad_piece": "pad_piece",
    "unk_surface": "unk_surface",
}
NORMALIZER = {
    "normalization": "precompiled_charsmap",
    "dummy_prefix": "add_dummy_prefix",
    "remove_extra_whitespace": "remove_extra_whitespaces",
    "escape_whitespace": "escape_whitespaces",
}

# Only values here, built into a model inside the test.
pieces = st.tuples(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.floats(width=32, allow_nan=False),
    st.integers(1, 6),
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
settings_of_models = st.fixed_dictionaries(
    {"pieces": st.lists(pieces, min_size=1, max_size=5)},
    optional={
        "algorithm": st.integers(1, 4),
        "byte_fallback": st.booleans(),
        "whitespace_as_suffix": st.booleans(),
        "bos_id": st.integers(-1, 300),
        "pad_id": st.integers(-1, 300),
        "unk_surface": names,
        "eos_piece": names,
        "normalization": st.binary(max_size=5),
        "dummy_prefix": st.booleans(),
        "remove_extra_whitespace": st.booleans(),
        "escape_whitespace": st.booleans(),
        "denormalization": st.binary(max_size=5),
    },
)


def build(values: dict) -> SpmModel:
    return SpmModel(**values | {"pieces": tuple(Piece(*piece) for piece in values["pieces"])})


def assert_equals_official(model: SpmModel, official) -> None:
    assert [tuple(piece) for piece in model.pieces] == [
        (piece.piece, piece.score, piece.type) for piece in official.pieces
    ]
    for ours, theirs in TRAINER.items():
        assert getattr(model, ours) == getattr(official.trainer_spec, theirs), ours
    for ours, theirs in NORMALIZER.items():
        assert getattr(model, ours) == getattr(official.normalizer_spec, theirs), ours
    assert model.denormalization == official.denormalizer_spec.precompiled_charsmap


@pytest.fixture(scope="module")
def official():
    """SentencePiece's own ModelProto; it needs protobuf, which the library does not."""
    pytest.importorskip("google.protobuf")
    from sentencepiece import sentencepiece_model_pb2

    return sentencepiece_model_pb2.ModelProto


def test_reads_what_the_official_classes_read(small_file, official):
    assert_equals_official(spm_model.read(small_file, "x"), official.FromString(small_file))


@pytest.mark.shared
def test_reads_a_real_file_as_the_official_classes_do(shared, official):
    data = (shared / "models" / "stories260K" / "tok512.model").read_bytes()
    assert_equals_official(spm_model.read(data, "x"), official.FromString(data))


@settings(max_examples=30, deadline=None)
@given(settings_of_models)
def test_writes_what_the_official_classes_read(official, values):
    model = build(values)
    data = spm_model.write(model)
    assert_equals_official(model, official.FromString(data))
    assert official.FromString(data).trainer_spec.vocab_size == len(model.pieces)


@settings(max_examples=30, deadline=None)
@given(settings_of_models)
def test_write_then_read_gives_the_same_model(values):
    model = build(values)
    data = spm_model.write(model)
    assert spm_model.read(data, "x") == model
    assert spm_model.read(data, "x").sha256() == model.sha256()


def another(value):
    """A different value of the same type."""
    if isinstance(value, bool):
        return not value
    return value + {int: 1, str: "x", bytes: b"x"}[type(value)]


def test_the_digest_ignores_training_details_and_sees_every_setting(small_file, train_model):
    model = spm_model.read(small_file, "x")
    # The trainer's own settings are stored in the file too, and do not count.
    other_file = train_model(num_threads=3, max_sentence_length=4000)
    assert other_file != small_file
    assert spm_model.read(other_file, "x").sha256() == model.sha256()

    changed = {model.sha256()}
    for field in dataclasses.fields(model)[1:]:
        new = another(getattr(model, field.name))
        changed.add(dataclasses.replace(model, **{field.name: new}).sha256())
    first = model.pieces[300]
    for piece in (first._replace(score=first.score - 1), first._replace(kind=4)):
        swapped = (*model.pieces[:300], piece, *model.pieces[301:])
        changed.add(dataclasses.replace(model, pieces=swapped).sha256())
    assert len(changed) == len(dataclasses.fields(model)) + 2


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_truncated_file_is_refused(small_file, data):
    # The last field, an empty denormalizer, is 4 bytes; without it the model is whole.
    cut = data.draw(st.integers(0, len(small_file) - 5))
    with pytest.raises(InputError, match=r"t\.model: truncated.*copy the file again"):
        spm_model.read(small_file[:cut], "t.model")


@pytest.mark.parametrize(
    "piece",
    [b"\x0a\x02\xff\xfe", b"\x08\x01", b"\x10\x01", b"\x1a\x01a"],
    ids=["not UTF-8", "text is a number", "score is a number", "kind is text"],
)
def test_a_corrupt_piece_is_refused(piece):
    data = b"\x0a" + bytes([len(piece)]) + piece
    with pytest.raises(InputError, match="x: truncated or corrupt SentencePiece model"):
        spm_model.read(data, "x")
