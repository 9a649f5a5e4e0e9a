"""Writes golden/meta_CASE.npz: logits of reference/meta_model.py's checkpoints, NumPy float64.

    python tests/parity/make_meta_golden.py

Each holds `logits` [B, T, V]. The weights are drawn again by whoever compares.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from reference import meta_model

GOLDEN = Path(__file__).with_name("golden")


def main() -> None:
    """One file per case."""
    for case in meta_model.CASES:
        found = np.stack([meta_model.logits(case, row) for row in meta_model.TOKENS])
        np.savez_compressed(GOLDEN / f"meta_{case}.npz", logits=found)
        print(case, found.shape, f"largest {np.abs(found).max():.3f}")


if __name__ == "__main__":
    main()
