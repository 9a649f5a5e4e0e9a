"""The class that lm_eval gets, with a stand-in for lm_eval's own modules."""

import importlib
import subprocess
import sys
import types
from dataclasses import dataclass, field

import pytest

import llama_jax as lj
from llama_jax.errors import InputError

NAME = "llama_jax.lm_eval_backend.model"


class Hook:
    """Keeps what the backend hands to lm_eval's cache of answers."""

    def __init__(self):
        self.kept = {}

    def add_partial(self, kind, args, answer):
        self.kept[kind, str(args)] = answer


class FakeLM:
    """What lm_eval.api.model.LM does for its subclasses."""

    def __init__(self):
        self.cache_hook = Hook()


@dataclass
class Request:
    """An lm_eval Instance: only `args` is read."""

    args: tuple = field(default=())


@pytest.fixture(scope="module")
def registered(small_model):
    """The registered classes by name, once the module is imported."""
    found = {}

    def register_model(name):
        return lambda cls: found.setdefault(name, cls)

    with pytest.MonkeyPatch.context() as patch:
        contents = {
            "lm_eval": {},
            "lm_eval.models": {},
            "lm_eval.api": {},
            "lm_eval.api.model": {"LM": FakeLM},
            "lm_eval.api.registry": {"register_model": register_model},
        }
        for name, names in contents.items():
            module = types.ModuleType(name)
            module.__dict__.update(names, __path__=[])
            patch.setitem(sys.modules, name, module)
        patch.delitem(sys.modules, NAME, raising=False)
        importlib.import_module(NAME)
        yield found
        del sys.modules[NAME]


@pytest.fixture(scope="module")
def backend(registered, small_model):
    # As lm_eval calls it: its own arguments beside those of --model_args.
    return registered["llama_jax"](path=str(small_model), batch_size=1, max_batch_size=8)


@pytest.fixture(scope="module")
def model(small_model):
    return lj.load(small_model)


def test_log_likelihoods_come_in_the_order_asked(backend, model):
    asked = [("the cat", " sat"), ("", "the cat"), ("the cat", " ran home"), ("the cat", " sat")]
    found = backend.loglikelihood([Request(pair) for pair in asked], disable_tqdm=True)
    for (context, text), (logprob, greedy) in zip(asked, found, strict=True):
        expected = model.loglikelihood(context, text)
        assert logprob == pytest.approx(sum(expected.logprobs), abs=1e-4)
        assert greedy is expected.greedy
        assert backend.cache_hook.kept["loglikelihood", str((context, text))] == (logprob, greedy)


def test_rolling_adds_up_windows(backend, model):
    texts = ["once upon a time", "the cat sat on a mat. " * 20]
    found = backend.loglikelihood_rolling([Request((text,)) for text in texts], disable_tqdm=True)
    for text, value in zip(texts, found, strict=True):
        expected = model.perplexity(text, second_bos=True)
        assert value == pytest.approx(expected.logprob, abs=1e-3)


def test_generation_ends_at_a_stop_string(backend, model):
    (text,) = backend.generate_until([Request(("the cat", {"max_gen_toks": 12}))], True)
    assert text == model.generate("the cat", max_new_tokens=12).removeprefix(" ")
    stop = text[3:5]
    how = {"max_gen_toks": 12, "until": [stop], "do_sample": False}
    (short,) = backend.generate_until([Request(("the cat", how))], True)
    assert short == text[: text.index(stop)]


def test_samples_of_one_prompt_differ(backend):
    how = {"max_gen_toks": 12, "do_sample": True, "temperature": 5.0}
    texts = backend.generate_until([Request(("the cat", how))] * 3, True)
    assert len(set(texts)) == 3
    assert backend.generate_until([Request(("the cat", how))] * 3, True) == texts


def test_lost_beginnings_are_told(backend, caplog):
    backend.loglikelihood([Request(("the cat " * 100, "sat"))], disable_tqdm=True)
    assert "1 of 1 requests exceed the context of 128 tokens" in caplog.text


def test_the_device_is_told_where_lm_eval_says_another(registered, small_model, caplog):
    registered["llama_jax"](path=str(small_model), device="cpu")
    assert caplog.text == ""
    registered["llama_jax"](path=str(small_model), device="cuda:0")
    assert "device cuda:0; JAX runs on cpu" in caplog.text


def test_nothing_asked_is_nothing_answered(backend):
    assert backend.loglikelihood([], True) == []
    assert backend.loglikelihood_rolling([], True) == []
    assert backend.generate_until([], True) == []


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"path": None}, "path=DIR"),
        ({"pretrained": "there"}, "pretrained"),
        ({"max_length": 4096}, "max_length 4096"),
    ],
)
def test_wrong_arguments_are_one_line(registered, small_model, arguments, said):
    with pytest.raises(InputError, match=said) as error:
        registered["llama_jax"](**{"path": str(small_model), **arguments})
    assert "\n" not in str(error.value)


def test_without_lm_eval_the_command_says_what_to_install():
    code = "import sys; sys.modules['lm_eval'] = None; import runpy; sys.argv = ['lm_eval', 'ls']; "
    code += "runpy.run_module('llama_jax.lm_eval_backend', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: lm-evaluation-harness is not installed")
    assert done.stderr.count("\n") == 1
