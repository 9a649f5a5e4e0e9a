"""Writes golden/export.json: what our Hugging Face directories were when transformers read them.

    .venv-parity/bin/python tests/parity/make_export_golden.py [FOLDER]

Each case of reference/hf_model.py is written by `hf_write` into FOLDER/CASE (or is there already,
for an environment without JAX) and loaded by transformers, whose logits must be those of
golden/CASE.npz to 1e-5. The golden file keeps the SHA-256 of every file that transformers read.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from reference import hf_model

GOLDEN = Path(__file__).with_name("golden")


def export(folder: Path, case: str) -> Path:
    """FOLDER/CASE, written by our writer in two shards from a directory that is not ours."""
    if not (folder / case).exists():
        from llama_jax.weights import hf_write
        from llama_jax.weights.stored import open_weights

        source = hf_model.write(case, folder / f"{case}-source")
        hf_write.write(open_weights(source), folder / case, shards=2)
    return folder / case


def digests(directory: Path) -> dict[str, str]:
    """Name -> SHA-256 of every file."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(directory.iterdir())}


def difference(directory: Path, case: str) -> float:
    """The largest difference of a logit from the golden file; refuses what was not loaded."""
    import torch
    from transformers import AutoModelForCausalLM

    model, told = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(told.values()), told
    with torch.no_grad():
        logits = model.eval()(torch.from_numpy(hf_model.TOKENS).long()).logits.numpy()
    with np.load(GOLDEN / f"{case}.npz") as golden:
        return float(np.abs(logits - golden["logits"]).max())


def main(folder: Path) -> None:
    """All cases."""
    found = {}
    for case in hf_model.CASES:
        directory = export(folder, case)
        off = difference(directory, case)
        assert off < 1e-5, (case, off)
        found[case] = digests(directory)
        print(case, off)
    (GOLDEN / "export.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
