"""The rules of the house: who may import what, and what importing costs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "llama_jax"
FILES = sorted(PACKAGE.rglob("*.py"))

# A room may import those below it and itself; nothing imports upward.
ROOMS = {
    "errors": set(),
    "paper": {"errors"},
    "config": {"errors"},
    "config_json": {"errors", "config"},
    "model": {"errors", "config"},
    "sharding": {"errors", "config", "model"},
    "tokenizer": {"errors", "config"},
    "prompts": {"errors", "tokenizer"},
    "weights": {
        *("errors", "config", "config_json", "model", "tokenizer"),
        *("checkpoint", "checkpoint_files"),
    },
    "data": {"errors"},
    "inference": {"errors", "config", "model", "sharding", "tokenizer"},
    "training": {
        *("errors", "config", "config_json", "model", "weights", "sharding"),
        *("data", "checkpoint", "checkpoint_files"),
    },
    "evals": {"errors", "config", "tokenizer", "data", "inference", "paper"},
    "chat": {"errors", "api", "inference", "prompts"},
    "infill": {"errors", "api", "inference", "prompts"},
    "report": {"errors", "paper"},
    "lm_eval_backend": {
        *("errors", "api", "compiled", "evals", "huge_pages", "inference", "tokenizer"),
    },
}


def imported(path: Path) -> set[str]:
    """Full names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_imports_upward(room):
    paths = sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    for path in paths:
        rooms = {n.split(".")[1] for n in imported(path) if n.startswith("llama_jax.")}
        assert rooms <= ROOMS[room] | {room}, path


def test_one_module_imports_orbax():
    users = {p.name for p in FILES if any(n.startswith("orbax") for n in imported(p))}
    assert users == {"checkpoint_orbax.py"}


def test_only_the_backend_for_it_imports_lm_eval():
    users = {p.name for p in FILES if any(n.split(".")[0] == "lm_eval" for n in imported(p))}
    assert users == {"model.py", "__main__.py"}
    assert not any(
        "lm_eval_backend" in n
        for p in FILES
        for n in imported(p)
        if "lm_eval_backend" not in str(p)
    )


def test_nnx_is_a_notation_and_transforms_are_jax():
    """nnx.jit and friends cost 5 to 20 times more per call."""
    banned = re.compile(r"nnx\.(jit|grad|value_and_grad|scan|vmap|pmap|remat|Optimizer)\b")
    for path in FILES:
        code = ast.unparse(_without_docstrings(ast.parse(path.read_text(encoding="utf-8"))))
        assert not banned.search(code), path


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            node.body = body[1:] or [ast.Pass()]
    return tree


HEAVY = (
    "jax",
    "flax",
    "optax",
    "orbax",
    "tensorflow_datasets",
    "tensorflow",
    "torch",
    "matplotlib",
)
LIGHT = {
    "llama_jax": HEAVY,
    "llama_jax.config": HEAVY,
    "llama_jax.evals.metrics": HEAVY,
    "llama_jax.evals.types": HEAVY,
    "llama_jax.evals.run": HEAVY,
    "llama_jax.paper": HEAVY,
    "llama_jax.report": HEAVY,
    "llama_jax.cli": HEAVY,
    # What runs on an accelerator machine, which may have none of these.
    "llama_jax.api": ("tensorflow_datasets", "tensorflow", "torch", "grain", "tyro", "orbax"),
    "llama_jax.training.step": ("tensorflow_datasets", "tensorflow", "torch", "grain", "tyro"),
}


@pytest.mark.parametrize("module", LIGHT)
def test_importing_does_not_load_what_it_does_not_need(module):
    code = f"import sys, {module}; print([m for m in {LIGHT[module]} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
