import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.errors import InputError
from llama_jax.tokenizer import encode_pair, load_tokenizer
from llama_jax.tokenizer.spm_model import LOWER_BLOCK

MANY = settings(max_examples=100, deadline=None)


def pieces(tokenizer, ids) -> list[str]:
    return [tokenizer.id_to_piece(token) for token in ids]


def normalized(piece: str) -> bytes:
    return bytes([int(piece[3:5], 16)]) if piece.startswith("<0x") else piece.encode()


def inside(tokenizer, ids, context: str) -> int:
    """How many of `ids` lie inside `context`, by the longest prefix that spells a prefix of it."""
    whole = (LOWER_BLOCK + context).replace(" ", LOWER_BLOCK).encode() if context else b""
    spelled = [b""]
    for piece in pieces(tokenizer, ids):
        spelled.append(spelled[-1] + normalized(piece))
    return max(k for k, prefix in enumerate(spelled) if whole.startswith(prefix))


def check(tokenizer, context: str, continuation: str) -> None:
    pair = encode_pair(tokenizer, context, continuation)
    ids = tokenizer.encode(context + continuation)
    assert pair.ids == (tokenizer.bos_id, *ids)
    assert pair.ids.count(tokenizer.bos_id) == 1
    assert pair.start == 1 + inside(tokenizer, ids, context)
    assert pair.start < len(pair.ids)
    # What the context keeps is a beginning of it, all of it unless a token spans the border.
    kept = tokenizer.decode(pair.ids[: pair.start])
    plain = context.replace(LOWER_BLOCK, " ")
    assert plain.startswith(kept)
    assert pair.spans == (kept != plain)


@MANY
@given(st.data())
def test_any_context_and_continuation(small, texts, data):
    check(small, data.draw(texts), data.draw(texts.filter(bool)))


@MANY
@given(st.data())
def test_any_split_of_a_text(small, texts, data):
    text = data.draw(texts.filter(bool))
    border = data.draw(st.integers(0, len(text) - 1))
    check(small, text[:border], text[border:])


def test_every_split_of_a_long_text(small, fragments):
    rng = random.Random(0)
    splits = 0
    while splits < 1000:
        text = "".join(rng.sample(fragments, len(fragments)))
        for border in range(len(text)):
            check(small, text[:border], text[border:])
        splits += len(text)


@pytest.mark.shared
@MANY
@given(st.data())
def test_any_context_and_continuation_for_llama2(llama, texts, data):
    check(llama, data.draw(texts), data.draw(texts.filter(bool)))


CLEF = ["<0xF0>", "<0x9D>", "<0x84>", "<0x9E>"]


@pytest.mark.parametrize(
    ("context", "continuation", "left", "right", "spans"),
    [
        ("the cat", " sat", ["▁the", "▁cat"], ["▁sat"], False),
        ("the cat ", "sat", ["▁the", "▁cat"], ["▁sat"], True),
        ("the ca", "t sat", ["▁the"], ["▁cat", "▁sat"], True),
        ("", "the cat", [], ["▁the", "▁cat"], False),
        ("", " the", [], ["▁▁", "th", "e"], False),
        (" ", "the", ["▁▁"], ["th", "e"], False),
        ("the", "\n", ["▁the"], ["<0x0A>"], False),
        ("\n", "\n", ["▁", "<0x0A>"], ["<0x0A>"], False),
        ("the", "\u2581cat", ["▁the"], ["▁cat"], False),
        ("the\u2581", "cat", ["▁the"], ["▁cat"], True),
        ("é\U0001d11e", "é", ["▁", "é", *CLEF], ["é"], False),
        ("the", "\u00ff", ["▁the"], ["<0xC3>", "<0xBF>"], False),
    ],
)
def test_borders_by_hand(small, context, continuation, left, right, spans):
    pair = encode_pair(small, context, continuation)
    assert pieces(small, pair.ids) == ["<s>", *left, *right]
    assert pieces(small, pair.ids[pair.start :]) == right
    assert pair.spans == spans


def test_a_continuation_changes_the_tokens_before_it(small):
    """A merge over the border may undo a merge inside the context."""
    alone = pieces(small, small.encode("gree"))
    pair = encode_pair(small, "gree", "n")
    assert pieces(small, pair.ids) == ["<s>", "▁green"]
    assert (pair.start, pair.spans) == (1, True)
    assert "▁green" not in alone


@pytest.mark.shared
def test_prompts_for_llama2(llama):
    # Ids worked out from the published vocabulary: "Hello" 15043, "world" 3186, "!" 29991.
    assert encode_pair(llama, "Hello", " world!").ids == (1, 15043, 3186, 29991)
    assert encode_pair(llama, "Hello ", "world!").start == 2
    assert encode_pair(llama, "Hello ", "world!").spans
    check(llama, "Question: is it?\nAnswer:", " yes")
    check(llama, "Question: is it?\nAnswer: ", "yes")
    check(llama, "<s>[INST] hi [/INST]", " hello </s>")
    # Splits inside a token, as reported to lm-evaluation-harness (pull request 4055, issue 1053).
    for context, continuation in (("Ans", "wer"), ("hello wor", "ld"), ("answer:", " C")):
        check(llama, context, continuation)


@MANY
@given(st.data())
def test_where_extra_white_space_is_removed(collapsing, data):
    fragments = st.sampled_from([" ", "  ", "the", "cat", "\n", "\t", "\U0001f600", "x"])
    context = data.draw(st.lists(fragments, max_size=6).map("".join))
    continuation = data.draw(st.lists(fragments, min_size=1, max_size=6).map("".join))
    text = context + continuation
    pair_inside = None
    if continuation.strip(" "):
        pair = encode_pair(collapsing, context, continuation)
        assert pair.ids == (collapsing.bos_id, *collapsing.encode(text))
        pair_inside = pair.start - 1
    assert pair_inside == collapsed_inside(collapsing, context, text)


def collapsed_inside(tokenizer, context: str, text: str) -> int | None:
    """The same, with each run of spaces one space that ends where the run ends."""
    first = len(text) - len(text.lstrip(" "))
    last = len(text.rstrip(" "))
    # (byte of the collapsed text, where its character begins and ends in `text`)
    origin = [(first, first)] * 3 if last > first else []
    at = first
    while at < last:
        end = at + 1
        while text[at] == " " and text[end] == " ":
            end += 1
        size = len(LOWER_BLOCK.encode()) if text[at] == " " else len(text[at].encode())
        origin += [(at, end)] * size
        at = end
    used = position = 0
    for index, token in enumerate(ids := tokenizer.encode(text)):
        size = len(normalized(tokenizer.id_to_piece(token)))
        begin, end = origin[position][0], origin[position + size - 1][1]
        position += size
        if begin < len(context) and end <= len(context):
            used = index + 1
    return used if used < len(ids) else None


@pytest.mark.shared
def test_tok512_model_removes_white_space(shared):
    tokenizer = load_tokenizer(shared / "models" / "stories260K" / "tok512.model")
    pair = encode_pair(tokenizer, "  Once  upon ", " a time ")
    assert pair.ids == (1, 403, 407, 261, 378)
    assert (pair.start, pair.spans) == (3, True)
    with pytest.raises(InputError, match="'  ' after the context 'Once' has no token: this"):
        encode_pair(tokenizer, "Once", "  ")


def test_an_empty_continuation_is_refused(small):
    with pytest.raises(InputError, match="empty continuation after the context 'the cat'"):
        encode_pair(small, "the cat", "")
    with pytest.raises(InputError, match=r"empty continuation after the context \.\.\.'x{40}'"):
        encode_pair(small, "x" * 50, "")
