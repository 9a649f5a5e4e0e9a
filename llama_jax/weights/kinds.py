"""Which kind of weights a path holds, told from names and first bytes, without reading the weights.

Weights are data. Pickled ones (.pth, .pt, pytorch_model.bin) are programs that run when they are
read, and are refused; Meta's consolidated files alone are read, without running them.
"""

from pathlib import Path

from llama_jax.checkpoint_files import is_checkpoint
from llama_jax.errors import InputError
from llama_jax.weights.checks import listed

READABLE = (
    "readable are: a Hugging Face directory (config.json with model.safetensors, or with "
    "model.safetensors.index.json and its shards), Meta's directory (params.json with "
    "consolidated.*.pth), a llama2.c file (.bin), a GGUF file, a llama_jax checkpoint"
)
PICKLE_SUFFIXES = (".pth", ".pt", ".pkl", ".ckpt")
CALLED = {
    "llama_jax": "a llama_jax checkpoint",
    "hf": "a Hugging Face model",
    "meta": "Meta's consolidated files",
}
META_START = "consolidated."
# A zip archive (torch.save since 1.6), and the magic number of the pickles before that.
PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02\x8a\x0a")


def recognise(path: str | Path) -> str:
    """The kind of weights at `path`: "hf", "meta", "llama2c", "gguf" or "llama_jax".

    Args:
        path: a Hugging Face or Meta directory, a llama2.c or GGUF file, or of ours a run
            directory, its directory of checkpoints, or one step.

    Raises:
        InputError: nothing there, or none of these; the line says what was found.
    """
    path = Path(path)
    if path.is_dir():
        return _recognise_directory(path)
    if not path.exists():
        raise InputError(
            f"{path}: no such file or directory (nothing is ever downloaded); {READABLE}"
        )
    return _recognise_file(path)


def _recognise_file(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if path.name.startswith(META_START) and path.suffix == ".pth":
        raise InputError(
            f"{path}: one of Meta's consolidated files; name the directory that holds it and its "
            "params.json"
        )
    if path.suffix in PICKLE_SUFFIXES or start in PICKLE_STARTS:
        raise InputError(
            f"{path}: pickled weights, which can run any program, are not read; {READABLE}"
        )
    if start == b"GGUF":
        return "gguf"
    if path.suffix == ".gguf":
        raise InputError(f"{path}: does not begin with GGUF, so it is no GGUF file")
    if path.suffix == ".safetensors":
        raise InputError(
            f"{path}: one safetensors file; name the directory that holds it and its config.json"
        )
    if path.suffix != ".bin":
        raise InputError(f"{path}: a file of no kind of weights that is known; {READABLE}")
    return "llama2c"


def _recognise_directory(path: Path) -> str:
    names = sorted(entry.name for entry in path.iterdir())
    safetensors = [name for name in names if name.endswith(".safetensors")]
    indexed = "model.safetensors.index.json" in names
    kinds = {
        "llama_jax": is_checkpoint(path),
        "hf": "config.json" in names and (bool(safetensors) or indexed),
        "meta": any(name.startswith(META_START) and name.endswith(".pth") for name in names),
    }
    found = [kind for kind, there in kinds.items() if there]
    if len(found) > 1:
        raise InputError(
            f"{path}: holds both {CALLED[found[1]]} and {CALLED[found[0]]}; name the directory of "
            "one of them"
        )
    if found:
        return found[0]
    raise InputError(f"{path}: {_what_was_found(names, safetensors)}; {READABLE}")


def _what_was_found(names: list[str], safetensors: list[str]) -> str:
    pickles = [n for n in names if n.endswith(PICKLE_SUFFIXES) or n.startswith("pytorch_model")]
    gguf = [name for name in names if name.endswith(".gguf")]
    if not names:
        return "an empty directory"
    if safetensors:
        return f"{listed(safetensors)} without config.json"
    if pickles:
        return (
            f"pickled weights ({listed(pickles)}), which can run any program and are not read; "
            "get or convert to safetensors"
        )
    if gguf:
        return f"GGUF files ({listed(gguf)}); name one of them"
    if "config.json" in names:
        return "config.json without weights (*.safetensors)"
    if any(".orbax-checkpoint-tmp" in name for name in names) or "checkpoints" in names:
        return "no finished checkpoint, only interrupted saves"
    return f"no weights among {listed(names)}"
