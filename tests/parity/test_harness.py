"""Our lm-eval protocols against lm-evaluation-harness: what is asked, and what comes of it."""

import json
import shutil
from pathlib import Path

import pytest
from parity.harness_compare import compare_rolling, compare_task
from reference import hf_model

import llama_jax as lj
from llama_jax import samples

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("harness.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = hf_model.write("harness", tmp_path_factory.mktemp("harness"))
    shutil.copyfile(samples.TOKENIZER, folder / "tokenizer.model")
    return lj.load(folder)


@pytest.mark.parametrize("name", GOLDEN["tasks"])
def test_asks_and_gets_what_the_harness_does(model, name):
    seen = compare_task(name, GOLDEN["tasks"][name], model, None)
    assert seen.wrong == []
    assert seen.documents >= 4
    assert seen.numbers + seen.texts >= 6


def test_rolling_log_likelihoods(model):
    seen = compare_rolling(GOLDEN["rolling"], model)
    assert seen.wrong == []
    assert seen.documents == seen.numbers == 21
