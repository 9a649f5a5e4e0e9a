import dataclasses
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.config import LLAMA2_7B, TINY
from llama_jax.errors import InputError
from llama_jax.tokenizer import SentencePieceTokenizer, Tokenizer, check_fits, spm_model
from llama_jax.tokenizer.spm_model import BYTE, NORMAL

FEW = settings(max_examples=60, deadline=None)


def bpe(model: spm_model.SpmModel, text: str) -> list[int]:
    """Byte pair encoding with Llama's settings, written from its definition."""
    score = {p.text: p.score for p in model.pieces if p.kind == NORMAL}
    index = {p.text: i for i, p in enumerate(model.pieces) if p.kind in (NORMAL, BYTE)}
    symbols = list(("\u2581" + text).replace(" ", "\u2581")) if text else []
    while True:
        merges = [
            (score[a + b], -i)
            for i, (a, b) in enumerate(zip(symbols, symbols[1:], strict=False))
            if a + b in score
        ]
        if not merges:
            break
        at = -max(merges)[1]  # the best score; of equal ones the leftmost
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
    ids: list[int] = []
    for symbol in symbols:
        if symbol in score:
            ids.append(index[symbol])
        else:
            ids += [index[f"<0x{byte:02X}>"] for byte in symbol.encode()]
    return ids


@pytest.fixture(scope="module")
def small_model(small_file):
    return spm_model.read(small_file, "x")


@FEW
@given(st.data())
def test_encode_is_byte_pair_encoding(small, small_model, texts, data):
    text = data.draw(texts)
    assert small.encode(text) == bpe(small_model, text)


@FEW
@given(st.data())
def test_decode_gives_the_text_back(small, texts, data):
    text = data.draw(texts)
    assert small.decode(small.encode(text)) == text.replace("\u2581", " ")


@pytest.mark.shared
def test_llama2_encodes_the_published_cases(shared, llama):
    cases = json.loads((shared / "tokenizer" / "llama_spm_vectors.json").read_text())
    assert len(cases) == 24
    for case in cases:
        assert llama.encode(case["text"]) == case["ids"], case["text"]
        assert llama.decode(case["ids"]) == case["text"]


@pytest.mark.shared
def test_llama2_is_llama2(llama):
    assert (llama.vocab_size, llama.bos_id, llama.eos_id) == (32000, 1, 2)
    assert llama.id_to_piece(29871) == "\u2581"
    assert llama.id_to_bytes(15043) == b" Hello"
    check_fits(llama, LLAMA2_7B)
    with pytest.raises(InputError, match="32000 pieces but .* 512 rows"):
        check_fits(llama, TINY)


def test_special_pieces_in_a_text_are_plain_text(small):
    ids = small.encode("<s> the cat </s>")
    assert small.bos_id not in ids
    assert small.eos_id not in ids
    assert small.decode([small.bos_id, *ids, small.eos_id]) == "<s> the cat </s>"


def test_pieces_and_their_bytes(small):
    assert isinstance(small, Tokenizer)
    assert (small.vocab_size, small.bos_id, small.eos_id) == (360, 1, 2)
    assert [small.id_to_piece(i) for i in (0, 1, 2, 3 + 0x0A)] == ["<unk>", "<s>", "</s>", "<0x0A>"]
    assert [small.id_to_bytes(i) for i in (1, 2, 3 + 0xF0)] == [b"", b"", b"\xf0"]
    assert small.id_to_bytes(0).decode() == small.decode([0]) == " \u2047 "
    (the,) = small.encode("the")
    assert (small.id_to_piece(the), small.id_to_bytes(the)) == ("\u2581the", b" the")


@FEW
@given(st.data())
def test_the_bytes_of_the_ids_are_the_text(small, texts, data):
    text = data.draw(texts.filter(bool))
    together = b"".join(small.id_to_bytes(token) for token in small.encode(text))
    assert together.decode() == " " + text.replace("\u2581", " ")


