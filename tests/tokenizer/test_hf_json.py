import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer import bpe

from llama_jax.errors import InputError
from llama_jax.tokenizer import (
    HuggingFaceTokenizer,
    SentencePieceTokenizer,
    TextStream,
    TiktokenTokenizer,
    Tokenizer,
    encode_pair,
    load_tokenizer,
    spm_model,
    stop_ids,
)

HALVES = ("<0xC2>", "<0x80>")  # of U+0080
MANY = settings(max_examples=100, deadline=None)
LLAMA2_STEPS = {
    "normalizer": {
        "type": "Sequence",
        "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        ],
    },
    "pre_tokenizer": None,
    "decoder": {
        "type": "Sequence",
        "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ],
    },
}
METASPACE = {
    "normalizer": None,
    "pre_tokenizer": {
        "type": "Metaspace",
        "replacement": "▁",
        "prepend_scheme": "first",
        "split": False,
    },
}


def as_json(tokenizer: SentencePieceTokenizer, **changes) -> dict:
    """A SentencePiece model as Llama 2's tokenizer.json has it.

    A merge for every way to halve a piece, the best score first: that gives SentencePiece's ids.
    """
    pieces = spm_model.read(tokenizer.serialized(), "model").pieces
    ids = {piece.text: token for token, piece in enumerate(pieces)}
    merges = []
    for token, (text, score, kind) in enumerate(pieces):
        if kind == spm_model.NORMAL:
            halves = [(text[:k], text[k:]) for k in range(1, len(text))]
            known = [(a, b) for a, b in halves if a in ids and b in ids]
            merges += [((-score, token, ids[a]), [a, b]) for a, b in known]
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    special = [
        {"id": token, "content": name, **flags, "special": True}
        for token, name in enumerate(("<unk>", "<s>", "</s>"))
    ]
    model = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "fuse_unk": True}
    model |= {"byte_fallback": True, "ignore_merges": False}
    model |= {"vocab": ids, "merges": [merge for _, merge in sorted(merges)]}
    content = {"version": "1.0", "truncation": None, "padding": None, "post_processor": None}
    content |= {"added_tokens": special, **LLAMA2_STEPS, "model": model}
    return content | changes


def encoded(content: dict) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


@pytest.fixture(scope="module")
def content(small) -> dict:
    return as_json(small)


@pytest.fixture(scope="module")
def converted(content) -> HuggingFaceTokenizer:
    return HuggingFaceTokenizer(encoded(content))


@pytest.fixture(scope="module")
def tokens():
    return bpe.train(bpe.TEXT, 100)


@pytest.fixture(scope="module")
def tiktoken(tokens):
    return TiktokenTokenizer(bpe.tiktoken_file(tokens))


@pytest.fixture(scope="module")
def byte_level(tokens) -> HuggingFaceTokenizer:
    return HuggingFaceTokenizer(bpe.tokenizer_json(tokens))


def test_they_are_tokenizers(converted, small, byte_level, tiktoken):
    for ours, original in ((converted, small), (byte_level, tiktoken)):
        assert isinstance(ours, Tokenizer)
        assert ours.vocab_size == original.vocab_size
        assert (ours.bos_id, ours.eos_id) == (original.bos_id, original.eos_id)
        assert stop_ids(ours) == stop_ids(original)
    assert byte_level.special_ids == tiktoken.special_ids


def same(ours: Tokenizer, original: Tokenizer, text: str) -> None:
    """Ids, offsets and text of one text, in both."""
    assert ours.encode_with_offsets(text) == original.encode_with_offsets(text)
    ids = ours.encode(text)
    assert ids == original.encode(text)
    assert ours.decode(ids) == original.decode(ids)


@MANY
@given(st.data())
def test_it_is_the_sentencepiece_model(converted, small, texts, data):
    same(converted, small, data.draw(texts))
    ids = data.draw(st.lists(st.integers(1, small.vocab_size - 1), max_size=20))
    assert converted.decode(ids) == small.decode(ids)  # without <unk>, which has no text here


