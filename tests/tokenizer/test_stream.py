import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.tokenizer import SentencePieceTokenizer, TextStream

MANY = settings(max_examples=100, deadline=None)
BYTE = 3  # id of <0x00> in every Llama tokenizer
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def byte_ids(data: bytes) -> list[int]:
    return [BYTE + byte for byte in data]


def ids_of(tokenizer) -> st.SearchStrategy[list[int]]:
    """Sequences as a model might emit: pieces, whole and broken characters, control tokens."""
    spaces = [tokenizer.encode(text) for text in (" ", "  ", "   ")]
    broken = [b"\xf0\x9f", b"\x98\x80", b"\xf0\x9f\x98\x80", b"\xe2\x82", b"\xff", b"\xef\xbf\xbd"]
    part = st.one_of(
        st.integers(0, tokenizer.vocab_size - 1).map(lambda token: [token]),
        st.integers(BYTE + 128, BYTE + 255).map(lambda token: [token]),
        st.sampled_from([*spaces, [1], [2], [0], *map(byte_ids, broken)]),
    )
    return st.lists(part, max_size=40).map(lambda parts: [i for ids in parts for i in ids])


def pushed(stream: TextStream, ids: list[int]) -> list[str]:
    return [*(stream.push(token) for token in ids), stream.close()]


@pytest.mark.parametrize("name", ["small", "collapsing"])
@MANY
@given(st.data())
def test_the_pieces_concatenate_to_the_text(request, name, data):
    tokenizer = request.getfixturevalue(name)
    ids = data.draw(ids_of(tokenizer))
    assert "".join(pushed(TextStream(tokenizer), ids)) == tokenizer.decode(ids)


@pytest.mark.parametrize("name", ["small", "collapsing"])
@MANY
@given(st.data())
def test_after_a_prompt_only_what_follows_it(request, name, data):
    tokenizer = request.getfixturevalue(name)
    prompt, ids = data.draw(ids_of(tokenizer)), data.draw(ids_of(tokenizer))
    # the unfinished end of a prompt is a case of its own
    prompt = [*prompt, *data.draw(st.sampled_from([[], *map(tokenizer.encode, ("the", "\ufffd"))]))]
    before, whole = tokenizer.decode(prompt), tokenizer.decode([*prompt, *ids])
    text = "".join(pushed(TextStream(tokenizer, prompt_ids=prompt), ids))
    assert whole.endswith(text)
    if whole.startswith(before) and not before.endswith(REPLACEMENT):
        assert before + text == whole
    # The stream that was given the prompt token by token says the same.
    stream = TextStream(tokenizer)
    for token in prompt:
        stream.push(token)
    assert "".join(pushed(stream, ids)) == text


@pytest.mark.shared
@MANY
@given(st.data())
def test_llama2_pieces_concatenate_to_the_text(llama, texts, data):
    ids = data.draw(ids_of(llama)) + llama.encode(data.draw(texts))
    assert "".join(pushed(TextStream(llama), ids)) == llama.decode(ids)


def test_a_character_comes_when_it_is_complete(small):
    ids = small.encode("the \U0001f600 cat")
    assert pushed(TextStream(small), ids) == ["the", " ", "", "", "", "\U0001f600", " cat", ""]


def test_the_first_space_is_dropped_at_the_beginning_only(small):
    cat = small.encode("cat")
    assert pushed(TextStream(small), cat + cat) == ["cat", " cat", ""]
    assert pushed(TextStream(small, [small.bos_id]), cat) == ["cat", ""]
    assert pushed(TextStream(small, [small.bos_id, *cat]), cat) == [" cat", ""]
    assert pushed(TextStream(small, cat), [small.bos_id, *cat]) == ["", " cat", ""]


def test_where_the_text_begins_is_remembered_across_tokens_without_text(small):
    cat, silence = small.encode("cat"), [small.eos_id] * 100
    assert "".join(pushed(TextStream(small), silence + cat)) == "cat"
    assert "".join(pushed(TextStream(small), cat + silence + cat)) == "cat cat"
    assert "".join(pushed(TextStream(small, cat + silence), cat)) == " cat"


def test_a_text_that_ends_inside_a_character(small):
    assert pushed(TextStream(small), byte_ids(b"a\xf0\x9f")) == ["a", "", "", REPLACEMENT * 2]
    # Four bytes that no character can begin with are known to be wrong before the end.
    assert pushed(TextStream(small), byte_ids(b"\xff\xff")) == [REPLACEMENT, REPLACEMENT, ""]


def test_a_prompt_that_ends_inside_a_character(small):
    stream = TextStream(small, byte_ids(b"a\xf0\x9f"))
    assert pushed(stream, byte_ids(b"\x98\x80b")) == ["", "\U0001f600", "b", ""]


def test_a_replacement_character_of_the_prompt_is_not_repeated(small):
    prompt = small.encode("the \ufffd")
    assert pushed(TextStream(small, prompt), small.encode("cat")) == [" cat", ""]


class Counting(SentencePieceTokenizer):
    """Remembers the longest sequence that it had to decode."""

    longest = 0

    def decode(self, ids):
        self.longest = max(self.longest, len(ids))
        return super().decode(ids)


def test_the_work_per_token_is_bounded(small, small_file):
    tokenizer = Counting(small_file)
    for ids in (
        small.encode("the cat sat " * 50),
        byte_ids("ქა".encode() * 60),
        byte_ids(b"\xf0" * 200),
    ):
        assert "".join(pushed(TextStream(tokenizer), ids)) == small.decode(ids)
    assert 8 < tokenizer.longest < 40


def test_nothing_is_pushed_after_close(small):
    stream = TextStream(small)
    stream.push(5)
    stream.close()
    with pytest.raises(RuntimeError, match="push after close"):
        stream.push(5)
