"""SentencePiece models inside GGUF files: rebuilt exactly, or refused with the remedy."""

import gguf
import pytest
from reference.gguf_files import add_tokenizer

from llama_jax import samples
from llama_jax.errors import InputError
from llama_jax.tokenizer import load_tokenizer, spm_model

PIECES = spm_model.read(samples.TOKENIZER.read_bytes(), "sample").pieces


@pytest.fixture
def write(tmp_path):
    def write(pieces=PIECES, model="llama", change=None):
        writer = gguf.GGUFWriter(tmp_path / "vocabulary.gguf", "llama")
        add_tokenizer(writer, pieces, model)
        if change is not None:
            change(writer)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return tmp_path / "vocabulary.gguf"

    return write


def refusal(path):
    with pytest.raises(InputError) as error:
        load_tokenizer(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


def test_is_the_model_that_it_was_made_from(write):
    found, expected = load_tokenizer(write()), load_tokenizer(samples.TOKENIZER)
    assert found.sha256 == expected.sha256
    text = "  Once upon\ta time, \u4f60\U0001f600 <s>"
    assert found.encode(text) == expected.encode(text)


def test_no_space_is_put_in_front_where_the_file_says_so(write):
    found = load_tokenizer(write(change=lambda writer: writer.add_add_space_prefix(False)))
    ids = found.encode("Once")
    assert ids != load_tokenizer(samples.TOKENIZER).encode("Once")
    assert not found.id_to_piece(ids[0]).startswith("\u2581")


def test_other_kinds_are_refused_by_name(write):
    message = refusal(write(model="gpt2"))
    assert "tokenizer.ggml.model is 'gpt2'; only 'llama'" in message and "--tokenizer" in message


def test_added_tokens_are_refused_by_name(write):
    pieces = [*PIECES, ("<|im_start|>", 0.0, spm_model.USER_DEFINED)]
    message = refusal(write(pieces))
    assert "token '<|im_start|>' is of type 4" in message and "--tokenizer" in message


def test_a_cut_file_is_refused(write):
    path = write()
    path.write_bytes(path.read_bytes()[:3000])
    assert "cut short or damaged" in refusal(path)
