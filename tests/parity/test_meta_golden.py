"""Meta's checkpoints, read by us, against logits of the reference formulas."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import meta_model
from reference.torch_files import write_torch

from llama_jax import weights
from llama_jax.model import decoder
from llama_jax.weights.layout import split_half_to_interleaved

GOLDEN = Path(__file__).with_name("golden")


def golden(case):
    with np.load(GOLDEN / f"meta_{case}.npz") as file:
        return file["logits"]


def read(case, folder, shards):
    parts = meta_model.split(meta_model.tensors(case), shards)
    fields = meta_model.params_json(case)
    return weights.read(meta_model.write(folder, fields, parts, write_torch))


def logits(params, config):
    params = jax.tree.map(jnp.asarray, params)
    return jax.jit(decoder.apply, static_argnums=1)(params, config, meta_model.TOKENS)


@pytest.mark.parametrize("shards", [1, 4])
@pytest.mark.parametrize("case", meta_model.CASES)
def test_logits_equal_the_golden_file(case, shards, tmp_path):
    read_ = read(case, tmp_path, shards)
    assert np.abs(logits(read_.params, read_.config) - golden(case)).max() < 1e-5


@pytest.mark.parametrize("case", meta_model.CASES)
def test_golden_logits_tell_a_wrong_rope_layout(case, tmp_path):
    """Rows as Meta has them, taken for split halves: the mistake the reader must not make."""
    read_ = read(case, tmp_path, 1)
    attention = dict(read_.params["layers"]["attention"])
    for name in ("query", "key"):  # [L, D, heads, H]
        layers = []
        for layer in attention[name]:
            rows = layer.reshape(meta_model.D, -1).T
            wrong = split_half_to_interleaved(rows, layer.shape[1])
            layers.append(wrong.T.reshape(layer.shape))
        attention[name] = np.stack(layers)
    params = {**read_.params, "layers": {**read_.params["layers"], "attention": attention}}
    assert np.abs(logits(params, read_.config) - golden(case)).max() > 0.05


def test_the_golden_files_are_what_the_formulas_give():
    row = meta_model.logits("gqa", meta_model.TOKENS[0])
    np.testing.assert_allclose(golden("gqa")[0], row, atol=1e-10)
