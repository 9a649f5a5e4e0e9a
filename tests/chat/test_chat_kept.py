"""A dialogue whose keys and values are kept: reply by reply what computing all of it gives."""

import pytest

import llama_jax as lj
from llama_jax.chat import Sampling, Session, reply
from llama_jax.inference.kept import Kept

LINES = (
    *("Hello", "And then?", "Tell me more", "/reset", "Hello", "/system Be brief", "Hello"),
    *("a cat sat on a mat and it was warm " * 20, "Why?", "Go on", "Go on", "/reset", "Go on"),
)


def played(model, kept, temperature):
    """What a session on LINES shows, its notices, and how many prompt tokens it computed."""
    lines, written, notices, before = iter(LINES), [], [], model.engine.counts["prefilled"]

    def answer(messages, show, number):
        sampling = Sampling(temperature, max_new_tokens=40, seed=number)
        return reply(model, messages, sampling=sampling, on_text=show, kept=kept)

    def read():
        line = next(lines, None)
        if line is None:
            raise EOFError
        return line

    Session(answer, read=read, write=written.append, notice=notices.append).run()
    return written, notices, model.engine.counts["prefilled"] - before


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_a_session_says_the_same_and_computes_less(small_model, temperature):
    model = lj.load(small_model)
    shown, notices, computed = played(model, Kept(), temperature)
    expected, also, all_of_it = played(model, None, temperature)
    assert shown == expected and notices == also
    assert any("no room for a reply in the context of 128" in notice for notice in notices)
    assert any("context is full" in notice for notice in notices)
    assert computed < 0.75 * all_of_it  # of random texts some are encoded otherwise than drawn
