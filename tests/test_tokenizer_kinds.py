"""Generation, evaluation and checkpoints with tokenizers that are not SentencePiece's."""

import json

import jax
import pytest
from reference.weight_files import draw, hf_config, hf_tensors, write_hf
from tokenizer import bpe

import llama_jax as lj
from llama_jax import checkpoint
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.inference.engine import Engine
from llama_jax.inference.types import GenerateItem
from llama_jax.tokenizer import (
    HuggingFaceTokenizer,
    SentencePieceTokenizer,
    TiktokenTokenizer,
    load_tokenizer,
)
from llama_jax.tokenizer.train import train_char

TOKENS = bpe.train(bpe.TEXT, 80)
CONFIG = LlamaConfig(len(TOKENS) + 256, 32, 2, 4, 2, 48, 512, 1e-5)
KINDS = {
    "tiktoken": ("tokenizer.model", bpe.tiktoken_file(TOKENS), TiktokenTokenizer),
    "json": ("tokenizer.json", bpe.tokenizer_json(TOKENS), HuggingFaceTokenizer),
    "char": ("tokenizer.model", train_char([bpe.TEXT]), SentencePieceTokenizer),
}


@pytest.fixture(scope="module")
def params():
    return draw(CONFIG)


@pytest.fixture(scope="module", params=KINDS)
def model(request, params, tmp_path_factory):
    """A Hugging Face directory with one tokenizer's file beside the weights, loaded."""
    name, file, kind = KINDS[request.param]
    folder = tmp_path_factory.mktemp("model") / request.param
    write_hf(folder, hf_tensors(params, CONFIG), hf_config(CONFIG))
    (folder / name).write_bytes(file)
    loaded = lj.load(folder)
    assert type(loaded.tokenizer) is kind
    return loaded


def test_the_streamed_text_is_the_text(model):
    shown = []
    result = model.generations(
        ["The cat\n"], max_new_tokens=40, temperature=2.0, on_text=lambda _, new: shown.append(new)
    )[0]
    assert "".join(shown) == result.text
    assert result.text == model.tokenizer.decode(
        [*model.encode("The cat\n"), *result.ids]
    ).removeprefix(model.tokenizer.decode(model.encode("The cat\n")))


def test_benchmarks_and_perplexity(model):
    results = lj.evaluate(model, ["hellaswag"], limit=2, shots=0)
    assert results.summary["tasks"]["hellaswag"]["hashes"]["tokenizer"] == model.tokenizer.sha256
    found = model.perplexity("the cat sat on the mat\n" * 4)
    assert found.tokens == len(model.tokenizer.encode("the cat sat on the mat\n" * 4))


def test_a_checkpoint_keeps_it(model, tmp_path):
    data = model.tokenizer.serialized()
    checkpoint.save(tmp_path / "run", 1, model.stacked_params(), model.config, tokenizer_bytes=data)
    read = lj.load(tmp_path / "run")
    assert read.tokenizer.sha256 == model.tokenizer.sha256
    assert read.generate("the", max_new_tokens=5) == model.generate("the", max_new_tokens=5)


def test_whatever_ends_a_turn_ends_the_text(params):
    """The last of three stop ids is what a greedy model emits third."""
    tokenizer = TiktokenTokenizer(bpe.tiktoken_file(TOKENS))
    prompt = (tokenizer.bos_id, *tokenizer.encode("the cat"))
    params = jax.tree.map(lambda a: 5 * a, params)
    free = _greedy(params, tokenizer, prompt, ())
    assert len(free) == 12
    first = free.index(free[2])
    for stops in ((tokenizer.eos_id, 0, free[2]), (free[2], tokenizer.eos_id)):
        assert _greedy(params, tokenizer, prompt, stops) == free[:first]


def _greedy(params, tokenizer, prompt, stops) -> tuple[int, ...]:
    tokenizer.stop_ids = stops or (-1,)
    engine = Engine(params, CONFIG, tokenizer)
    (result,) = engine.generate([GenerateItem(prompt, 12)])
    assert result.stop_reason == ("eos" if stops else "length")
    return result.ids


def test_an_instruct_folder_ends_with_its_eos(params, tmp_path):
    write_hf(tmp_path / "model", hf_tensors(params, CONFIG), hf_config(CONFIG))
    (tmp_path / "model" / "tokenizer.json").write_bytes(KINDS["json"][1])
    names = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
    (tmp_path / "model" / "tokenizer_config.json").write_text(json.dumps(names))
    model = lj.load(tmp_path / "model")
    assert model.tokenizer.id_to_piece(model.tokenizer.eos_id) == "<|eot_id|>"


def test_a_tokenizer_too_large_for_the_model_is_refused(params, tmp_path):
    write_hf(tmp_path / "model", hf_tensors(params, CONFIG), hf_config(CONFIG))
    more = bpe.tiktoken_file(bpe.train(bpe.TEXT, 81))
    (tmp_path / "model" / "tokenizer.model").write_bytes(more)
    with pytest.raises(InputError, match="tokenizer has 593 pieces but the model's .* 592 rows"):
        lj.load(tmp_path / "model")
    assert load_tokenizer(tmp_path / "model").vocab_size == 593
