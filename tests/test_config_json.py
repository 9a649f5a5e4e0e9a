"""Configurations to JSON and back."""

import json

import pytest

from llama_jax.config import PRESETS, TINY
from llama_jax.config_json import from_json, to_json
from llama_jax.errors import InputError


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_survives(name):
    config = PRESETS[name].config
    assert from_json(json.loads(json.dumps(to_json(config)))) == config


def test_whole_numbers_may_stand_for_floats():
    assert from_json({**to_json(TINY), "rope_theta": 10000}) == TINY


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logit_cap": 3.0}, "here: has logit_cap, which this version does not know"),
        ({"dim": None}, "here: lacks dim"),
        ({"dim": 128.0}, "here: dim is 128.0, not int"),
        ({"dim": True}, "here: dim is True, not int"),
        ({"norm_eps": "1e-5"}, "here: norm_eps is '1e-5', not float"),
        ({"tied_embeddings": 1}, "here: tied_embeddings is 1, not bool"),
        ({"rope_scaling": {"factor": 2.0}}, "here: rope_scaling: lacks high_freq_factor, low"),
        ({"rope_scaling": True}, "here: rope_scaling: True is not a JSON object"),
    ],
)
def test_refusals(change, message):
    fields = {**to_json(TINY), **change}
    fields = {name: value for name, value in fields.items() if value is not None or name != "dim"}
    with pytest.raises(InputError) as error:
        from_json(fields, "here")
    assert message in str(error.value)


def test_refuses_what_is_no_object():
    with pytest.raises(InputError, match=r"config: \[\] is not a JSON object"):
        from_json([])
