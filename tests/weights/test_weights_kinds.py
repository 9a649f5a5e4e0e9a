"""Which kind a path is, and what is said of the others."""

import pytest
from reference.weight_files import draw, hf_config, hf_tensors, write_hf

from llama_jax import weights
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError

CONFIG = LlamaConfig(48, 16, 1, 2, 1, 24, 32, 1e-5)


def make(folder, *names):
    """Files with these names; those that end in a slash are directories."""
    for name in names:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x10\0\0\0")
    return folder


def refusal(path):
    with pytest.raises(InputError) as error:
        weights.recognise(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


def test_hugging_face(tmp_path):
    folder = write_hf(tmp_path, hf_tensors(draw(CONFIG), CONFIG), hf_config(CONFIG))
    assert weights.recognise(folder) == weights.recognise(str(folder)) == "hf"


def test_llama2c(tmp_path):
    assert weights.recognise(make(tmp_path, "model.bin") / "model.bin") == "llama2c"


def test_meta(tmp_path):
    assert weights.recognise(make(tmp_path, "params.json", "consolidated.00.pth")) == "meta"


@pytest.mark.parametrize("name", ["m.gguf", "model.bin"])
def test_gguf(tmp_path, name):
    (tmp_path / name).write_bytes(b"GGUF\x03")
    assert weights.recognise(tmp_path / name) == "gguf"


@pytest.mark.parametrize("path", ["", "checkpoints", "checkpoints/7"])
def test_ours(tmp_path, path):
    make(tmp_path, "checkpoints/7/params/", "checkpoints/7/metadata/", "train_log.jsonl")
    assert weights.recognise(tmp_path / path) == "llama_jax"


def test_missing_path_lists_what_can_be_read(tmp_path):
    message = refusal(tmp_path / "absent")
    assert "no such file or directory (nothing is ever downloaded)" in message
    for kind in (
        "Hugging Face directory",
        "Meta's directory",
        "llama2.c file (.bin)",
        "llama_jax checkpoint",
    ):
        assert kind in message


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "an empty directory; readable are: "),
        (["config.json"], "config.json without weights (*.safetensors)"),
        (["a.safetensors"], "a.safetensors without config.json"),
        (["params.json", "model.pth"], "pickled weights (model.pth)"),
        (["config.json", "pytorch_model.bin"], "pickled weights (pytorch_model.bin)"),
        (["llama.Q4.gguf"], "GGUF files (llama.Q4.gguf); name one of them"),
        (["checkpoints/"], "no finished checkpoint, only interrupted saves"),
        (["checkpoints/7.orbax-checkpoint-tmp/params/"], "no finished checkpoint"),
        (["7.orbax-checkpoint-tmp/params/"], "no finished checkpoint"),
        (["notes.txt", "b.txt"], "no weights among b.txt, notes.txt"),
    ],
)
def test_other_directories(tmp_path, names, message):
    assert message in refusal(make(tmp_path, *names))


@pytest.mark.parametrize(
    ("name", "start", "message"),
    [
        ("model.pth", b"PK\x03\x04", "pickled weights, which can run any program"),
        ("consolidated.00.pth", b"PK\x03\x04", "name the directory that holds it and its params"),
        ("model.pt", b"anything", "pickled weights"),
        ("pytorch_model.bin", b"PK\x03\x04rest", "pickled weights"),
        ("old.bin", b"\x80\x02\x8a\x0al\xfc", "pickled weights"),
        ("m.gguf", b"", "does not begin with GGUF, so it is no GGUF file"),
        ("model.safetensors", b"\0" * 8, "name the directory that holds it and its config.json"),
        ("notes.txt", b"text", "a file of no kind of weights that is known"),
    ],
)
def test_other_files(tmp_path, name, start, message):
    path = tmp_path / name
    path.write_bytes(start)
    assert message in refusal(path)


def test_two_kinds_in_one_directory_are_refused(tmp_path):
    make(tmp_path, "checkpoints/7/params/", "checkpoints/7/metadata/")
    make(tmp_path, "config.json", "model.safetensors")
    assert "holds both a Hugging Face model and a llama_jax checkpoint" in refusal(tmp_path)
    make(tmp_path / "b", "config.json", "model.safetensors", "params.json", "consolidated.00.pth")
    message = refusal(tmp_path / "b")
    assert "holds both Meta's consolidated files and a Hugging Face model" in message
