import base64
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer import bpe

from llama_jax.errors import InputError
from llama_jax.tokenizer import (
    TextStream,
    TiktokenTokenizer,
    Tokenizer,
    encode_pair,
    load_tokenizer,
    stop_ids,
)

MANY = settings(max_examples=150, deadline=None)


@pytest.fixture(scope="module")
def tokens():
    return bpe.train(bpe.TEXT, 100)


@pytest.fixture(scope="module")
def toy(tokens) -> TiktokenTokenizer:
    return TiktokenTokenizer(bpe.tiktoken_file(tokens))


def test_it_is_a_tokenizer(toy, tokens):
    assert isinstance(toy, Tokenizer)
    assert toy.vocab_size == 356 + 256
    assert (toy.bos_id, toy.eos_id) == (356, 357)
    assert [toy.id_to_piece(i) for i in stop_ids(toy)] == [
        "<|end_of_text|>",
        "<|eom_id|>",
        "<|eot_id|>",
    ]
    assert toy.decode(toy.encode(bpe.TEXT)) == bpe.TEXT
    # merges are made at all
    assert len(toy.encode(bpe.TEXT)) < 0.5 * len(bpe.TEXT.encode())


@MANY
@given(st.data())
def test_ids_are_those_of_a_naive_bpe(toy, tokens, texts, data):
    words = st.lists(st.sampled_from(bpe.TEXT.split(" ")), max_size=5).map(" ".join)
    text = data.draw(st.one_of(texts, words, st.text("thecatsn 'SLl\n12", max_size=30)))
    assert toy.encode(text) == bpe.encode(tokens, text)
    assert toy.decode(toy.encode(text)) == text


@MANY
@given(st.data())
def test_offsets_tile_the_text(toy, texts, data):
    text = data.draw(texts)
    ids, offsets = toy.encode_with_offsets(text)
    assert ids == toy.encode(text)
    assert len(ids) == len(offsets)
    written = text.encode()
    at = 0
    for token, (begin, end) in zip(ids, offsets, strict=True):
        size = len(toy.id_to_bytes(token))
        written[begin:end].decode()  # whole characters
        assert begin <= at < at + size <= end
        assert at - begin < 4 and end - at - size < 4
        at += size
    assert at == len(written)


def test_special_tokens_are_plain_text_in_a_text(toy):
    for text in ("<|begin_of_text|>", "a<|eot_id|>b", "<|reserved_special_token_3|>"):
        assert max(toy.encode(text)) < toy.bos_id
        assert toy.decode(toy.encode(text)) == text
    assert toy.decode([toy.bos_id, *toy.encode("the cat"), *stop_ids(toy)]) == "the cat"
    assert toy.id_to_bytes(toy.bos_id) == b""


def test_special_ids_are_those_of_the_released_models(toy):
    """The ids of Llama 3 and 3.1, where 128,000 ranks come before."""
    at = {name: token - toy.bos_id + 128_000 for name, token in toy.special_ids.items()}
    assert at["<|begin_of_text|>"] == 128_000
    assert at["<|end_of_text|>"] == 128_001
    assert at["<|finetune_right_pad_id|>"] == 128_004
    assert at["<|start_header_id|>"] == 128_006
    assert at["<|end_header_id|>"] == 128_007
    assert at["<|eom_id|>"] == 128_008
    assert at["<|eot_id|>"] == 128_009
    assert at["<|python_tag|>"] == 128_010
    assert max(at.values()) == 128_255
    assert len(at) == 256


def reference_parts(text: str) -> list[str]:
    """One character at a time: a run of one kind has no more than 25,000 characters in a part."""
    parts = []
    for start in range(0, len(text), 400_000):
        part, run = "", 0
        for character in text[start : start + 400_000]:
            same = part and character.isspace() == part[-1].isspace()
            run = run + 1 if same else 1
            if run > 25_000:
                parts.append(part)
                part, run = "", 1
            part += character
        parts.append(part)
    return parts


@pytest.mark.parametrize(
    "text",
    ["a" * 60_001, " " * 25_000, " " * 25_001 + "x", "ab " * 9_000 + "c" * 25_001 + "\n" * 50_000],
)
def test_long_runs_are_cut_as_the_reference_cuts_them(toy, text):
    expected = [i for part in reference_parts(text) for i in toy._encoding.encode_ordinary(part)]
    ids, offsets = toy.encode_with_offsets(text)
    assert ids == expected
    assert toy.decode(ids) == text
    assert offsets[-1][1] == len(text)


def test_a_text_longer_than_a_part(toy):
    rng = random.Random(0)
    text = "".join(rng.choices(["the ", "cat", "\n", "12 "], k=150_000))
    assert len(text) > 400_000
    expected = [i for part in reference_parts(text) for i in toy._encoding.encode_ordinary(part)]
    assert toy.encode(text) == expected


