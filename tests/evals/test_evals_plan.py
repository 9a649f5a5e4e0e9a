import dataclasses

import pytest

from llama_jax.errors import InputError
from llama_jax.evals.benchmarks import benchmark, protocol
from llama_jax.evals.plan import plan_task
from llama_jax.evals.protocol import Source
from llama_jax.evals.types import Example


@pytest.fixture
def plan(raw, tokenizer):
    def make(name="hellaswag", context=512, way="paper", **more):
        folder, manifest = raw
        task = benchmark(name)
        more = {"data_dir": folder, "manifest": manifest} | more
        return plan_task(task, protocol(task, way), tokenizer, context, **more)

    return make


@pytest.fixture
def plan_toy(toy, tokenizer):
    def make(context=512, way=None, **more):
        toy_benchmark, folder, manifest = toy
        task = toy_benchmark(**way or {})
        more = {"data_dir": folder, "manifest": manifest} | more
        return plan_task(task, task.protocols[0], tokenizer, context, **more)

    return make


def test_each_different_item_is_asked_once(plan):
    found = plan()
    assert [len(places) for places in found.places] == [4, 4, 4, 4]
    # the second row's last two endings read the same
    assert found.places[1][2] == found.places[1][3]
    assert len(found.items) == 15 == len(set(found.items))
    text = bytes(i - 3 for i in found.items[found.places[0][0]].ids[1:]).decode()
    assert text == "Juggling: A girl picks up three oranges. She throws them up."
    assert found.overflow == {"policy": "error", "examples": 0, "shots": 0}


def test_prompts_digest_is_of_the_prompts_alone(plan):
    assert plan().prompts_sha256 == plan(way="lm-eval").prompts_sha256
    assert plan().prompts_sha256 != plan(limit=3).prompts_sha256


def test_limit_takes_the_first_examples(plan):
    assert [example.id for example in plan(limit=2).examples] == ["0", "1"]
    assert [example.id for example in plan(limit=99).examples] == ["0", "1", "2", "3"]


def test_limit_counts_in_each_subtask(plan_toy):
    ids = [example.id for example in plan_toy(limit=2).examples]
    assert ids == ["toy/add:0", "toy/add:1", "toy/twice:0", "toy/twice:1"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_is_refused(plan, limit):
    with pytest.raises(InputError, match=f"limit {limit}: it must be at least 1"):
        plan(limit=limit)


def test_an_example_that_does_not_fit_is_refused_never_cut(plan):
    # the longest item is asked for; the first that does not fit is named
    with pytest.raises(InputError) as error:
        plan(context=60)
    assert str(error.value) == (
        "hellaswag example 0: context 45 + continuation 25 tokens, the model's context is 60; "
        "use a model with a longer context"
    )


def test_the_last_scored_token_needs_no_place_in_the_context(plan):
    longest = max(len(item.ids) for item in plan().items)
    assert plan(context=longest - 1).items == plan().items
    with pytest.raises(InputError, match=f"the model's context is {longest - 2};"):
        plan(context=longest - 2)


def test_shots_that_a_protocol_does_not_define_are_refused(plan, plan_toy):
    with pytest.raises(InputError, match="hellaswag: 5 shots; protocol paper is defined for 0"):
        plan(shots=5)
    with pytest.raises(InputError, match="toy: 1 shots; protocol paper is defined for 2, 0, 3"):
        plan_toy(shots=1)


def test_shots_come_first_and_from_their_own_subtask(plan_toy):
    found = plan_toy()
    assert found.shots == 2
    assert found.requests[6].prompt == (
        "Q: 0 with 0\nA: 0\nQ: 1 with 1\nA: 2\nQ: 1 and 2\nA:"  # "twice", its second example
    )
    assert plan_toy(shots=0).requests[6].prompt == "Q: 1 and 2\nA:"
    assert plan_toy(shots=0).shots_known is None


def test_whole_shots_are_dropped_from_the_end_where_a_prompt_is_too_long(plan_toy):
    # three shots of 17 bytes, a question of 13, the beginning, and 4 tokens to come: 69
    assert plan_toy(context=69, shots=3).overflow["shots"] == 0
    found = plan_toy(context=68, shots=3, on_overflow="drop-shots")
    assert found.overflow == {"policy": "drop-shots", "examples": 10, "shots": 10}
    assert found.requests[0].prompt == "Q: 0 with 0\nA: 0\nQ: 1 with 1\nA: 1\nQ: 0 and 0\nA:"


def test_the_protocol_may_say_itself_what_happens_to_long_prompts(plan_toy):
    found = plan_toy(context=40, way={"on_overflow": "drop-shots"})
    assert found.overflow == {"policy": "drop-shots", "examples": 10, "shots": 10}


def test_dropping_shots_never_cuts_the_question(plan_toy):
    with pytest.raises(InputError) as error:
        plan_toy(context=17, on_overflow="drop-shots")
    assert str(error.value) == (
        "toy example toy/add:0: the prompt has 14 tokens and 4 may follow, the model's context is "
        "17; use a model with a longer context"
    )


def test_too_long_with_shots_names_the_other_ways_out(plan_toy):
    with pytest.raises(InputError, match="fewer shots, or --on-overflow drop-shots"):
        plan_toy(context=40)


def test_an_unknown_policy_is_refused(plan):
    with pytest.raises(InputError, match="on_overflow 'cut' is not one of error, drop-shots"):
        plan(on_overflow="cut")


def test_a_pool_with_too_few_shots_is_refused(plan_toy):
    with pytest.raises(InputError, match="toy example toy/add:0: 3 shots where 4 are wanted"):
        plan_toy(way={"shots": (4,)})


def test_an_id_that_occurs_twice_is_refused(toy, tokenizer):
    toy_benchmark, folder, manifest = toy
    task = toy_benchmark()
    nameless = Source(task.examples.schema, lambda row: Example("same", row.fields))
    with pytest.raises(InputError, match="toy: 10 examples have the id 'same'; ids must be unique"):
        plan_task(
            dataclasses.replace(task, examples=nameless),
            task.protocols[0],
            tokenizer,
            512,
            data_dir=folder,
            manifest=manifest,
        )
