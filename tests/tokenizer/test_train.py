import io
import json
import random

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.errors import InputError
from llama_jax.tokenizer import SentencePieceTokenizer, spm_model
from llama_jax.tokenizer.corpus import read_texts
from llama_jax.tokenizer.train import train_bpe, train_char

MANY = settings(max_examples=100, deadline=None)
TEXT = "the cat sat on a mat and then ran home with seven small green birds über café 1234 99"
WORDS = TEXT.split()


def lines(count: int = 300, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(3, 9))) + ".\n" for _ in range(count)]


@pytest.fixture(scope="module")
def trained() -> SentencePieceTokenizer:
    return SentencePieceTokenizer(train_bpe(lines(), 340, character_coverage=1.0))


def test_bpe_has_llamas_settings(trained):
    model = spm_model.read(trained.serialized(), "trained")
    assert len(model.pieces) == trained.vocab_size == 340
    settings = {name: getattr(model, name) for name in spm_model.LLAMA_SETTINGS}
    assert settings == spm_model.LLAMA_SETTINGS
    assert (model.unk_id, model.bos_id, model.eos_id, model.pad_id) == (0, 1, 2, -1)
    assert model.dummy_prefix and model.escape_whitespace and not model.normalization
    assert [p.text for p in model.pieces[:4]] == ["<unk>", "<s>", "</s>", "<0x00>"]
    pieces = {trained.id_to_piece(token) for token in range(259, 340)}
    assert "▁the" in pieces
    # digits are split, and so is what stands before them
    assert not any(sum(c.isdigit() for c in p) and len(p) > 1 for p in pieces)
    assert [trained.id_to_piece(i) for i in trained.encode("99")] == ["▁", "9", "9"]
    assert trained.decode(trained.encode("a\nb 你")) == "a\nb 你"
    assert [trained.id_to_piece(i) for i in trained.encode("\n")][-1] == "<0x0A>"


@pytest.mark.shared
def test_bpe_has_the_settings_of_the_real_llama(trained, llama):
    ours, theirs = (spm_model.read(t.serialized(), "model") for t in (trained, llama))
    for name in spm_model.SpmModel.__dataclass_fields__:
        if name != "pieces":
            assert getattr(ours, name) == getattr(theirs, name), name