@MANY
@given(st.data())
def test_text_streams(toy, data):
    ids = data.draw(st.lists(st.integers(0, toy.vocab_size - 1), max_size=40))
    prompt = data.draw(st.lists(st.integers(0, toy.vocab_size - 1), max_size=6))
    stream = TextStream(toy)
    assert "".join([*map(stream.push, ids), stream.close()]) == toy.decode(ids)
    after = TextStream(toy, prompt_ids=prompt)
    text = "".join([*map(after.push, ids), after.close()])
    assert toy.decode([*prompt, *ids]).endswith(text)


@MANY
@given(st.data())
def test_pairs_are_encoded_as_one_text(toy, texts, data):
    context, continuation = data.draw(texts), data.draw(texts.filter(bool))
    pair = encode_pair(toy, context, continuation)
    assert list(pair.ids) == [toy.bos_id, *toy.encode(context + continuation)]
    before = b"".join(map(toy.id_to_bytes, pair.ids[: pair.start]))
    assert context.encode().startswith(before)
    assert pair.spans == (before != context.encode())


def test_a_file_is_recognised_and_read_back(toy, tokens, tmp_path):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(toy.serialized())
    read = load_tokenizer(tmp_path)
    assert isinstance(read, TiktokenTokenizer)
    assert read.sha256 == toy.sha256
    path.write_bytes(toy.serialized().replace(b"\n", b"\r\n"))
    assert load_tokenizer(path).sha256 == toy.sha256
    changed = [*tokens[:-2], tokens[-1], tokens[-2]]
    assert TiktokenTokenizer(bpe.tiktoken_file(changed)).sha256 != toy.sha256


BYTES = b"".join(base64.b64encode(bytes([i])) + b" %d\n" % i for i in range(256))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (BYTES[:-5], "line 256 is b'/w==', not a token in base64 and its rank"),
        (BYTES + b"YWI= 257\n", "rank 256 is missing, though the file has 257 tokens up to rank"),
        (BYTES + b"YWI= 255\n", "line 257: rank 255 is there a second time"),
        (BYTES + b"YQ== 256\n", "line 257: the token b'a' is there a second time"),
        (BYTES + b"YWI 256\n", "line 257 is b'YWI 256', not a token in base64 and its rank"),
        (b"YQ== 0\n", r"without 255 of the 256 bytes \(the first: 0x00\)"),
    ],
)
def test_damaged_files_are_refused(tmp_path, file, said):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(file)
    with pytest.raises(InputError, match=said) as error:
        load_tokenizer(path)
    assert str(error.value).startswith(str(path))


def test_ids_and_texts_that_cannot_be(toy):
    for token in (-1, toy.vocab_size):
        for method in (toy.id_to_piece, toy.id_to_bytes, lambda i: toy.decode([i])):
            with pytest.raises(InputError, match=f"token id {token} is outside"):
                method(token)
    with pytest.raises(InputError, match="lone surrogate"):
        toy.encode("a\ud800")


def visible_first() -> list[bytes]:
    """The 256 bytes in the order that GPT-2 and its descendants give them ids."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [bytes([byte]) for byte in (*visible, *(b for b in range(256) if b not in visible))]


@pytest.mark.shared
def test_llama3_vectors_without_the_vocabulary(shared):
    """Texts of as many tokens as words say what each token is; those tokens then give the ids.

    The first 256 ids are bytes, in a known order. What the vectors say must not contradict itself,
    which a wrong split would.
    """
    vectors = json.loads((shared / "tokenizer" / "llama3_bpe_vectors.json").read_text())
    known = dict(enumerate(visible_first()))
    whole = []
    for vector in vectors:
        words, ids = bpe.SPLIT.findall(vector["text"]), vector["ids"]
        assert len(words) <= len(ids) <= len(vector["text"].encode())
        if len(words) == len(ids):
            whole.append(vector)
            for word, token in zip(words, ids, strict=True):
                assert known.setdefault(token, word.encode()) == word.encode()
    assert len(set(known.values())) == len(known)
    real = sorted(known)
    tokenizer = TiktokenTokenizer(bpe.tiktoken_file([known[token] for token in real]))
    # Among the others are those that need bytes alone.
    assert len(whole) >= 15
    for vector in whole:
        assert [real[token] for token in tokenizer.encode(vector["text"])] == vector["ids"]
    for vector in vectors:
        assert tokenizer.decode(tokenizer.encode(vector["text"])) == vector["text"]
        if set(vector["ids"]) <= set(real):
            ids = [real.index(token) for token in vector["ids"]]
            assert tokenizer.decode(ids) == vector["text"]


@pytest.mark.shared
def test_every_llama3_vector(shared):
    """Meta's file is not among those that may be kept here; with it, ids must be equal."""
    path = shared / "tokenizer" / "llama3_tokenizer.model"
    if not path.is_file():
        pytest.skip(f"{path}: Llama 3's vocabulary (Meta's tokenizer.model) is absent")
    tokenizer = load_tokenizer(path)
    for vector in json.loads((shared / "tokenizer" / "llama3_bpe_vectors.json").read_text()):
        assert tokenizer.encode(vector["text"]) == vector["ids"]
        assert tokenizer.decode(vector["ids"]) == vector["text"]
