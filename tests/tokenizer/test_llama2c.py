import dataclasses
import json
import struct

import pytest

from llama_jax.errors import InputError
from llama_jax.tokenizer import SentencePieceTokenizer, load_tokenizer, spm_model
from llama_jax.tokenizer.llama2c import read, recognise


def entry(text: str, score: float = 0.0) -> bytes:
    data = text.encode()
    return struct.pack("<fi", score, len(data)) + data


def llama2c_file(tokenizer: SentencePieceTokenizer) -> bytes:
    """What llama2.c's exporter writes for a SentencePiece model."""
    model = spm_model.read(tokenizer.serialized(), "x")
    texts = []
    for index, piece in enumerate(model.pieces):
        text = f"\n{piece.text}\n" if index in (1, 2) else piece.text
        texts.append(text.replace("\u2581", " "))
    longest = max(len(text.encode()) for text in texts)
    entries = zip(texts, model.pieces, strict=True)
    return struct.pack("<i", longest) + b"".join(entry(t, p.score) for t, p in entries)


def test_a_converted_file_is_the_same_tokenizer(small, tmp_path):
    path = tmp_path / "tok.bin"
    path.write_bytes(llama2c_file(small))
    tokenizer = load_tokenizer(path)
    assert tokenizer.sha256 == small.sha256
    text = "the cat  sat\ton \U0001f600 <s> über"
    assert tokenizer.encode(text) == small.encode(text)
    assert (tokenizer.bos_id, tokenizer.eos_id) == (1, 2)
    assert tokenizer.id_to_piece(1) == "<s>"


@pytest.fixture
def stories(shared):
    return shared / "models" / "stories260K"


@pytest.mark.shared
def test_tok512_bin_encodes_the_text_of_stories260k(stories):
    tokenizer = load_tokenizer(stories / "tok512.bin")
    expected = json.loads((stories / "expected_ids.json").read_text())
    text = tokenizer.decode(expected["ids"])
    assert text.startswith("Once upon a time, there was a little girl named Lily.")
    assert tokenizer.encode(text) == expected["ids"]
    assert tokenizer.vocab_size == 512


@pytest.mark.shared
def test_tok512_bin_and_model_encode_alike_except_extra_white_space(stories):
    binary = load_tokenizer(stories / "tok512.bin")
    model = load_tokenizer(stories / "tok512.model")
    cases = json.loads((stories / "expected_ids.json").read_text())["encode"]
    assert len(cases) == 10
    for case in cases:
        assert model.encode(case["text"]) == case["ids"]
        if "  " not in case["text"]:
            assert binary.encode(case["text"]) == case["ids"]
    pieces = [[t.id_to_piece(i) for i in range(512)] for t in (binary, model)]
    assert pieces[0] == pieces[1]
    # One tokenizer but for two settings of the .model file, and the digest says so.
    assert binary.sha256 != model.sha256
    settings = spm_model.read(model.serialized(), "tok512.model")
    as_llama = dataclasses.replace(settings, remove_extra_whitespace=False, unk_surface=" \u2047 ")
    assert binary.sha256 == as_llama.sha256()
    assert binary.decode(binary.encode("  two  spaces ")) == "  two  spaces "
    assert model.decode(model.encode("  two  spaces ")) == "two spaces"


def test_recognise_wants_the_unknown_piece_first():
    head = struct.pack("<i", 7) + entry("<unk>")
    assert recognise(head)
    assert not recognise(head[:-1])
    assert not recognise(struct.pack("<i", 4) + entry("<unk>"))
    assert not recognise(struct.pack("<i", 7) + entry("hello"))


SPECIAL = entry("<unk>") + entry("\n<s>\n") + entry("\n</s>\n")
BYTES = b"".join(entry(f"<0x{i:02X}>") for i in range(256))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (SPECIAL, "truncated llama2.c tokenizer: 3 pieces, but the 3 special pieces and 256"),
        (SPECIAL + BYTES + b"\x00\x00", "piece 259: 2 of 8 bytes are left"),
        (SPECIAL + BYTES + entry("ab")[:-1], "piece 259: 1 of 2 bytes are left"),
        (SPECIAL + BYTES + entry("abcdefghij"), "its length is 10, the header's longest is 7"),
        (SPECIAL + BYTES + struct.pack("<fi", 0, -1), "piece 259: its length is -1"),
        (SPECIAL + BYTES + struct.pack("<fi", 0, 1) + b"\xff", "piece 259: not UTF-8"),
        (
            entry("<unk>") + entry("<s>") * 2 + BYTES,
            r"piece 1 is '<s>', llama2.c writes '\\n<s>\\n'",
        ),
        (SPECIAL + entry("a") * 256, "piece 3 is 'a', llama2.c writes '<0x00>'"),
    ],
)
def test_another_layout_is_refused(body, reason):
    with pytest.raises(InputError, match=f"tok.bin: .*{reason}"):
        read(struct.pack("<i", 7) + body, "tok.bin")


def test_sentencepiece_has_the_last_word(tmp_path):
    path = tmp_path / "tok.bin"
    path.write_bytes(struct.pack("<i", 7) + SPECIAL + BYTES + entry("ab") + entry("ab"))
    with pytest.raises(InputError, match=r"tok\.bin: SentencePiece refuses this model: .*ab"):
        load_tokenizer(path)
