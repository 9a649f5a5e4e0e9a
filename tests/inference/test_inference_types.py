import subprocess
import sys

import pytest

from llama_jax.errors import InputError
from llama_jax.inference.types import GenerateItem, ScoreItem


def test_importing_types_and_plan_leaves_jax_alone():
    code = (
        "import sys, llama_jax.inference.types, llama_jax.inference.plan, "
        "llama_jax.inference.generation; "
        "print([m for m in ('jax', 'flax') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("ids", "start", "message"),
    [
        ((), 1, "no ids"),
        ((1, 5), 0, "start 0 of 2 ids"),
        ((1, 5), 2, "it must be from 1 to 1"),
        ((1, -5), 1, "id -5 is negative"),
    ],
)
def test_score_item_refuses(ids, start, message):
    with pytest.raises(InputError, match=message):
        ScoreItem(ids, start)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ids": ()}, "no ids"),
        ({"max_new_tokens": 0}, "max_new_tokens 0 is below 1"),
        ({"stop": ("\n", "")}, "a stop string is empty"),
        ({"temperature": -0.5}, "temperature -0.5"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"top_k": -1}, "top_k -1 is below 0"),
        ({"top_p": 1.5}, "top_p 1.5 is not between 0 and 1"),
        ({"seed": 2**32}, "seed 4294967296 is not from 0"),
    ],
)
def test_generate_item_refuses(options, message):
    with pytest.raises(InputError, match=message):
        GenerateItem(**{"ids": (1,), "max_new_tokens": 4, **options})
