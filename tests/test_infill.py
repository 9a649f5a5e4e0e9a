import jax
import pytest

from llama_jax import checkpoint, load, samples
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.infill import infill
from llama_jax.model import decoder
from llama_jax.prompts import infilling_ids, infilling_tokens
from llama_jax.tokenizer import load_tokenizer, spm_model

NAMES = ("PRE", "SUF", "MID", "EOT")


@pytest.fixture(scope="module")
def infilling_model(tmp_path_factory):
    """A checkpoint of random weights whose tokenizer has the infilling tokens."""
    model = spm_model.read(load_tokenizer(samples.TOKENIZER).serialized(), "tokenizer")
    pieces = [spm_model.Piece(f"\u2581<{name}>", -1000.0, spm_model.NORMAL) for name in NAMES]
    model = spm_model.SpmModel(**{**vars(model), "pieces": (*model.pieces, *pieces)})
    config = LlamaConfig(516, 32, 2, 4, 2, 48, 128, 1e-5)
    params = jax.tree.map(lambda a: 5 * a, decoder.init(jax.random.key(3), config))
    folder = tmp_path_factory.mktemp("infilling") / "model"
    checkpoint.save(folder, 1, params, config, tokenizer_bytes=spm_model.write(model))
    return folder


def test_the_gap_is_filled_up_to_eot(infilling_model):
    model = load(infilling_model)
    ids = infilling_ids(model.tokenizer, "a cat", " on a mat")
    [plain] = model.generations([ids], max_new_tokens=8)
    found = infill(model, "a cat", " on a mat", max_new_tokens=8)
    assert found.ids == plain.ids and found.stop_reason == "length"
    # The most likely third token, were it <EOT>, would end the text before it.
    end = infilling_tokens(model.tokenizer).end
    embedding = model.params["embedding"]
    third = next(i for i in plain.ids if i not in plain.ids[:2])
    swapped = {**model.params, "output": _swapped(model.params["output"], third, end)}
    swapped["embedding"] = embedding
    other = type(model)(model.config, swapped, model.tokenizer, model.path)
    found = infill(other, "a cat", " on a mat", max_new_tokens=8)
    assert (found.ids, found.stop_reason) == (plain.ids[: plain.ids.index(third)], "eos")
    assert "EOT" not in found.text


def _swapped(output, one, two):
    return output.at[..., one].set(output[..., two]).at[..., two].set(output[..., one])


def test_suffix_first_asks_something_else(infilling_model):
    model = load(infilling_model)
    ids = infilling_ids(model.tokenizer, "a", "b", suffix_first=True)
    [plain] = model.generations([ids], max_new_tokens=4)
    assert infill(model, "a", "b", suffix_first=True, max_new_tokens=4).ids == plain.ids


def test_a_model_without_the_tokens_is_refused(small_model):
    with pytest.raises(InputError, match="use Code Llama 7B or 13B"):
        infill(load(small_model), "a", "b")