def test_bytes_on_two_sides_of_a_special_token_make_no_character(converted, small):
    two = [next(i for i in range(small.vocab_size) if small.id_to_piece(i) == p) for p in HALVES]
    assert converted.decode(two) == small.decode(two) == "\x80"
    apart = [two[0], small.bos_id, two[1]]
    assert converted.decode(apart) == small.decode(apart) == "\ufffd\ufffd"


@MANY
@given(st.data())
def test_it_is_the_tiktoken_file(byte_level, tiktoken, texts, data):
    text = data.draw(texts | st.text("thecatsn 'SLl\n12", max_size=30))
    same(byte_level, tiktoken, text)
    ids = data.draw(st.lists(st.integers(0, tiktoken.vocab_size - 1), max_size=20))
    assert byte_level.decode(ids) == tiktoken.decode(ids)


def test_tokens_are_the_same_bytes(converted, small, byte_level, tiktoken):
    for ours, original in ((converted, small), (byte_level, tiktoken)):
        for token in range(1, ours.vocab_size):
            assert ours.id_to_bytes(token) == original.id_to_bytes(token)
    assert [converted.id_to_piece(i) for i in range(small.vocab_size)] == [
        small.id_to_piece(i) for i in range(small.vocab_size)
    ]
    assert byte_level.id_to_piece(byte_level.encode(" the")[0]).startswith("Ġ")


@MANY
@given(st.data())
def test_text_streams_and_pairs(converted, byte_level, texts, data):
    tokenizer = data.draw(st.sampled_from([converted, byte_level]))
    ids = data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1), max_size=40))
    stream = TextStream(tokenizer)
    assert "".join([*map(stream.push, ids), stream.close()]) == tokenizer.decode(ids)
    context, continuation = data.draw(texts), data.draw(texts.filter(bool))
    pair = encode_pair(tokenizer, context, continuation)
    assert list(pair.ids) == [tokenizer.bos_id, *tokenizer.encode(context + continuation)]


@pytest.mark.parametrize("text", ["<s>", "a</s> b", "<unk>", "<|eot_id|>x", "<0x0A>"])
def test_special_tokens_are_plain_text_in_a_text(converted, byte_level, text):
    for tokenizer in (converted, byte_level):
        ids = tokenizer.encode(text)
        assert not set(ids) & set(tokenizer.special_ids.values())
        assert tokenizer.decode(ids) == text


def test_metaspace_puts_no_space_before_a_space(small, content):
    """transformers' own reading of Llama 2, where it differs from SentencePiece's."""
    other = HuggingFaceTokenizer(encoded(content | METASPACE))
    for text in ("", "the cat", "cat\n the", "é", "\U0001f600 the"):
        same(other, small, text)
    assert other.encode(" the") == small.encode("the") != small.encode(" the")
    assert other.encode_with_offsets(" zz")[1][0] == (0, 1)
    assert small.encode_with_offsets(" zz")[1][0] == (0, 1)


@pytest.mark.shared
def test_llama2_from_its_two_sources(llama, shared, texts):
    other = HuggingFaceTokenizer(encoded(as_json(llama)))
    vectors = json.loads((shared / "tokenizer" / "llama_spm_vectors.json").read_text())
    assert len(vectors) == 24
    for vector in vectors:
        assert other.encode(vector["text"]) == llama.encode(vector["text"]) == vector["ids"]
        same(other, llama, vector["text"])
    corpus = (shared / "corpora" / "wikitext-2" / "valid.txt").read_text(encoding="utf-8")
    for line in corpus.splitlines()[:200]:
        same(other, llama, line)

    @settings(max_examples=200, deadline=None)
    @given(texts)
    def on_any_text(text):
        same(other, llama, text)

    on_any_text()


