"""Writes the golden files: what transformers computes from reference/hf_model.py's checkpoints.

    .venv-parity/bin/python tests/parity/make_golden.py

Each tests/parity/golden/CASE.npz holds `logits` [B, T, V] and `hidden` [L + 1, B, T, D] (the
embedding, then the residual stream after each layer; the last after the final norm), float32.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from reference import hf_model

GOLDEN = Path(__file__).with_name("golden")


def run_transformers(folder: Path, tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Logits and hidden states of a checkpoint in float32, eager attention."""
    model = transformers.LlamaForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    with torch.no_grad():
        out = model(torch.from_numpy(tokens).long(), output_hidden_states=True)
    hidden = np.stack([h.numpy() for h in out.hidden_states])
    return {"logits": out.logits.numpy(), "hidden": hidden}


def main() -> None:
    """One file per case."""
    GOLDEN.mkdir(exist_ok=True)
    for case in hf_model.CASES:
        with tempfile.TemporaryDirectory() as folder:
            out = run_transformers(hf_model.write(case, Path(folder)), hf_model.TOKENS)
        versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
        np.savez_compressed(GOLDEN / f"{case}.npz", versions=versions, **out)
        print(case, {name: a.shape for name, a in out.items()}, versions)


if __name__ == "__main__":
    main()
