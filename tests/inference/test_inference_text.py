import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.inference.text import Continuation, StopFinder
from llama_jax.inference.types import GenerateItem


def run(stops, pieces):
    finder = StopFinder(stops)
    shown = []
    for piece in pieces:
        shown.append(finder.push(piece))
        if finder.stopped:
            return shown, True
    return [*shown, finder.close()], False


@pytest.mark.parametrize(
    ("stops", "pieces", "shown"),
    [
        ((), ["ab", "c"], ["ab", "c", ""]),
        (("\n\n",), ["a", "\n", "\n"], ["a", "", ""]),
        (("\n\n",), ["a\n", "b", "\n", "\nc"], ["a", "\nb", "", ""]),
        (("abab",), ["ab", "ac", "ababx"], ["", "abac", ""]),
        (("aab",), ["a", "a", "a", "b"], ["", "", "a", ""]),
        (("Q:", "\n"), ["x Q", "\n"], ["x ", "Q"]),
        (("END",), ["the EN"], ["the ", "EN"]),
        (("b", "abc"), ["ab"], ["a"]),
    ],
)
def test_stop_strings_by_hand(stops, pieces, shown):
    assert run(stops, pieces)[0] == shown


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
    st.lists(st.text("abc", max_size=4), max_size=8),
)
def test_shown_text_is_what_precedes_the_first_stop_string(stops, pieces):
    shown, stopped = run(stops, pieces)
    seen = ""
    for piece in pieces:
        seen += piece
        found = [seen.find(stop) for stop in stops if stop in seen]
        if found:
            assert (stopped, "".join(shown)) == (True, seen[: min(found)])
            return
    assert (stopped, "".join(shown)) == (False, seen)


def test_continuation_counts_and_ends(tokenizer):
    item = GenerateItem((1,), 3)
    a, b, c = tokenizer.encode("abc")
    row = Continuation(item, 3, tokenizer)
    assert [row.push(a), row.remaining, row.push(b), row.push(c)] == ["a", 2, "b", "c"]
    assert (row.remaining, row.result().ids, row.result().text) == (0, (a, b, c), "abc")
    assert row.result().stop_reason == "length"


def test_continuation_ends_at_eos_and_shows_what_was_held_back(tokenizer):
    row = Continuation(GenerateItem((1,), 9, stop=("abc",)), 9, tokenizer)
    assert [row.push(token) for token in (*tokenizer.encode("ab"), 2)] == ["", "", "ab"]
    assert (row.result().text, row.result().stop_reason, row.remaining) == ("ab", "eos", 0)
    assert row.result().ids == tuple(tokenizer.encode("ab"))


def test_continuation_keeps_the_ids_that_spell_the_stop_string(tokenizer):
    row = Continuation(GenerateItem((1,), 9, stop=("bc",)), 9, tokenizer)
    assert [row.push(token) for token in tokenizer.encode("abc")] == ["a", "", ""]
    assert (row.result().text, row.result().stop_reason) == ("a", "stop")
    assert row.result().ids == tuple(tokenizer.encode("abc"))
