"""The sample tokenizer's settings, and the parts of the generator."""

from collections import Counter

import pytest
import sentencepiece

from llama_jax.samples import TOKENIZER
from llama_jax.samples.generator.clashes import clash
from llama_jax.samples.generator.distractors import positions, share_out
from llama_jax.samples.generator.grammar import Draw, blocks, lines, options, sentence
from llama_jax.samples.generator.scenes import PLACES, all_scenes


@pytest.fixture(scope="module")
def processor():
    return sentencepiece.SentencePieceProcessor(model_file=str(TOKENIZER))


def test_the_tokenizer_has_llamas_settings(processor):
    assert processor.vocab_size() == 512
    assert (processor.unk_id(), processor.bos_id(), processor.eos_id(), processor.pad_id()) == (
        0, 1, 2, -1,
    )  # fmt: skip
    assert [processor.id_to_piece(i) for i in (0, 1, 2, 3, 258)] == [
        "<unk>", "<s>", "</s>", "<0x00>", "<0xFF>",
    ]  # fmt: skip
    assert all(processor.is_byte(i) for i in range(3, 259))
    assert not processor.is_byte(259)


@pytest.mark.parametrize(
    "text",
    [
        "Mia took the broom.",
        " two  spaces ",
        "Question: Who?\nAnswer: a vet",
        "caf\u00e9 \u2603",
        "\t",
    ],
)
def test_the_tokenizer_gives_every_text_back(processor, text):
    ids = processor.encode(text)
    assert 0 not in ids
    assert processor.decode(ids) == text


def test_the_tokenizer_splits_digits_and_falls_back_to_bytes(processor):
    assert processor.encode("2023", out_type=str) == ["\u2581", "2", "0", "2", "3"]
    assert processor.encode("\n", out_type=str) == ["\u2581", "<0x0A>"]
    assert processor.encode("\u00e9", out_type=str) == ["\u2581", "<0xC3>", "<0xA9>"]


def test_every_wrong_choice_is_shared_out_evenly():
    keys = ["a", "b", "c", "d", "a", "e", "f", "g"]
    wrong = share_out(Draw(0), keys, [3] * 8, lambda one, other: one == other)
    assert Counter(other for row in wrong for other in row) == dict.fromkeys(range(8), 3)
    for key, others in zip(keys, wrong, strict=True):
        taken = [keys[other] for other in others]
        assert len({key, *taken}) == 4


def test_too_few_wrong_choices_are_refused():
    with pytest.raises(ValueError, match="2 different answers are too few or too alike"):
        share_out(Draw(0), ["a", "b"], [2, 2], lambda one, other: one == other)


def test_places_are_even_for_each_number_of_choices():
    sizes = [4] * 8 + [3] * 6
    places = positions(Draw(3), sizes)
    assert Counter(zip(sizes, places, strict=True)) == {
        **{(4, place): 2 for place in range(4)},
        **{(3, place): 2 for place in range(3)},
    }


def test_draws_are_those_of_random_random():
    # random.Random(0).random() starts 0.8444218515250481, 0.7579544029403025, 0.420571580830845.
    draw = Draw(0)
    assert [draw.below(1000), draw.one("abcd"), draw.chance(0.42)] == [844, "d", False]
    assert Draw(0).shuffled([1, 2, 3]) == [3, 2, 1]
    assert Draw(0).some([1, 2, 3], 2) == [3, 2]


def test_tables_are_read_by_lines_and_columns():
    assert lines("a | b\nc | d\n") == [("a", "b"), ("c", "d")]
    assert blocks("\na | b\nc / d\n/ e\n\nf | g\nh\n") == [("a", "b", "c / d / e"), ("f", "g", "h")]
    assert options("c / d / e") == ("c", "d", "e")
    assert [sentence("who?"), sentence("an owl hoots")] == ["Who?", "An owl hoots."]


def test_outcomes_clash_in_both_directions_and_with_themselves():
    assert clash("a key", "a key")
    assert clash("it sinks", "it floats")
    assert clash("it floats", "it sinks")
    assert not clash("a key", "a spoon")


def test_every_scene_can_be_told():
    scenes = all_scenes()
    assert [scene.index for scene in scenes] == list(range(len(scenes)))
    assert len({scene.key for scene in scenes}) == len(scenes)
    for scene in scenes:
        assert scene.label in PLACES
        assert len(scene.endings) == 2
        assert scene.objects or scene.held_setups, scene.key
        assert len(scene.objects) in (0, 4)
        slots = {"name": "", "her": "", "object": ""}
        for setup in scene.setups + scene.held_setups:
            assert setup.format(**slots)[-1] not in ".,;"