def test_bpe_is_what_the_library_trains(trained):
    """The lines reach the trainer whole, in their order: the pieces are the library's own."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line.rstrip("\n") for line in lines()]),
        model_writer=model,
        model_type="bpe",
        vocab_size=340,
        character_coverage=1.0,
        byte_fallback=True,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    assert SentencePieceTokenizer(model.getvalue()).sha256 == trained.sha256


def test_the_same_bytes_every_time(trained):
    assert train_bpe(lines(), 340, character_coverage=1.0) == trained.serialized()
    assert train_char(lines()) == train_char(iter(lines()))
    whole = ["".join(lines())]
    assert train_bpe(whole, 340, character_coverage=1.0) == trained.serialized()
    assert train_char(whole) == train_char(lines())


def test_long_lines_and_odd_characters_count_too():
    """The library skips lines above 4,192 bytes and lines with its own mark, without a word."""
    line = " ".join(text.strip() for text in lines())
    for text in (line, "x" * 3_000 + " " + line, "\u2585" + line[:900] + "\0 " + line[900:]):
        made = SentencePieceTokenizer(train_bpe([text], 360))
        assert "▁small" in [made.id_to_piece(token) for token in range(259, 360)]
    runs = SentencePieceTokenizer(train_bpe(["y" * 50_000], 262))
    assert "yy" in [runs.id_to_piece(token) for token in range(259, 262)]


def test_a_vocabulary_that_does_not_fit_is_refused_and_what_would_do_is_said():
    with pytest.raises(
        InputError, match=r"vocab_size 9000: the corpus of \d+ bytes gives"
    ) as error:
        train_bpe(lines(), 9000)
    most = int(str(error.value).split(" pieces at most")[0].split()[-1])
    assert len(spm_model.read(train_bpe(lines(), most), "made").pieces) == most
    with pytest.raises(
        InputError, match="vocab_size 100: .* are 28. already; choose more"
    ) as error:
        train_bpe(lines(), 100)
    least = int(str(error.value).split(" already")[0].split()[-1])
    assert len(spm_model.read(train_bpe(lines(), least + 1), "made").pieces) == least + 1


@pytest.mark.parametrize("texts", [[], [""], ["\n\n", "\n"]])
def test_an_empty_corpus_is_refused(texts):
    with pytest.raises(InputError, match="the corpus has no text"):
        train_bpe(texts, 300)


@pytest.mark.parametrize("coverage", [0.0, 1.5])
def test_a_coverage_that_is_no_share(coverage):
    for call in (lambda: train_bpe(["a"], 300, character_coverage=coverage),):
        with pytest.raises(InputError, match=f"character_coverage {coverage}: must be above 0"):
            call()
    with pytest.raises(InputError, match=f"character_coverage {coverage}: must be above 0"):
        train_char(["a"], character_coverage=coverage)


@MANY
@given(st.data())
def test_characters_round_trip_exactly(texts, data):
    corpus = data.draw(texts.filter(lambda text: text.strip("\0\u2581")))
    made = SentencePieceTokenizer(train_char([corpus]))
    for text in (corpus, data.draw(texts)):
        ids, offsets = made.encode_with_offsets(text)
        assert made.decode(ids) == text
        assert b"".join(map(made.id_to_bytes, ids)) == text.encode()
        assert all(text.encode()[begin:end] for begin, end in offsets)
    assert made.vocab_size == 259 + len(set(corpus) - {"\0", "\u2581"})
    assert len(made.encode(corpus)) == len(corpus) + 2 * corpus.count("\u2581")


def test_without_the_bytes():
    made = SentencePieceTokenizer(train_char(["ab\n c"], byte_fallback=False))
    assert [made.id_to_piece(i) for i in range(made.vocab_size)] == [
        *("<unk>", "<s>", "</s>"),
        *("\n", " ", "a", "b", "c"),
    ]
    assert made.encode(" ab\n") == [4, 5, 6, 3]
    assert made.decode([4, 5, 6, 3]) == " ab\n"
    assert made.encode("aZb") == [5, 0, 6]


def test_fewer_characters():
    text = ["aaaa bbb cc d"]
    kept = SentencePieceTokenizer(train_char(text, 259 + 3))
    assert [kept.id_to_piece(i) for i in range(259, 262)] == [" ", "a", "b"]
    assert kept.decode(kept.encode("abcd")) == "abcd"
    # 4 + 3 + 3 of 13 characters are three quarters and more
    assert train_char(text, character_coverage=0.75) == kept.serialized()
    with pytest.raises(InputError, match="vocab_size 300: the corpus has 5 different characters"):
        train_char(text, 300)
    with pytest.raises(InputError, match="choose 260 to 264"):
        train_char(text, 259)
    with pytest.raises(InputError, match="the corpus has no text"):
        train_char(["\0"])


@pytest.mark.shared
def test_tinyshakespeare_has_a_token_for_each_character(shared):
    path = shared / "corpora" / "tinyshakespeare" / "input.txt"
    text = path.read_text(encoding="utf-8")
    for byte_fallback, size in ((True, 3 + 256 + 65), (False, 3 + 65)):
        made = SentencePieceTokenizer(
            train_char(read_texts([path]), byte_fallback=byte_fallback), "tinyshakespeare"
        )
        ids = made.encode(text)
        assert (made.vocab_size, len(ids), len(text)) == (size, 1_115_394, 1_115_394)
        assert made.decode(ids) == text
        assert 0 not in ids


def test_texts_of_files(tmp_path):
    text, rows = tmp_path / "a.txt", tmp_path / "b.jsonl"
    text.write_bytes("one\r\ntwo\n\nüber".encode())
    rows.write_text(json.dumps({"text": "three\nfour", "id": 1}) + "\n\n" + '{"text": ""}\n')
    assert list(read_texts([text, rows])) == ["one\n", "two\n", "\n", "über", "three\nfour", ""]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"ok\n\xff\n", r"a\.txt: not UTF-8 near byte"),
        ("a.jsonl", b'{"text": "a"}\n{"text"\n', r"a\.jsonl: line 2 is not JSON"),
        ("a.jsonl", b'{"content": "a", "id": 2}\n', 'line 1 has no "text" .*it has content, id'),
        ("a.jsonl", b"[1]\n", 'line 1 has no "text" with a text: no object'),
        ("absent.txt", None, r"absent\.txt: cannot be read: No such file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for call in (
        lambda: list(read_texts([path])),
        lambda: train_bpe(read_texts([path]), 300),
        lambda: train_char(read_texts([path])),
    ):
        with pytest.raises(InputError, match=said):
            call()
