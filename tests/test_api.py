import dataclasses

import numpy as np
import pytest
from reference import numpy_llama

import llama_jax as lj
from llama_jax.errors import InputError


@pytest.fixture(scope="module")
def model(small_model):
    return lj.load(small_model)


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def test_logits_equal_numpy_float64(model):
    expected = numpy_llama.logits(
        model.stacked_params(), model.config, list(model.encode("A cat sat."))
    )
    np.testing.assert_allclose(model.logits("A cat sat."), expected, atol=1e-4)


def test_loglikelihood_equals_numpy_float64(model):
    result = model.loglikelihood("A cat", " sat down.")
    ids = list(model.encode("A cat sat down."))
    n = len(result.logprobs)
    expected = log_softmax(numpy_llama.logits(model.stacked_params(), model.config, ids))
    start = len(ids) - n
    np.testing.assert_allclose(
        result.logprobs, [expected[i - 1, ids[i]] for i in range(start, len(ids))], atol=1e-5
    )


def test_generate_one_or_several(model):
    one = model.generate("The", max_new_tokens=4)
    assert isinstance(one, str)
    assert model.generate(["A cat", "The"], max_new_tokens=4)[1] == one


def test_token_ids_are_taken_as_they_are(model):
    one = model.generations(["The"], max_new_tokens=4)
    assert model.generations([model.encode("The")], max_new_tokens=4) == one
    [ended] = model.generations(["The"], max_new_tokens=4, end_ids=(one[0].ids[1],))
    assert (ended.ids, ended.stop_reason) == (one[0].ids[:1], "eos")


def test_a_prompt_is_the_same_whatever_it_is_batched_with(model):
    alone = model.generate("The", max_new_tokens=6, temperature=1.0, seed=5)
    batch = model.generate(["The", "A cat sat on"], max_new_tokens=6, temperature=1.0, seed=5)
    assert batch[0] == alone


def test_streamed_pieces_join_to_the_text(model):
    pieces = {0: "", 1: ""}

    def collect(index, text):
        pieces[index] += text

    texts = model.generate(["The", "A cat"], max_new_tokens=12, on_text=collect)
    assert [pieces[0], pieces[1]] == texts


def test_a_dry_run_says_what_would_be_computed(small_model):
    model = lj.load(small_model, memory=2**30)
    told = lj.api.dry_run(model, ["hellaswag", "wic"], limit=2)
    assert told["hellaswag"].startswith("2 examples\n8 items in ")
    assert told["wic"].startswith("2 examples\n4 items in ")
    for text in told.values():
        assert "saved by sharing" in text and "peak memory: about" in text
    assert not model.engine.counts, "nothing is computed"


def test_a_budget_that_holds_nothing_is_refused(small_model):
    with pytest.raises(InputError, match="memory 1000 bytes: the parameters take"):
        lj.load(small_model, memory=1000)


def test_weights_in_eight_bits_are_close_and_called_so(small_model, model):
    int8 = lj.load(small_model, weight_dtype="int8")
    assert int8.info.dtype == "float32, int8 weights"
    exact, rounded = (m.loglikelihood("A cat", " sat down.").logprobs for m in (model, int8))
    assert exact != rounded
    np.testing.assert_allclose(rounded, exact, rtol=0.03)


def test_evaluate_is_what_the_command_line_calls(model):
    results = lj.evaluate(model, ["hellaswag"], limit=2)
    task = results.summary["tasks"]["hellaswag"]
    assert task["n"] == 2 and task["data"] == "samples"
    assert results.summary["model"]["parameters"] == model.info.parameters
    assert len(results.samples["hellaswag"]) == 2


def test_a_tokenizer_larger_than_the_embedding_is_refused(model):
    config = dataclasses.replace(model.config, vocab_size=400)
    with pytest.raises(InputError, match="512 pieces .* 400 rows"):
        lj.Model(config, model.params, model.tokenizer, "x")


def test_the_context_changes_what_is_accepted(model):
    long = dataclasses.replace(model, config=dataclasses.replace(model.config, context=64))
    prompt = "cat " * 40
    assert len(model.encode(prompt)) > 64
    assert model.generate(prompt, max_new_tokens=1) is not None
    with pytest.raises(InputError, match="exceed the context of 64 tokens"):
        long.generate(prompt, max_new_tokens=1)


def test_weights_without_a_tokenizer_ask_for_one(tmp_path):
    from reference import hf_model

    with pytest.raises(InputError, match="brings no tokenizer .* --tokenizer FILE"):
        lj.load(hf_model.write("gqa", tmp_path / "m"))


@pytest.mark.shared
def test_stories260k_tells_its_story(shared):
    import json

    folder = shared / "models" / "stories260K"
    model = lj.load(folder / "stories260K.bin", folder / "tok512.bin")
    expected = json.loads((folder / "expected_output.json").read_text())
    assert model.generate("", max_new_tokens=200) == expected["text"]


def test_an_interrupted_evaluation_ends_with_the_same_bytes(model, tmp_path):
    def run(out):
        lj.evaluate(model, ["hellaswag"], limit=12, out_dir=out)
        return [(out / name).read_bytes() for name in ("results.json", "samples/hellaswag.jsonl")]

    straight = run(tmp_path / "straight")
    run(tmp_path / "cut")
    journal = tmp_path / "cut" / "journal" / "hellaswag.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]))
    assert run(tmp_path / "cut") == straight