def test_a_folder(converted, content, small_file, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(encoded(content))
    assert load_tokenizer(tmp_path).sha256 == converted.sha256
    assert load_tokenizer(tmp_path / "tokenizer.json").sha256 == converted.sha256
    (tmp_path / "tokenizer.model").write_bytes(small_file)
    assert isinstance(load_tokenizer(tmp_path), SentencePieceTokenizer)


@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json"])
@pytest.mark.parametrize("value", ["<|eot_id|>", {"content": "<|eot_id|>", "lstrip": False}])
def test_what_stands_beside_it_says_the_eos(tokens, tmp_path, name, value):
    (tmp_path / "tokenizer.json").write_bytes(bpe.tokenizer_json(tokens))
    (tmp_path / name).write_text(json.dumps({"bos_token": None, "eos_token": value}))
    found = load_tokenizer(tmp_path)
    eot, end = found.special_ids["<|eot_id|>"], found.special_ids["<|end_of_text|>"]
    assert found.eos_id == eot
    assert found.bos_id == found.special_ids["<|begin_of_text|>"]
    assert stop_ids(found)[:2] == (eot, end)
    # A file that stands alone says it itself.
    alone = HuggingFaceTokenizer(found.serialized())
    assert (alone.eos_id, alone.sha256) == (eot, found.sha256)
    assert alone.serialized() == found.serialized()
    assert HuggingFaceTokenizer(bpe.tokenizer_json(tokens)).sha256 != found.sha256


def test_the_digest_is_of_what_it_does(converted, content, tokens):
    merges = [" ".join(pair) for pair in content["model"]["merges"]]
    older = content | {"model": content["model"] | {"merges": merges}}
    for same_tokenizer in (
        HuggingFaceTokenizer(json.dumps(older, indent=4).encode()),
        HuggingFaceTokenizer(converted.serialized()),
        HuggingFaceTokenizer(encoded(content | {"padding": None, "post_processor": None})),
    ):
        assert same_tokenizer.sha256 == converted.sha256
    fewer = content["model"] | {"merges": content["model"]["merges"][:-1]}
    for changed in ({"model": fewer}, METASPACE):
        assert HuggingFaceTokenizer(encoded(content | changed)).sha256 != converted.sha256


def without(content: dict, *names: str) -> dict:
    model = content["model"]
    vocab = {name: token for name, token in model["vocab"].items() if name not in names}
    added = [token for token in content["added_tokens"] if token["content"] not in names]
    return content | {"added_tokens": added, "model": model | {"vocab": vocab}}


def cases(content: dict) -> list[tuple[bytes, str]]:
    model = content["model"]
    gpt2 = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    return [
        (encoded(content)[:500], r"truncated or corrupt JSON \(500 bytes\)"),
        (b'{"bos_token": "<s>"}', "a JSON file without a tokenizer's model and vocab"),
        (
            encoded(content | {"model": {"type": "WordPiece", "vocab": {}}}),
            "its model is WordPiece",
        ),
        (encoded(content | {"model": {"type": "Unigram", "vocab": []}}), "its model is Unigram"),
        (encoded(content | {"model": model | {"dropout": 0.1}}), "BPE dropout is 0.1"),
        (encoded(content | {"model": model | {"byte_fallback": False}}), "neither byte-level"),
        (encoded(content | {"pre_tokenizer": gpt2}), "a ByteLevel step with add_prefix_space"),
        (encoded(content | {"normalizer": {"type": "None such"}}), "tokenizers library refuses it"),
        (encoded(without(content, "</s>")), "which token is EOS is not said: put tokenizer_config"),
    ]


@pytest.mark.parametrize("index", range(9))
def test_other_files_are_named_and_refused(content, tmp_path, index):
    file, said = cases(content)[index]
    path = tmp_path / "tokenizer.json"
    path.write_bytes(file)
    with pytest.raises(InputError, match=said) as error:
        load_tokenizer(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_companions_that_do_not_fit(content, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(encoded(content))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<|im_end|>"}')
    with pytest.raises(InputError, match=r"eos_token is '<\|im_end\|>', which is not in the voc"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token"')
    with pytest.raises(InputError, match=r"tokenizer_config\.json: not JSON"):
        load_tokenizer(tmp_path)


def test_ids_and_texts_that_cannot_be(converted):
    with pytest.raises(InputError, match="token id 360 is outside the tokenizer's 360 pieces"):
        converted.decode([360])
    with pytest.raises(InputError, match="lone surrogate"):
        converted.encode("a\ud800")