def test_an_id_from_the_padding_is_refused(small):
    for call in (small.decode, lambda ids: small.id_to_piece(*ids)):
        with pytest.raises(InputError, match="token id 360 is outside the tokenizer's 360 pieces"):
            call([360])
    with pytest.raises(InputError, match="token id -1 "):
        small.decode([4, -1, 5])
    with pytest.raises(InputError, match="token id -1 "):
        small.id_to_bytes(-1)


def test_a_lone_surrogate_is_refused(small):
    for call in (small.encode, small.encode_with_offsets):
        with pytest.raises(InputError, match=r"lone surrogate, '\\udce9' at character 3"):
            call("caf\udce9")


def test_offsets_by_hand(small):
    _, offsets = small.encode_with_offsets("the cat")
    assert offsets == [(0, 3), (3, 7)]
    # The added space stands alone before what no piece begins with; a character in bytes is one.
    ids, offsets = small.encode_with_offsets("\U0001f600\u2581the")
    assert [small.id_to_piece(i) for i in ids] == [
        *("\u2581", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "\u2581the")
    ]
    assert offsets == [(0, 0), (0, 4), (0, 4), (0, 4), (0, 4), (4, 10)]
    assert small.encode_with_offsets("") == ([], [])


def test_offsets_of_removed_white_space(collapsing):
    ids, offsets = collapsing.encode_with_offsets("  the  cat ")
    assert ids == collapsing.encode("the cat")
    assert offsets == [(2, 5), (5, 10)]
    assert collapsing.encode_with_offsets("   ") == ([], [])


@FEW
@given(st.data())
def test_offsets_lead_to_the_text_of_every_token(small, texts, data):
    text = data.draw(texts)
    ids, offsets = small.encode_with_offsets(text)
    assert ids == small.encode(text)
    for position, (token, (begin, end)) in enumerate(zip(ids, offsets, strict=True)):
        covered = text.encode()[begin:end].decode().replace("\u2581", " ").encode()
        stands_for = small.id_to_bytes(token)
        if position == 0:
            stands_for = stands_for.removeprefix(b" ")
        if stands_for != covered:  # one byte of a character
            assert len(stands_for) == 1
            assert stands_for in covered
            assert len(covered.decode()) == 1


def test_offsets_without_byte_fallback(train_model):
    tokenizer = SentencePieceTokenizer(train_model(byte_fallback=False, vocab_size=100))
    ids, offsets = tokenizer.encode_with_offsets("the \U0001f600\U0001f600 cat")
    assert [tokenizer.id_to_piece(i) for i in ids] == [
        *("\u2581the", "\u2581", "<unk>", "\u2581cat")
    ]
    assert offsets == [(0, 3), (3, 4), (4, 12), (12, 16)]


def test_offsets_where_characters_are_composed(train_model):
    tokenizer = SentencePieceTokenizer(train_model(normalization_rule_name="nfkc"))
    ids, offsets = tokenizer.encode_with_offsets("a e\u0301 a")
    assert ids == tokenizer.encode("a é a")
    assert offsets[1:-1] == [(1, 5)] or offsets[1:-1] == [(1, 2), (2, 5)]
    # one character becomes several: each of them comes from all of it
    ids, offsets = tokenizer.encode_with_offsets("a \u32ff")
    assert tokenizer.decode(ids) == "a \u4ee4\u548c"
    assert set(offsets[2:]) == {(2, 5)}


def test_a_serialized_tokenizer_comes_back(small, small_file):
    assert small.serialized() == small_file
    again = SentencePieceTokenizer(small.serialized())
    assert again.sha256 == small.sha256
    assert pickle.loads(pickle.dumps(small)).encode("the cat") == small.encode("the cat")
    assert small.sha256 in repr(small)


def test_a_model_without_bos_is_refused(small_file):
    model = spm_model.read(small_file, "x")
    nameless = dataclasses.replace(model, bos_piece="<none>")
    with pytest.raises(InputError, match=r"t\.model: the model has no BOS piece"):
        SentencePieceTokenizer(spm_model.write(nameless), "t.model")


def test_a_smaller_tokenizer_fits(small):
    check_fits(small, TINY)
    with pytest.raises(InputError, match="360 pieces but the model's embedding has 359 rows"):
        check_fits(small, dataclasses.replace(TINY, vocab_size=359))
