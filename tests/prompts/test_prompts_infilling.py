import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.errors import InputError
from llama_jax.prompts import decode_infilling, infilling_ids, infilling_tokens

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "parity" / "golden" / "chat.json").read_text(encoding="utf-8")
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\u2581\0"), max_size=20)


@pytest.mark.shared
@pytest.mark.parametrize("case", GOLDEN["infilling"], ids=lambda case: case["name"])
def test_the_ids_are_those_of_metas_code(code_llama, case):
    gap = case["prefix"], case["suffix"]
    assert infilling_ids(code_llama, *gap) == case["ids"]
    assert infilling_ids(code_llama, *gap, suffix_first=True) == case["ids_suffix_first"]


@pytest.mark.shared
def test_the_tokens_are_those_of_code_llama(code_llama):
    assert infilling_tokens(code_llama) == (32007, 32008, 32009, 32010)


@settings(deadline=None, max_examples=50)
@given(TEXTS, TEXTS)
def test_both_sides_come_back(small_infilling, prefix, suffix):
    pre, suf, mid, _ = infilling_tokens(small_infilling)
    ids = infilling_ids(small_infilling, prefix, suffix)
    assert ids[:2] == [small_infilling.bos_id, pre] and ids[-1] == mid
    cut = ids.index(suf)
    assert small_infilling.decode(ids[2:cut]) == prefix
    assert decode_infilling(small_infilling, ids[cut + 1 : -1]) == suffix
    other = infilling_ids(small_infilling, prefix, suffix, suffix_first=True)
    assert other == [ids[0], pre, suf, *ids[cut + 1 : -1], mid, *ids[2:cut]]


def test_a_text_that_begins_with_a_space_keeps_it(small_infilling):
    assert decode_infilling(small_infilling, small_infilling.encode("the")) == " the"
    assert decode_infilling(small_infilling, []) == ""


def test_a_model_without_the_tokens_is_refused(small):
    with pytest.raises(InputError) as refused:
        infilling_ids(small, "a", "b")
    assert "512 pieces lack '\u2581<PRE>', '\u2581<SUF>', '\u2581<MID>'" in str(refused.value)
    assert "use Code Llama 7B or 13B" in str(refused.value)


@pytest.mark.shared
@pytest.mark.parametrize("side", ["prefix", "suffix"])
def test_a_text_that_spells_a_token_is_refused(code_llama, side):
    gap = {"prefix": "a", "suffix": "b"} | {side: "<a> <MID> <b>"}
    with pytest.raises(InputError, match=f"the {side} holds ' <MID>', which the tokenizer reads"):
        infilling_ids(code_llama, **gap)
    assert infilling_ids(code_llama, "x<MID>", "y")  # without the space it is plain text
